"""A network for images of 8 x 8 pixels."""

from torch import nn


class Net(nn.Module):
    """One hidden layer."""

    def __init__(self, width: int = 128, num_classes: int = 10) -> None:
        super().__init__()
        self.hidden = nn.Linear(64, width)
        self.out = nn.Linear(width, num_classes)

    def forward(self, x):
        return self.out(self.hidden(x.flatten(1)).relu())
