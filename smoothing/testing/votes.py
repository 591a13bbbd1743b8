"""What every base function must do when it is put to the vote."""

import pytest
import torch
from scipy.stats import binomtest
from torch import Tensor

from smoothing.measures import LabelFlip, SmoothingMeasure
from smoothing.testing.brute_force import majority_standings, number_of
from smoothing.votes.labels.linear import SCORE_BITS, LinearVotes
from smoothing.votes.votes import Votes

DRAWS = 600
"""Not a multiple of any block of draws."""

CHANCE = 1e-7
"""Failure probability of each statistical statement."""


class VotesConformance:
    """Tests of a base function; subclass it, name the class ``Test...`` and give the fixtures."""

    @pytest.fixture
    def votes(self) -> Votes:
        """The base function, ready to be put to the vote."""
        raise NotImplementedError("give a fixture `votes`")

    @pytest.fixture
    def measure(self, votes: Votes) -> SmoothingMeasure:
        """A measure that randomises what the votes depend on."""
        raise NotImplementedError("give a fixture `measure`")

    @pytest.fixture
    def x(self) -> Tensor:
        """Inputs to predict, ``(batch, ...)``, at least three."""
        raise NotImplementedError("give a fixture `x`")

    @pytest.fixture
    def index(self, x: Tensor) -> Tensor:
        """``(batch,)`` positions of the inputs in their data set."""
        return torch.arange(len(x)) + 10

    def test_describes_itself(self, votes: Votes, x: Tensor) -> None:
        """It says what is randomised, how many classes there are and what is assumed."""
        assert votes.object in {"test input", "training labels", "training inputs"}
        assert votes.num_classes >= 2
        assert all(votes.assumptions)
        assert all(size > 0 for size in votes.object_shape(x))

    def test_counts_are_counts(self, votes: Votes, measure: SmoothingMeasure, x: Tensor, index: Tensor) -> None:
        """One whole number for each input and class; every draw is one vote."""
        counts = votes.counts(measure, x, index, DRAWS, (3, 1))
        assert counts.shape == (len(x), votes.num_classes)
        assert counts.dtype == torch.int64
        assert (counts >= 0).all()
        assert (counts.sum(1) == DRAWS).all()

    def test_counts_are_a_function_of_the_key(
        self, votes: Votes, measure: SmoothingMeasure, x: Tensor, index: Tensor
    ) -> None:
        """The same key gives the same votes, whatever happened before; no draw is shared with another key."""
        first = votes.counts(measure, x, index, DRAWS, (3, 1))
        torch.manual_seed(5)
        votes.counts(measure, x, index, DRAWS, (3, 2))
        assert torch.equal(votes.counts(measure, x, index, DRAWS, (3, 1)), first)
        one_draw = [votes.counts(measure, x, index, 1, (3, stream)) for stream in range(100)]
        assert first.amax() == DRAWS or any(not torch.equal(one_draw[0], other) for other in one_draw)

    def test_a_longer_run_extends_a_shorter(
        self, votes: Votes, measure: SmoothingMeasure, x: Tensor, index: Tensor
    ) -> None:
        """Draws are numbered: parts of a run add up to it, wherever it is cut."""
        whole = votes.counts(measure, x, index, DRAWS, (3, 1))
        for cut in (1, 255, 256, DRAWS - 1):
            head = votes.counts(measure, x, index, cut, (3, 1))
            rest = votes.counts(measure, x, index, DRAWS - cut, (3, 1), first=cut)
            assert torch.equal(head + rest, whole)

    def test_counts_do_not_depend_on_the_batch(
        self, votes: Votes, measure: SmoothingMeasure, x: Tensor, index: Tensor
    ) -> None:
        """An input alone, in another order or among others gets the same votes."""
        together = votes.counts(measure, x, index, DRAWS, (3, 1))
        alone = [votes.counts(measure, x[i : i + 1], index[i : i + 1], DRAWS, (3, 1)) for i in range(len(x))]
        assert torch.equal(torch.cat(alone), together)
        assert torch.equal(votes.counts(measure, x.flip(0), index.flip(0), DRAWS, (3, 1)).flip(0), together)


