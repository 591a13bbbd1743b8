from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from datamodules import DataModule


class Shades(DataModule):
    """Image i is one grey of i / 255; class i % 4 of 4, but class 3 has no training example."""

    source = "Shades"
    available = range(4)

    def __init__(
        self,
        classes: tuple[int, ...] = (0, 1),
        batch_size: int = 4,
        num_workers: int = 0,
        every: int = 1,
        training: str = "train",
        tests: str = "test",
    ) -> None:
        super().__init__(classes, batch_size, num_workers, every, training, tests)
        self.reads = 0
        self.train = torch.arange(0, 60, dtype=torch.uint8).reshape(-1, 1, 1, 1)
        self.test = torch.arange(100, 120, dtype=torch.uint8).reshape(-1, 1, 1, 1)

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        self.reads += 1
        x = self.train if train else self.test
        y = torch.arange(len(x)) % 4
        return x, torch.where(y == 3, 0, y) if train else y


def shades(*args: Any, **kwargs: Any) -> Shades:
    made = Shades(*args, **kwargs)
    made.setup()
    return made


def test_labels_are_coded_in_the_order_of_classes() -> None:
    x, y = shades((2, 1)).training_set()
    assert (x.flatten() * 255).round().tolist() == [i for i in range(60) if i % 4 in (1, 2)]
    assert y.tolist() == [0 if i % 4 == 2 else 1 for i in range(60) if i % 4 in (1, 2)]


def test_inputs_are_float_within_one() -> None:
    x, y = shades().training_set()
    assert x.dtype == torch.float32
    assert y.dtype == torch.int64
    assert float(x.max()) == pytest.approx(59 / 255, rel=1e-6)


def test_examples_carry_their_position_in_the_restricted_test_set() -> None:
    test = shades((2, 1)).test_set()
    assert [(i, round(float(x) * 255), label) for i, x, label in (test[p] for p in range(3))] == [
        (0, 101, 1),
        (1, 102, 0),
        (2, 105, 1),
    ]


