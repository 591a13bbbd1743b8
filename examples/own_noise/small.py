"""A network for images of 8 x 8 pixels."""

from torch import nn

from lightning_modules.architectures import Architecture


class Small(Architecture):
    """Two convolutions and a linear layer."""

    def __init__(self, num_classes: int = 10) -> None:
        convolutions = [nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU()]
        body = nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(64 * 4 * 4, num_classes))
        super().__init__(body, num_classes, mean=[0.3], std=[0.4])
