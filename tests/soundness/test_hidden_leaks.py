"""Ways in which one example can move what it must not: dtypes, rounding, order, labels, places in a group."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from smoothing.certifiers import Plurality
from smoothing.measures import UnchangedExamples, UnchangedLabels
from smoothing.provenance.origin import Origin
from smoothing.votes import (
    Bagging,
    Ballots,
    ByHash,
    Centroids,
    Draw,
    Learner,
    Logarithm,
    Normalise,
    Partition,
    Partitions,
    PartLearner,
    Regularisation,
    Ridge,
    TrainedPartitions,
    Transform,
)
from smoothing.votes.features.transforms import fit_all

PARTS = 7


def whole_training_set(n: int = 60) -> tuple[list[list[int]], list[int]]:
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 3
    return (rng.integers(-9, 9, (n, 3)) + 4 * labels[:, None]).tolist(), labels.tolist()


def learners_seen(votes: Partitions, x: object, y: list[int]) -> list[set[int]]:
    votes.fit(x, y, 3)
    return [set(seen.tolist()) for seen in votes.seen]


def test_an_inserted_fraction_moves_no_other_example() -> None:
    """It makes a list of whole numbers one of fractions, and with the dtype all bytes change."""
    x, y = whole_training_set()
    before = learners_seen(Partitions(Centroids(), PARTS, 1, ByHash()), x, y)
    after = learners_seen(Partitions(Centroids(), PARTS, 1, ByHash()), [*x, [0.5, 1, 2]], [*y, 0])
    assert [seen - {60} for seen in after] == before


def test_radii_hold_against_an_inserted_fraction() -> None:
    x, y = whole_training_set()
    tests = torch.randn(200, 3, generator=torch.Generator().manual_seed(0)) * 9
    votes, attacked = (Partitions(Centroids(), PARTS, 1, ByHash()) for _ in range(2))
    votes.fit(x, y, 3)
    attacked.fit([*x, [0.5, 1, 2]], [*y, 0], 3)
    one, two = (
        Plurality().certify(Ballots(UnchangedExamples(), some, tests, torch.arange(200), 0))
        for some in (votes, attacked)
    )
    held = one.radius >= 1
    assert held.any()
    assert (one.prediction == two.prediction)[held].all()


@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.float16, torch.float32, torch.float64])
def test_the_part_of_an_example_does_not_depend_on_the_dtype(dtype: torch.dtype) -> None:
    x = torch.tensor(whole_training_set()[0])
    assert torch.equal(ByHash().assign(x.to(dtype), x[:0], PARTS), ByHash().assign(x.double(), x[:0], PARTS))
    close = torch.tensor([[1.0], [1.0 + 2**-40]], dtype=torch.float64)
    assert len(set(ByHash().assign(close, x[:0], 10**6).tolist())) == 2


class Projection(Transform):
    """A fixed product. The bits of a row depend on the number of rows."""

    def __call__(self, x: Tensor) -> Tensor:
        matrix = torch.randn(x.shape[1], 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        return x @ matrix


class LateCentring(Transform):
    """Reads the other rows without `fit`, so that it seems to read nothing."""

    def __call__(self, x: Tensor) -> Tensor:
        return x - x.mean(0)


@pytest.mark.parametrize("transform", [Projection(), LateCentring(), Normalise(), Logarithm()], ids=repr)
def test_a_transform_that_reads_nothing_maps_each_row_by_itself(transform: Transform) -> None:
    generator = torch.Generator().manual_seed(0)
    assert transform.reads == "nothing"
    for n in range(2, 40):
        x = torch.randn(n, 20, generator=generator, dtype=torch.float64)
        whole = fit_all([transform], x)
        assert torch.equal(fit_all([transform], x[1:]), whole[1:]), "without the first row"
        assert torch.equal(fit_all([transform], x.T.contiguous().T), whole), "in another layout"


class FirstLabel(PartLearner):
    """Predicts the label of the first example, so that the order counts."""

    def learn(self, x: Tensor, labels: Tensor, num_classes: int) -> None:
        self.num_classes, self._first = num_classes, int(labels[0])

    def class_scores(self, x: Tensor) -> Tensor:
        return torch.eye(self.num_classes, dtype=torch.float64)[self._first].repeat(len(x), 1)


class Drawn(UnchangedLabels):
    """Returns the same drawn labels, whatever the labels are."""

    def randomise(self, z: Tensor, generator: torch.Generator) -> Tensor:
        return torch.tensor([0, 1, 1, 0]).expand_as(z).clone()


def test_a_bag_does_not_depend_on_the_labels_before_the_draw() -> None:
    """Equal inputs were sorted by their own labels, which no draw shows."""
    counts = set()
    for labels in ([0, 1, 0, 1], [1, 0, 0, 1], [0, 1, 1, 0], [1, 0, 1, 0]):
        votes = Bagging(FirstLabel())
        votes.fit(torch.zeros(4, 2), torch.tensor(labels), 2)
        counts.add(tuple(votes.counts(Drawn(2), torch.zeros(1, 2), torch.zeros(1), 5, (0,))[0].tolist()))
    assert counts == {(5, 0)}


class ByLabel(Partition):
    """Reads labels without an assumption."""

    reads = "own example only"

    def assign(self, x: Tensor, labels: Tensor, parts: int) -> Tensor:
        assert not len(labels), "labels are shown"
        return ByHash().assign(x, labels, parts)


class OfLabels(Regularisation):
    """Reads labels without an assumption."""

    def value(self, eigenvalues: Tensor, features: Tensor, labels: Tensor) -> float:
        assert not len(labels), "labels are shown"
        return 1.0 + len(labels)


def test_rules_without_assumptions_get_no_labels() -> None:
    x, y = whole_training_set()
    Partitions(Centroids(), PARTS, 1, ByLabel()).fit(x, y, 3)
    Ridge(OfLabels()).fit(x, y, 3)


class Placed(Learner):
    """Predicts its place in the group, as the last bits of a model do by the alignment of its weights."""

    group = 3

    def train_and_predict(
        self, x: Tensor, labels: Tensor, num_classes: int, tests: Tensor, keys: Sequence[Sequence[int]]
    ) -> Tensor:
        assert len(x) == self.group
        assert torch.backends.cudnn.deterministic
        assert not torch.backends.cudnn.benchmark
        return torch.arange(self.group)[:, None].expand(self.group, tests.shape[1])


def test_the_place_of_a_learner_in_its_group_does_not_depend_on_other_parts() -> None:
    x, y = (torch.tensor(values) for values in whole_training_set())

    def votes_without(left_out: list[int]) -> np.ndarray:
        kept = torch.tensor([i for i in range(60) if i not in left_out])
        votes = TrainedPartitions(Placed(), PARTS, 1, ByHash())
        votes.fit(x[kept], y[kept], 3)
        draws = [Draw(0, number) for number in range(PARTS)]
        votes.serve(Origin("Here"), x[:4], torch.arange(4), {})
        done = [one for draw in draws for one in votes.draw(UnchangedExamples(), [draw], 0)]
        assert np.array_equal(done, votes.draw(UnchangedExamples(), draws, 0))
        votes.serve(Origin("Here"), x[:4], torch.arange(4), dict(zip(draws, done, strict=True)))
        return votes.poll(x[:4], torch.arange(4)).votes

    before = votes_without([])
    for i in range(60):
        part = ByHash().assign(x[i : i + 1], y[:0], PARTS)
        moved = (before != votes_without([i])).any(0)
        assert set(np.flatnonzero(moved)) <= set(part.tolist())
    assert len(np.unique(before)) == Placed.group


def test_groups_are_full_where_parts_are_equal() -> None:
    """Learners that are trained together must be few groups, in one call and in consecutive ones."""
    x, y = torch.arange(30.0)[:, None], torch.arange(30) % 3
    votes = TrainedPartitions(Placed(), 15)
    votes.fit(x, y, 3)
    votes.serve(Origin("Here"), x[:1], torch.arange(1), {})
    for first in range(0, 15, 3):
        learners = [votes._order[number] for number in range(first, first + 3)]
        assert len(votes._groups(learners)) == 1
    assert len(votes._groups(range(15))) == 5
    assert votes.together == Placed.group, "a rank gets consecutive learners"
