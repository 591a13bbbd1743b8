"""A user's network."""

from torch import nn

from lightning_modules.architectures import Architecture


class Small(Architecture):
    """One hidden layer, for images of 8 x 8 pixels.

    Args:
        width: Units of that layer.
        num_classes: Number of classes.
    """

    def __init__(self, width: int = 32, num_classes: int = 10) -> None:
        self.width = width
        body = nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, num_classes))
        super().__init__(body, num_classes, mean=[0.25], std=[0.5])
