"""Votes and learners with hidden dependences fail the suite, each in the test intended for it."""

import random
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from smoothing.measures import LabelFlip, SmoothingMeasure
from smoothing.numerics.random import generator
from smoothing.testing import LearnerConformance, LinearVotesConformance, VotesConformance
from smoothing.votes import LabelVotes, Learner, LinearVotes, Votes, winner

FLIPS = LabelFlip("0.3", 2)
X = torch.randn(4, 2, generator=torch.Generator().manual_seed(1))
INDEX = torch.arange(4) + 10


class Honest(LabelVotes):
    """Each draw is a random class that depends on the key and its number. Mutants override one step."""

    num_classes = 2

    def __init__(self) -> None:
        self.labels = torch.zeros(5, dtype=torch.long)

    def uniform(self, key: Sequence[int], rows: int) -> Tensor:
        return torch.rand((), generator=generator(key)).expand(rows)

    def threshold(self, x: Tensor, index: Tensor) -> Tensor:
        return x[:, 0].sigmoid()

    def key(self, seed: Sequence[int], number: int, first: int, index: Tensor) -> tuple[int, ...]:
        return (*seed, number)

    def counts(
        self, measure: SmoothingMeasure, x: Tensor, index: Tensor, draws: int, seed: Sequence[int], first: int = 0
    ) -> Tensor:
        votes = torch.zeros(len(x), 2, dtype=torch.long)
        for number in range(first, first + draws):
            drawn = self.uniform(self.key(seed, number, first, index), len(x))
            votes += one_hot((drawn < self.threshold(x, index)).long(), 2)
        return votes


class BatchMean(Honest):
    def threshold(self, x: Tensor, index: Tensor) -> Tensor:
        return (x - x.mean(0))[:, 0].sigmoid()


class BatchSize(Honest):
    def threshold(self, x: Tensor, index: Tensor) -> Tensor:
        return (x[:, 0] + len(x)).sigmoid()


class FirstOfTheBatch(Honest):
    """Subtracts the first input of the batch."""

    def threshold(self, x: Tensor, index: Tensor) -> Tensor:
        return (x - x[:1])[:, 0].sigmoid()


class PlaceInTheBatch(Honest):
    def threshold(self, x: Tensor, index: Tensor) -> Tensor:
        return (x[:, 0] + torch.arange(len(x))).sigmoid()


class OtherPositions(Honest):
    """All keys contain the position of the first input in the data set."""

    def key(self, seed: Sequence[int], number: int, first: int, index: Tensor) -> tuple[int, ...]:
        return (*seed, int(index[0]), number)


class AllPositions(Honest):
    def threshold(self, x: Tensor, index: Tensor) -> Tensor:
        return (x[:, 0] + 0.1 * (index.sum() - index)).sigmoid()


class IgnoresFirst(Honest):
    def key(self, seed: Sequence[int], number: int, first: int, index: Tensor) -> tuple[int, ...]:
        return (*seed, number - first)


class DependsOnFirst(Honest):
    """Draws depend on the number of the first draw."""

    def key(self, seed: Sequence[int], number: int, first: int, index: Tensor) -> tuple[int, ...]:
        return (*seed, int(first > 300), number)


class Counting(Honest):
    """Draws depend on the number of earlier calls."""

    calls = 0

    def key(self, seed: Sequence[int], number: int, first: int, index: Tensor) -> tuple[int, ...]:
        return (*seed, self.calls, number)

    def counts(self, *arguments: object, **named: object) -> Tensor:
        self.calls += 1
        return super().counts(*arguments, **named)  # type: ignore[arg-type]


class FirstCall(Honest):
    """Subtracts the mean of the batch of its first call."""

    mean: Tensor | None = None

    def threshold(self, x: Tensor, index: Tensor) -> Tensor:
        if self.mean is None:
            self.mean = x.mean(0)
        return (x - self.mean)[:, 0].sigmoid()


