import torch
from sklearn.datasets import load_digits

from datamodules import Digits


def test_the_split_goes_by_position() -> None:
    data = Digits()
    data.setup()
    x, y = data.training_set()
    bundle = load_digits()
    assert y.tolist() == bundle.target[:1198].tolist()
    assert [data.test_set()[p][2] for p in range(599)] == bundle.target[1198:].tolist()
    assert x.shape == (1198, 1, 8, 8)
    assert x.dtype == torch.float32
    assert torch.equal(x[:, 0] * 16, torch.from_numpy(bundle.images[:1198]).float())
    assert (x.min(), x.max()) == (0, 1)


def test_two_classes() -> None:
    data = Digits([7, 1])
    data.setup()
    _, y = data.training_set()
    target = load_digits().target[:1198]
    assert y.tolist() == [0 if c == 7 else 1 for c in target if c in (1, 7)]
    assert data.num_classes == 2
