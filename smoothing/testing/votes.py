"""Conformance suites of votes."""

import random
from collections.abc import Iterator
from copy import deepcopy

import numpy as np
import pytest
import torch
from scipy.stats import binomtest, chi2
from torch import Tensor

from smoothing.measures import LabelFlip, SmoothingMeasure
from smoothing.testing.brute_force import majority_standings, number_of
from smoothing.votes.labels.linear import SCORE_BITS, LinearVotes
from smoothing.votes.votes import Votes

DRAWS = 600
"""Number of draws, not a multiple of any block size."""

WINDOW, WINDOWS = 32, 32
"""Number of draws in a window, and number of consecutive windows."""

LEAST_VARIANCE = 3.0
"""Variance of counts above which their dispersion approximately has a chi-squared distribution."""

CHANCE = 1e-7
"""Failure probability of each statistical test."""


class VotesConformance:
    """Tests of votes. Subclass it, name the class ``Test...`` and define the fixtures."""

    @pytest.fixture
    def votes(self) -> Votes:
        """The fitted votes."""
        raise NotImplementedError("define a fixture `votes`")

    @pytest.fixture
    def measure(self, votes: Votes) -> SmoothingMeasure:
        """A measure of the randomised object, under which the votes vary."""
        raise NotImplementedError("define a fixture `measure`")

    @pytest.fixture
    def x(self) -> Tensor:
        """Inputs to predict, ``(batch, ...)``, at least three."""
        raise NotImplementedError("define a fixture `x`")

    @pytest.fixture
    def index(self, x: Tensor) -> Tensor:
        """Positions of the inputs in their data set, ``(batch,)``."""
        return torch.arange(len(x)) + 10

    def test_describes_itself(self, votes: Votes, x: Tensor) -> None:
        """Object, number of classes, assumptions and object shape are valid."""
        assert votes.object in {"test input", "training labels", "training inputs"}
        assert votes.num_classes >= 2
        assert all(votes.assumptions)
        assert all(size > 0 for size in votes.object_shape(x))

    def test_counts_are_counts(self, votes: Votes, measure: SmoothingMeasure, x: Tensor, index: Tensor) -> None:
        """Counts are integers by input and class, one vote per draw."""
        counts = votes.counts(measure, x, index, DRAWS, (3, 1))
        assert counts.shape == (len(x), votes.num_classes)
        assert counts.dtype == torch.int64
        assert (counts >= 0).all()
        assert (counts.sum(1) == DRAWS).all()

    def test_counts_are_a_function_of_the_key(
        self, votes: Votes, measure: SmoothingMeasure, x: Tensor, index: Tensor
    ) -> None:
        """A key gives the same counts after other calls. Global generators are neither used nor changed."""
        fresh = deepcopy(votes)
        before = _global_states()
        first = votes.counts(measure, x, index, DRAWS, (3, 1))
        after = _global_states()
        assert before == after, "a global generator was used"
        torch.manual_seed(5)
        votes.counts(measure, x, index, DRAWS, (3, 2))
        votes.counts(measure, x.flip(0), index, 1, (3, 1))
        assert torch.equal(votes.counts(measure, x, index, DRAWS, (3, 1)), first), "the same call, repeated"
        torch.manual_seed(6)
        assert torch.equal(fresh.counts(measure, x, index, DRAWS, (3, 1)), first), "the same call, as the first one"

    def test_counts_do_not_depend_on_earlier_inputs(
        self, votes: Votes, measure: SmoothingMeasure, x: Tensor, index: Tensor
    ) -> None:
        """Counts do not depend on an earlier input with the same position in the data set."""
        fresh = deepcopy(votes)
        votes.counts(measure, x, index, WINDOW, (3, 1))
        again = votes.counts(measure, x[1:], index[:-1], WINDOW, (3, 1))
        assert torch.equal(again, fresh.counts(measure, x[1:], index[:-1], WINDOW, (3, 1)))

    def test_draws_and_keys_are_independent(
        self, votes: Votes, measure: SmoothingMeasure, x: Tensor, index: Tensor
    ) -> None:
        """Draws do not repeat, within a key or between keys, and the variance of counts is that of independent draws.

        The counts of consecutive windows of draws are compared. Repeated draws give equal counts at some lag. Counts of
        dependent draws vary more or less than binomial ones.
        """

        def counted(key: tuple[int, int], number: int) -> Tensor:
            """Return the counts of consecutive windows, ``(number, batch, K)``."""
            starts, fresh = range(0, number * WINDOW, WINDOW), deepcopy(votes)
            return torch.stack([fresh.counts(measure, x, index, WINDOW, key, first) for first in starts])

        windows = counted((3, 1), WINDOWS)
        if (windows == windows[0]).all():
            return  # the measure does not change the predictions
        for lag in range(1, WINDOWS // 2 + 1):
            assert not torch.equal(windows[lag:], windows[:-lag]), f"draws repeat after {lag * WINDOW}"
        for key in ((3, 2), (4, 1)):
            assert not torch.equal(counted(key, 8), windows[:8]), f"keys (3, 1) and {key} share draws"
        share = windows.double().mean(0) / WINDOW
        variance = WINDOW * share * (1 - share)
        statistic = (windows - WINDOW * share).square().sum(0) / variance.clamp(min=1e-9)
        for value in statistic[variance >= LEAST_VARIANCE].tolist():
            chances = chi2.cdf(value, WINDOWS - 1), chi2.sf(value, WINDOWS - 1)
            assert min(chances) > CHANCE, f"counts vary {value / (WINDOWS - 1):.3g} times as much as independent draws"

    def test_a_longer_run_extends_a_shorter(
        self, votes: Votes, measure: SmoothingMeasure, x: Tensor, index: Tensor
    ) -> None:
        """The counts of parts of a run add up to its counts, for any cut and in any order."""
        pristine = deepcopy(votes)
        whole = votes.counts(measure, x, index, DRAWS, (3, 1))
        for cut in (1, 255, 256, DRAWS - 1):
            rest = pristine.counts(measure, x, index, DRAWS - cut, (3, 1), first=cut)
            head = votes.counts(measure, x, index, cut, (3, 1))
            assert torch.equal(head + rest, whole)
        parts = ((257, DRAWS - 257), (250, 7), (0, 250))
        counts = [votes.counts(measure, x, index, size, (3, 1), first) for first, size in parts]
        assert torch.equal(torch.stack(counts).sum(0), whole)

    def test_counts_do_not_depend_on_the_batch(
        self, votes: Votes, measure: SmoothingMeasure, x: Tensor, index: Tensor
    ) -> None:
        """The counts of an input do not depend on other inputs, their order or their positions in the data set."""

        def counted(*rows: int) -> Tensor:
            chosen = list(rows)
            return deepcopy(votes).counts(measure, x[chosen], index[chosen], DRAWS // 2, (3, 1))

        together = counted(*range(len(x)))
        assert torch.equal(torch.cat([counted(row) for row in range(len(x))]), together)
        assert torch.equal(counted(*reversed(range(len(x)))).flip(0), together)
        for row in range(1, len(x)):
            assert torch.equal(counted(0, row), together[[0, row]])


class LinearVotesConformance(VotesConformance):
    """Tests of a linear vote. Subclass it, name the class ``Test...`` and define `unfitted`, `training_set` and `x`.

    The training set must have at most 4,096 label vectors.
    """

    @pytest.fixture
    def unfitted(self) -> LinearVotes:
        """The vote before `fit`."""
        raise NotImplementedError("define a fixture `unfitted`")

    @pytest.fixture
    def training_set(self) -> tuple[Tensor, Tensor, int]:
        """Training inputs ``(n, ...)``, labels ``(n,)`` int64 and the number of classes."""
        raise NotImplementedError("define a fixture `training_set`")

    @pytest.fixture
    def votes(self, unfitted: LinearVotes, training_set: tuple[Tensor, Tensor, int]) -> LinearVotes:
        """The fitted vote."""
        votes = deepcopy(unfitted)
        votes.fit(*training_set)
        return votes

    @pytest.fixture
    def reads_labels(self) -> str | None:
        """The assumption that states that weights or offsets depend on labels; None if they do not."""
        return None

    @pytest.fixture
    def measure(self, votes: LinearVotes) -> SmoothingMeasure:
        """Label flips."""
        return LabelFlip("0.2", votes.num_classes)

    def test_scores_add_without_rounding(self, votes: LinearVotes, x: Tensor) -> None:
        """Weights and offsets are whole numbers with sums that are exact in float64."""
        scores = votes.scores(x)
        assert scores.weights.shape == (len(x), len(votes.labels))
        assert scores.offsets.shape == (len(x), votes.num_classes)
        for part in (scores.weights, scores.offsets):
            assert part.dtype == torch.float64
            assert torch.equal(part, part.round())
        assert (scores.weights.abs().sum(1) + scores.offsets.abs().sum(1) < 2.0**SCORE_BITS).all()
        assert (scores.weights != 0).any()

    def test_scores_do_not_depend_on_the_batch(self, votes: LinearVotes, x: Tensor) -> None:
        """The bits of an input's scores do not depend on other inputs, their order or earlier calls."""
        pristine = deepcopy(votes)
        together = votes.scores(x)
        for order in (torch.arange(len(x)).flip(0), torch.tensor([0]), torch.tensor([len(x) - 1, 0])):
            for called in (votes, deepcopy(pristine)):
                scores = called.scores(x[order])
                assert torch.equal(scores.weights, together.weights[order])
                assert torch.equal(scores.offsets, together.offsets[order])

    def test_labels_change_no_bit_of_the_weights(
        self,
        unfitted: LinearVotes,
        training_set: tuple[Tensor, Tensor, int],
        x: Tensor,
        reads_labels: str | None,
    ) -> None:
        """Weights and offsets are the same after fitting to other labels, unless `reads_labels` declares otherwise.

        No other assumption exempts a vote from this test.
        """
        inputs, labels, num_classes = training_set

        def fitted(to: Tensor) -> LinearVotes:
            votes = deepcopy(unfitted)
            votes.fit(inputs, to, num_classes)
            return votes

        declared = fitted(labels)
        if reads_labels is not None:
            assert reads_labels in declared.assumptions
            return
        before = declared.scores(x)
        for other in _other_labels(labels, num_classes):
            after = fitted(other).scores(x)
            assert torch.equal(after.weights, before.weights)
            assert torch.equal(after.offsets, before.offsets)
            assert torch.equal(after.labels, other)

    def test_scores_are_the_sums_of_weights_by_label(self, votes: LinearVotes, x: Tensor) -> None:
        """Class sums are the exact sums of the weights of each label."""
        scores = votes.scores(x)
        for c in range(votes.num_classes):
            expected = [sum(int(w) for w in row[scores.labels == c]) for row in scores.weights]
            assert scores.class_sums[:, c].tolist() == expected

    def test_counts_follow_the_scores(
        self, votes: LinearVotes, measure: SmoothingMeasure, x: Tensor, index: Tensor
    ) -> None:
        """Sampled frequencies agree with exact vote probabilities over all label vectors."""
        scores, channel = votes.scores(x), measure.channel
        assert channel is not None
        draws = 4000
        counts = votes.counts(measure, x, index, draws, (5,))
        here = number_of(scores.labels.tolist(), votes.num_classes)
        for row in range(len(x)):
            truth = majority_standings(scores, row, channel)[here].clip(0, 1)
            for count, probability in zip(counts[row].tolist(), truth.tolist(), strict=True):
                assert binomtest(count, draws, probability).pvalue > CHANCE

    def test_refuses_bad_training_sets(self, unfitted: LinearVotes, training_set: tuple[Tensor, Tensor, int]) -> None:
        """Invalid training sets raise an error that contains what is allowed."""
        inputs, labels, num_classes = training_set
        infinite = inputs.clone()
        infinite.view(-1)[0] = torch.inf
        bad = [
            (inputs[1:], labels, num_classes),
            (inputs[:1], labels[:1], num_classes),
            (infinite, labels, num_classes),
            (inputs, labels - 1, num_classes),
            (inputs, labels + 0.5, num_classes),
            (inputs, labels, int(labels.max())),
            (inputs, labels.clamp(max=num_classes - 2), num_classes),
        ]
        for arguments in bad:
            with pytest.raises(ValueError, match="must"):
                unfitted.fit(*arguments)

    def test_refuses_infinite_inputs(self, votes: LinearVotes, x: Tensor) -> None:
        """NaN in an input raises an error."""
        x = x.clone()
        x.view(-1)[0] = torch.nan
        with pytest.raises(ValueError, match="must be finite"):
            votes.scores(x)


def _other_labels(labels: Tensor, num_classes: int) -> Iterator[Tensor]:
    """Yield all single flips, some random labels, and renamed classes, each with an example of every class."""
    flips = [(position, c) for position in range(len(labels)) for c in range(num_classes) if c != labels[position]]
    for position, c in flips:
        other = labels.clone()
        other[position] = c
        if len(other.unique()) == num_classes:
            yield other
    for seed in range(5):
        generator = torch.Generator().manual_seed(seed)
        other = torch.randint(num_classes, labels.shape, generator=generator)
        other[torch.randperm(len(other), generator=generator)[:num_classes]] = torch.arange(num_classes)
        yield other
    yield (labels + 1) % num_classes


def _global_states() -> tuple[object, ...]:
    """Return the states of the global generators of torch, NumPy and Python."""
    numpy_state = np.random.get_state(legacy=False)["state"]
    return torch.get_rng_state().tolist(), numpy_state["key"].tolist(), numpy_state["pos"], random.getstate()