class Remembering(Honest):
    """Caches thresholds by position, and ignores the input."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[int, float] = {}

    def threshold(self, x: Tensor, index: Tensor) -> Tensor:
        fresh = zip(index.tolist(), x[:, 0].sigmoid().tolist(), strict=True)
        return torch.tensor([self.known.setdefault(position, value) for position, value in fresh])


class GlobalTorch(Honest):
    def uniform(self, key: Sequence[int], rows: int) -> Tensor:
        return torch.rand(()).expand(rows)


class SeedsTorch(Honest):
    """Seeds the global generator with the key."""

    def uniform(self, key: Sequence[int], rows: int) -> Tensor:
        torch.manual_seed(hash(tuple(key)) % 2**32)
        return torch.rand(()).expand(rows)


class GlobalNumpy(Honest):
    def uniform(self, key: Sequence[int], rows: int) -> Tensor:
        return torch.full((rows,), np.random.rand())


class GlobalPython(Honest):
    def uniform(self, key: Sequence[int], rows: int) -> Tensor:
        return torch.full((rows,), random.random())


class IgnoresTheKey(Honest):
    def key(self, seed: Sequence[int], number: int, first: int, index: Tensor) -> tuple[int, ...]:
        return (number,)


class IgnoresTheStream(Honest):
    def key(self, seed: Sequence[int], number: int, first: int, index: Tensor) -> tuple[int, ...]:
        return (seed[0], number)


class RepeatsItself(Honest):
    """Repeats the same 128 draws."""

    def key(self, seed: Sequence[int], number: int, first: int, index: Tensor) -> tuple[int, ...]:
        return (*seed, number % 128)


class VotesAsOne(Honest):
    """All draws of a block of 128 are equal."""

    def key(self, seed: Sequence[int], number: int, first: int, index: Tensor) -> tuple[int, ...]:
        return (*seed, number // 128)


class Antithetic(Honest):
    """Every second draw is antithetic to the previous one."""

    def counts(
        self, measure: SmoothingMeasure, x: Tensor, index: Tensor, draws: int, seed: Sequence[int], first: int = 0
    ) -> Tensor:
        votes = torch.zeros(len(x), 2, dtype=torch.long)
        for number in range(first, first + draws):
            drawn = self.uniform((*seed, number // 2), len(x))
            drawn = 1 - drawn if number % 2 else drawn
            votes += one_hot((drawn < self.threshold(x, index)).long(), 2)
        return votes


class NotAllDraws(Honest):
    """Drops the last draw of a long run."""

    def counts(
        self, measure: SmoothingMeasure, x: Tensor, index: Tensor, draws: int, seed: Sequence[int], first: int = 0
    ) -> Tensor:
        return super().counts(measure, x, index, draws - (draws > 256), seed, first)


BATCH, KEY, LONGER, PLACE, INDEPENDENT, COUNTS = (
    "test_counts_do_not_depend_on_the_batch",
    "test_counts_are_a_function_of_the_key",
    "test_a_longer_run_extends_a_shorter",
    "test_counts_do_not_depend_on_earlier_inputs",
    "test_draws_and_keys_are_independent",
    "test_counts_are_counts",
)

MUTANTS: list[tuple[type[Votes], str]] = [
    (BatchMean, BATCH),
    (BatchSize, BATCH),
    (FirstOfTheBatch, BATCH),
    (PlaceInTheBatch, BATCH),
    (OtherPositions, BATCH),
    (AllPositions, BATCH),
    (IgnoresFirst, LONGER),
    (DependsOnFirst, LONGER),
    (Counting, KEY),
    (FirstCall, BATCH),
    (FirstCall, PLACE),
    (Remembering, PLACE),
    (GlobalTorch, KEY),
    (SeedsTorch, KEY),
    (GlobalNumpy, KEY),
    (GlobalPython, KEY),
    (IgnoresTheKey, INDEPENDENT),
    (IgnoresTheStream, INDEPENDENT),
    (RepeatsItself, INDEPENDENT),
    (VotesAsOne, INDEPENDENT),
    (Antithetic, INDEPENDENT),
    (NotAllDraws, COUNTS),
]


@pytest.mark.parametrize("test", [BATCH, KEY, LONGER, PLACE, INDEPENDENT, COUNTS])
def test_honest_votes_pass(test: str) -> None:
    getattr(VotesConformance(), test)(Honest(), FLIPS, X, INDEX)


@pytest.mark.parametrize(("mutant", "test"), MUTANTS)
def test_a_dependent_vote_is_refused(mutant: Callable[[], Votes], test: str) -> None:
    with pytest.raises(AssertionError):
        getattr(VotesConformance(), test)(mutant(), FLIPS, X, INDEX)


class ByDistance(LinearVotes):
    """Weights decrease with the distance. Mutants let them depend on labels or earlier calls."""

    def _fit(self, features: Tensor, labels: Tensor) -> None:
        self._features = features

    def weights(self, features: Tensor) -> Tensor:
        # One row at a time, so that a row has the same bits in any batch.
        return torch.stack([(-(row - self._features).square().sum(1)).exp() for row in features])


class Counted(ByDistance):
    """Weights are divided by label counts."""

    def weights(self, features: Tensor) -> Tensor:
        return super().weights(features) / torch.bincount(self.labels)[self.labels]


class CountedAndAssuming(Counted):
    """Declares an assumption that does not concern labels."""

    assumptions = ("features do not depend on the labels under attack",)


class Frequent(ByDistance):
    """The bandwidth depends on the number of labels of class 1."""

    def weights(self, features: Tensor) -> Tensor:
        return super().weights(features) ** (0.5 if self.labels.sum() > 4 else 1)


class Prior(ByDistance):
    """Offsets count labels."""

    def offsets(self, features: Tensor, weights: Tensor) -> Tensor:
        return torch.bincount(self.labels, minlength=self.num_classes).double().expand(len(features), -1).clone()


class PriorAndAssuming(Prior):
    assumptions = ("examples keep their places when labels flip",)


class FirstLabels(ByDistance):
    """Caches the label counts of its first training set."""

    _share: Tensor | None = None

    def _fit(self, features: Tensor, labels: Tensor) -> None:
        super()._fit(features, labels)
        if self._share is None:
            self._share = 1 / torch.bincount(labels)[labels]

    def weights(self, features: Tensor) -> Tensor:
        return super().weights(features) * self._share


class FirstBatch(ByDistance):
    """Subtracts the mean of the batch of its first call."""

    _mean: Tensor | None = None

    def weights(self, features: Tensor) -> Tensor:
        if self._mean is None:
            self._mean = features.mean(0)
        return super().weights(features - self._mean)


TRAINING_SET = (
    torch.randn(8, 2, generator=torch.Generator().manual_seed(0)),
    torch.tensor([0, 1, 0, 0, 0, 0, 1, 0]),
    2,
)


def labels_change_no_weight(votes: LinearVotes, reads_labels: str | None = None) -> None:
    LinearVotesConformance().test_labels_change_no_bit_of_the_weights(votes, TRAINING_SET, X, reads_labels)


@pytest.mark.parametrize("mutant", [Counted, CountedAndAssuming, Frequent, Prior, PriorAndAssuming, FirstLabels])
def test_a_linear_vote_that_reads_labels_is_refused(mutant: type[LinearVotes]) -> None:
    with pytest.raises(AssertionError):
        labels_change_no_weight(mutant())


def test_a_linear_vote_that_reads_labels_may_declare_it() -> None:
    labels_change_no_weight(ByDistance())
    labels_change_no_weight(CountedAndAssuming(), *CountedAndAssuming.assumptions)
    for mutant in (Counted(), CountedAndAssuming()):
        with pytest.raises(AssertionError):
            labels_change_no_weight(mutant, "label counts do not change")


def test_scores_that_depend_on_the_first_call_are_refused() -> None:
    for kind, refused in ((ByDistance, False), (FirstBatch, True)):
        votes = kind()
        votes.fit(*TRAINING_SET)
        if refused:
            with pytest.raises(AssertionError):
                LinearVotesConformance().test_scores_do_not_depend_on_the_batch(votes, X)
        else:
            LinearVotesConformance().test_scores_do_not_depend_on_the_batch(votes, X)


class Means(Learner):
    """Predicts the nearest class mean. Mutants use data of other models."""

    group = 3

    def own(self, x: Tensor, keys: Sequence[Sequence[int]]) -> Tensor:
        return x

    def train_and_predict(
        self, x: Tensor, labels: Tensor, num_classes: int, tests: Tensor, keys: Sequence[Sequence[int]]
    ) -> Tensor:
        x = self.own(x, keys)
        means = torch.stack([x[:, labels == c].mean(1) for c in range(num_classes)], 1)
        return winner(-torch.cdist(tests, means).nan_to_num(torch.inf))


class AllDraws(Means):
    """Learns from the mean of all training sets of its group."""

    def own(self, x: Tensor, keys: Sequence[Sequence[int]]) -> Tensor:
        return x.mean(0).expand_as(x)


class FirstDraw(Means):
    def own(self, x: Tensor, keys: Sequence[Sequence[int]]) -> Tensor:
        return x[:1].expand_as(x)


class Scaled(Means):
    """Normalises by the statistics of its group."""

    def own(self, x: Tensor, keys: Sequence[Sequence[int]]) -> Tensor:
        return x - x.mean((0, 1))


class EarlierDraws(Means):
    """Averages with the training sets of the previous call."""

    before: Tensor | None = None

    def own(self, x: Tensor, keys: Sequence[Sequence[int]]) -> Tensor:
        mixed = x if self.before is None else (x + self.before) / 2
        self.before = x
        return mixed


class OtherTests(Means):
    """Predicts the test inputs of the first model with all models."""

    def train_and_predict(
        self, x: Tensor, labels: Tensor, num_classes: int, tests: Tensor, keys: Sequence[Sequence[int]]
    ) -> Tensor:
        return super().train_and_predict(x, labels, num_classes, tests[:1].expand_as(tests), keys)


class OtherKeys(Means):
    """Draws the noise of all models from the first key."""

    def own(self, x: Tensor, keys: Sequence[Sequence[int]]) -> Tensor:
        return x + 5 * torch.randn(x.shape, generator=generator(keys[0]))


class PlaceInTheGroup(Means):
    def own(self, x: Tensor, keys: Sequence[Sequence[int]]) -> Tensor:
        return x * (1 - torch.arange(len(x)))[:, None, None]


class GlobalNoise(Means):
    def own(self, x: Tensor, keys: Sequence[Sequence[int]]) -> Tensor:
        return x + 5 * torch.randn(x.shape)


LEARNABLE = torch.arange(30) % 3
POINTS = (
    torch.randn(30, 2, generator=torch.Generator().manual_seed(2))
    + 4 * torch.randn(3, 2, generator=torch.Generator().manual_seed(3))[LEARNABLE]
)

FUNCTION, OTHERS = (
    "test_a_model_is_a_function_of_its_training_set_and_key",
    "test_a_model_learns_nothing_from_other_draws",
)


@pytest.mark.parametrize("test", [FUNCTION, OTHERS])
def test_an_honest_learner_passes(test: str) -> None:
    getattr(LearnerConformance(), test)(Means(), POINTS, LEARNABLE, POINTS)


@pytest.mark.parametrize("group", [1, 3])
@pytest.mark.parametrize(
    ("mutant", "test", "alone"),
    [
        (AllDraws, OTHERS, False),
        (FirstDraw, OTHERS, False),
        (Scaled, OTHERS, False),
        (EarlierDraws, OTHERS, True),
        (OtherTests, OTHERS, False),
        (OtherKeys, OTHERS, False),
        (PlaceInTheGroup, OTHERS, False),
        (GlobalNoise, FUNCTION, True),
    ],
)
def test_a_learner_that_uses_other_draws_is_refused(
    mutant: Callable[[], Learner], test: str, alone: bool, group: int
) -> None:
    learner = mutant()
    learner.group = group
    if group == 1 and not alone:
        pytest.skip("nothing beside a single model")
    with pytest.raises(AssertionError):
        getattr(LearnerConformance(), test)(learner, POINTS, LEARNABLE, POINTS)
