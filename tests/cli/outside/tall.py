"""Images of another shape."""

from torch import Tensor
from torch.nn.functional import pad

from datamodules import Digits


class Tall(Digits):
    """Digits with an additional row of pixels."""

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        x, y = super().load(train)
        return pad(x, (0, 0, 0, 1)), y
