"""A user's data set with an error."""

from torch import Tensor, inf, nan
from torch.utils.data import Dataset

from datamodules import Digits


class Flawed(Digits):
    """Ones and sevens with one flaw.

    Args:
        flaw: What is wrong.
        batch_size: Examples per batch.
    """

    def __init__(self, flaw: str, batch_size: int = 64) -> None:
        super().__init__((1, 7), batch_size)
        self.flaw = flaw

    def training_set(self) -> tuple[Tensor, Tensor]:
        x, y = (tensor.clone() for tensor in super().training_set())
        match self.flaw:
            case "nan":
                x[3, 0, 0, 0] = nan
            case "infinite":
                x[3, 0, 0, 0] = inf
            case "label too large":
                y[5] = 2
            case "negative label":
                y[5] = -1
            case "label no integer":
                y = y + 0.5
            case "counts differ":
                y = y[:-1]
            case "one example":
                x, y = x[:1], y[:1]
            case "empty class":
                y[:] = 0
        return x, y

    def test_set(self) -> Dataset[tuple[int, Tensor, int]]:
        examples = super().test_set()
        if self.flaw == "nan in test":
            examples[7][1][0, 0, 0] = nan
        return examples