class LinearVotesConformance(VotesConformance):
    """Tests of a linear vote; subclass it, name the class ``Test...`` and give `unfitted`, `training_set` and `x`.

    The training set must be small: at most 4,096 label vectors.
    """

    @pytest.fixture
    def unfitted(self) -> LinearVotes:
        """The vote before it has seen the training set; built anew for every test."""
        raise NotImplementedError("give a fixture `unfitted`")

    @pytest.fixture
    def training_set(self) -> tuple[Tensor, Tensor, int]:
        """Training inputs ``(n, ...)``, labels ``(n,)`` int64 and the number of classes."""
        raise NotImplementedError("give a fixture `training_set`")

    @pytest.fixture
    def votes(self, unfitted: LinearVotes, training_set: tuple[Tensor, Tensor, int]) -> LinearVotes:
        """The fitted vote."""
        unfitted.fit(*training_set)
        return unfitted

    @pytest.fixture
    def measure(self, votes: LinearVotes) -> SmoothingMeasure:
        """Label flips."""
        return LabelFlip("0.2", votes.num_classes)

    def test_scores_add_without_rounding(self, votes: LinearVotes, x: Tensor) -> None:
        """Weights and offsets are whole numbers whose sums float64 holds."""
        scores = votes.scores(x)
        assert scores.weights.shape == (len(x), len(votes.labels))
        assert scores.offsets.shape == (len(x), votes.num_classes)
        for part in (scores.weights, scores.offsets):
            assert part.dtype == torch.float64
            assert torch.equal(part, part.round())
        assert (scores.weights.abs().sum(1) + scores.offsets.abs().sum(1) < 2.0**SCORE_BITS).all()
        assert (scores.weights != 0).any()

    def test_scores_do_not_depend_on_the_batch(self, votes: LinearVotes, x: Tensor) -> None:
        """An input alone, in another order or among others gets the same bits."""
        together = votes.scores(x)
        for order in (torch.arange(len(x)).flip(0), torch.tensor([0]), torch.tensor([len(x) - 1, 0])):
            scores = votes.scores(x[order])
            assert torch.equal(scores.weights, together.weights[order])
            assert torch.equal(scores.offsets, together.offsets[order])

    def test_labels_change_no_bit_of_the_weights(
        self, votes: LinearVotes, training_set: tuple[Tensor, Tensor, int], x: Tensor
    ) -> None:
        """Refitted to other labels, weights and offsets stay, unless the vote declares what it assumes."""
        if votes.assumptions:
            pytest.skip(f"declared: {votes.assumptions}")
        inputs, labels, num_classes = training_set
        before = votes.scores(x)
        for seed in range(5):
            other = torch.randint(num_classes, labels.shape, generator=torch.Generator().manual_seed(seed))
            other[torch.randperm(len(other))[:num_classes]] = torch.arange(num_classes)
            votes.fit(inputs, other, num_classes)
            after = votes.scores(x)
            assert torch.equal(after.weights, before.weights)
            assert torch.equal(after.offsets, before.offsets)
            assert torch.equal(after.labels, other)

    def test_scores_are_the_sums_of_weights_by_label(self, votes: LinearVotes, x: Tensor) -> None:
        """Class sums are exactly the weights of each label."""
        scores = votes.scores(x)
        for c in range(votes.num_classes):
            expected = [sum(int(w) for w in row[scores.labels == c]) for row in scores.weights]
            assert scores.class_sums[:, c].tolist() == expected

    def test_counts_follow_the_scores(
        self, votes: LinearVotes, measure: SmoothingMeasure, x: Tensor, index: Tensor
    ) -> None:
        """Sampled shares agree with the vote probabilities over all label vectors."""
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
        """Each is found before anything is fitted, with what is allowed."""
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
        """NaN never becomes a prediction."""
        x = x.clone()
        x.view(-1)[0] = torch.nan
        with pytest.raises(ValueError, match="must be finite"):
            votes.scores(x)