def test_the_data_are_read_once() -> None:
    data = shades()
    data.setup("predict")
    assert data.reads == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": (1,)}, r"Shades: classes = \[1\]; must be at least two"),
        ({"classes": ()}, r"Shades: classes = \[\]; must be at least two"),
        ({"classes": (1, 1)}, r"Shades: classes = \[1, 1\]; must be at least two, without duplicates"),
        ({"classes": (0, 4)}, r"Shades: classes = \[0, 4\]; 4 is not one of \[0, 1, 2, 3\]"),
        ({"classes": (0, -1)}, r"Shades: classes = \[0, -1\]; -1 is not one of"),
        ({"classes": "01"}, "Shades: classes = '01'; must be a list of whole numbers"),
        ({"classes": 2}, "Shades: classes = 2; must be a list of whole numbers"),
        ({"classes": (0, 1.0)}, r"Shades: classes = \(0, 1.0\); must be a list of whole numbers"),
        ({"classes": (0, float("nan"))}, r"Shades: classes = \(0, nan\); must be a list of whole numbers"),
        ({"batch_size": 2.5}, "Shades: batch_size = 2.5; must be a whole number, at least 1"),
        ({"batch_size": float("nan")}, "Shades: batch_size = nan; must be a whole number, at least 1"),
        ({"every": "2"}, "Shades: every = '2'; must be a whole number, at least 1"),
        ({"num_workers": 0.5}, "Shades: num_workers = 0.5; must be a whole number, at least 0"),
        ({"training": None}, "Shades: training = None; must be train, test or a part"),
        ({"tests": 3}, "Shades: tests = 3; must be train, test or a part"),
        ({"batch_size": 0}, "Shades: batch_size = 0; must be at least 1"),
        ({"num_workers": -1}, "Shades: num_workers = -1; must be at least 0"),
        ({"every": 0}, "Shades: every = 0; must be at least 1"),
        ({"training": "all"}, "Shades: training = all; must be train, test or a part"),
        ({"training": "x train[1:2]"}, "must be train, test or a part"),
        ({"training": "train[5]"}, "must be like"),
        ({"training": "train[9:3]"}, "range = .9:3.; must be non-empty and start at 0 or later"),
        ({"training": "test[0:9]", "tests": "test[8:]"}, "Shades: tests = test.8:.; must share no example"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Shades(**arguments)


def test_parts_are_taken_by_position_before_classes_are_restricted() -> None:
    made = shades(training="test[4:20]", tests="train[30:]")
    x, y = made.training_set()
    assert (x.flatten() * 255).round().tolist() == [i for i in range(104, 120) if i % 4 in (0, 1)]
    assert y.tolist() == [i % 4 for i in range(104, 120) if i % 4 in (0, 1)]
    assert round(float(made.test_set()[1][1]) * 255) == 32
    assert str(made.origin) == "classes 0, 1 of Shades test[4:20]"
    assert str(shades((0, 1, 2)).origin) == "classes 0, 1, 2 of Shades train"
    assert made.reads == 2


@pytest.mark.parametrize("part", ["train[0:61]", "train[60:]"])
def test_a_part_that_reaches_beyond_its_set_is_refused(part: str) -> None:
    with pytest.raises(ValueError, match="must be within the 60 examples of its set"):
        shades(training=part)


def test_a_class_without_training_examples_is_refused() -> None:
    with pytest.raises(ValueError, match="Shades: class 3 has no training example"):
        shades((1, 3))


def test_data_must_be_read_first() -> None:
    with pytest.raises(RuntimeError, match="call setup first"):
        Shades().training_set()


def test_a_subset_of_the_classes_is_an_assumption() -> None:
    assert Shades((2, 1)).assumptions == ("label flips stay within the classes 2, 1 of Shades",)
    assert Shades((0, 1, 2, 3)).assumptions == ()


def test_the_fingerprint_is_a_function_of_the_content() -> None:
    known = shades().fingerprint()
    assert shades(batch_size=2).fingerprint() == known
    assert shades((1, 0)).fingerprint() != known
    for part in ("train", "test"):
        changed = Shades()
        getattr(changed, part)[4] += 4
        changed.setup()
        assert changed.fingerprint() != known


def test_batches_cover_what_remains() -> None:
    data = shades(batch_size=3)
    assert [len(index) for index, _, _ in data.predict_dataloader()] == [3, 3, 3, 1]
    ((index, x, label),) = data.batches([7, 2], 0, 1)
    assert index.tolist() == [7, 2]
    assert (x.flatten() * 255).round().tolist() == [113, 104]
    assert label.tolist() == [1, 0]
    assert list(data.batches([], 0, 1)) == []


def test_ranks_share_the_batches() -> None:
    seen, seen_by_default = [], []
    for rank in range(3):
        data = shades()
        seen.append([i for index, _, _ in data.batches([9, 0, 4, 1], rank, 3) for i in index.tolist()])
        data.trainer = SimpleNamespace(global_rank=rank, world_size=3)  # type: ignore[assignment]
        seen_by_default.append([i for index, _, _ in data.predict_dataloader() for i in index.tolist()])
    assert seen == [[9, 1], [0], [4]]
    assert seen_by_default == [[0, 3, 6, 9], [1, 4, 7], [2, 5, 8]]


def test_validation_takes_every_tenth_training_example_by_position() -> None:
    data = shades()
    x, _ = data.training_set()
    training, validation = (
        sorted(round(float(v) * 255) for x, _ in loader for v in x.flatten())
        for loader in (data.train_dataloader(), data.val_dataloader())
    )
    every = [round(float(v) * 255) for v in x.flatten()]
    assert validation == every[9::10]
    assert sorted(training + validation) == every


def test_every_so_many_examples_are_asked_by_their_positions() -> None:
    data = shades(every=3)
    assert list(data.requested) == [0, 3, 6, 9]
    batches = [(index.tolist(), (x.flatten() * 255).round().tolist()) for index, x, _ in data.predict_dataloader()]
    assert batches == [([0, 3, 6, 9], [100.0, 105.0, 112.0, 117.0])]


def test_an_example_tells_its_shape() -> None:
    assert shades().image_shape == (1, 1, 1)


class Mirrored(Shades):
    """Training images change sides."""

    def augment(self, x: Tensor) -> Tensor:
        return 1 - x


def test_training_is_augmented_and_validation_is_not() -> None:
    plain, mirrored = shades(), Mirrored()
    mirrored.setup()

    def seen(loader: Any) -> list[int]:
        return sorted(round(float(v) * 255) for x, _ in loader for v in x.flatten())

    assert seen(mirrored.train_dataloader()) == sorted(255 - v for v in seen(plain.train_dataloader()))
    assert seen(mirrored.val_dataloader()) == seen(plain.val_dataloader())


def test_the_order_of_training_is_a_function_of_seed_and_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    def order(seed: str, epoch: int) -> list[float]:
        monkeypatch.setenv("PL_GLOBAL_SEED", seed)
        loader = shades().train_dataloader()
        loader.sampler.set_epoch(epoch)  # type: ignore[union-attr]
        return [float(v) for x, _ in loader for v in x.flatten()]

    assert order("0", 1) == order("0", 1)
    assert sorted(order("0", 1)) == sorted(order("0", 2)) == sorted(order("1", 1))
    assert order("0", 1) != order("0", 2)
    assert order("0", 1) != order("1", 1)


def test_ranks_train_on_different_examples() -> None:
    seen = []
    for rank in range(2):
        data = shades()
        data.trainer = SimpleNamespace(global_rank=rank, world_size=2)  # type: ignore[assignment]
        seen.append({round(float(v) * 255) for x, _ in data.train_dataloader() for v in x.flatten()})
    # The shares are evened out by repeating one.
    assert len(seen[0] & seen[1]) <= 1
    assert len(seen[0] | seen[1]) == len(shades().fitting_set(validation=False))  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [-0.001, 1.001, 255.0])
def test_values_outside_the_scale_are_refused(value: float) -> None:
    data = Shades()
    data.test = torch.full((20, 1, 1, 1), 0.5)
    data.test[1] = value
    with pytest.raises(ValueError, match=r"^Shades: values from .* found; must be within \[0, 1\]$"):
        data.setup()
