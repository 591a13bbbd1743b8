"""A network for images of 8 x 8 pixels."""

from torch import nn

from lightning_modules.architectures import Architecture


class Net(nn.Module):
    """One hidden layer."""

    def __init__(self, width, num_classes):
        super().__init__()
        self.hidden = nn.Linear(64, width)
        self.out = nn.Linear(width, num_classes)

    def forward(self, x):
        return self.out(self.hidden(x.flatten(1)).relu())


class Small(Architecture):
    """The network with normalisation. Every argument is kept in an attribute, so that checkpoints can record it."""

    def __init__(self, width: int = 128, num_classes: int = 10) -> None:
        self.width = width
        super().__init__(Net(width, num_classes), num_classes, mean=[0.3], std=[0.4])
