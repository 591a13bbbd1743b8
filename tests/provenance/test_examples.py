import torch

from datamodules import Digits
from smoothing.provenance.examples import examples_hash


def requested(**arguments: object) -> str:
    data = Digits((1, 7), **arguments)  # type: ignore[arg-type]
    data.setup()
    return examples_hash(data.test_set()[position] for position in data.requested)


def test_parts_with_the_same_indices_hold_other_examples() -> None:
    assert requested(tests="test[0:50]") == requested(tests="test[0:50]", batch_size=3)
    assert len({requested(tests=f"test[{start}:{start + 50}]") for start in (0, 50, 100)}) == 3


def test_inputs_and_labels_count_and_indices_do_not() -> None:
    x = torch.arange(4.0)
    known = examples_hash([(0, x, 1)])
    assert examples_hash([(9, x, 1)]) == known
    others = [(0, x + 1, 1), (0, x, 2), (0, x.reshape(2, 2), 1), (0, x.double(), 1)]
    assert known not in {examples_hash([other]) for other in others}


def test_the_order_counts() -> None:
    a, b = (0, torch.zeros(2), 0), (1, torch.ones(2), 0)
    assert examples_hash([a, b]) != examples_hash([b, a])
