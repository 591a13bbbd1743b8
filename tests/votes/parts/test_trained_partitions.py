"""Networks on parts: what one changed example moves, and agreement with partitions of closed-form learners."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lightning_modules.learners import Networks, Perceptrons
from smoothing.certifiers import Plurality, RunOff, WhiteBox
from smoothing.distance import CHANGED, INSERTED
from smoothing.measures import LabelFlip, UnchangedExamples, UnchangedLabels
from smoothing.provenance.origin import Origin
from smoothing.testing import VotesConformance
from smoothing.votes import (
    Ballots,
    ByContent,
    ByHash,
    Centroids,
    Draw,
    Learner,
    MissingDrawsError,
    Partitions,
    PartLearner,
    TrainedPartitions,
    Votes,
)
from tests.votes.parts.test_partitions import training_set

PARTS = 7


class NearestMean(Learner):
    """`Centroids` as a learner of several models. It counts its calls."""

    group = 3
    calls = 0

    def train_and_predict(
        self, x: Tensor, labels: Tensor, num_classes: int, tests: Tensor, keys: Sequence[Sequence[int]]
    ) -> Tensor:
        assert len(x) == len(labels) == len(tests) == len(keys) == self.group
        self.calls += 1
        predicted = []
        for own, y, inputs in zip(x, labels, tests, strict=True):
            learner = Centroids()
            learner.learn(own.double(), y, num_classes)
            predicted.append(learner.class_scores(inputs.double()).argmax(1))
        return torch.stack(predicted)


def finished(votes: TrainedPartitions, x: Tensor, seed: int = 0) -> TrainedPartitions:
    """Return the votes with every learner trained, for tests at positions from 10 on."""
    draws = [Draw(0, number) for number in range(votes.parts)]
    votes.serve(Origin("Here"), x, torch.arange(len(x)) + 10, {})
    # In two calls that cut a group.
    done = [*votes.draw(UnchangedExamples(), draws[:2], seed), *votes.draw(UnchangedExamples(), draws[2:], seed)]
    votes.serve(Origin("Here"), x, torch.arange(len(x)) + 10, dict(zip(draws, done, strict=True)))
    return votes


def fitted(learner: Learner, n: int = 60, spread: int = 1, seed: int = 0) -> TrainedPartitions:
    votes = TrainedPartitions(learner, PARTS, spread, ByHash())
    x, y = training_set(n)
    votes.fit(x, y, 3)
    return finished(votes, x[:8], seed)


class TestTrainedPartitions(VotesConformance):
    @pytest.fixture(params=[1, 3])
    def votes(self, request: pytest.FixtureRequest) -> Votes:
        return fitted(NearestMean(), spread=request.param)

    @pytest.fixture
    def measure(self) -> UnchangedLabels:
        return UnchangedLabels(3)

    @pytest.fixture
    def x(self) -> Tensor:
        return training_set(60)[0][:8]

    # Stored predictions belong to positions, whatever the inputs are.
    test_counts_do_not_depend_on_earlier_inputs = None


@pytest.mark.parametrize("spread", [1, 3])
@pytest.mark.parametrize("distance", [INSERTED, CHANGED], ids=lambda d: d.unit)
def test_certificates_equal_those_of_partitions(distance: object, spread: int) -> None:
    votes, plain = fitted(NearestMean(), spread=spread), Partitions(Centroids(), PARTS, spread, ByHash())
    x, y = training_set(60)
    plain.fit(x, y, 3)
    measure = UnchangedExamples(distance.unit)  # type: ignore[attr-defined]
    one, two = (Ballots(measure, kind, x[:8], torch.arange(8) + 10, 0) for kind in (votes, plain))
    assert np.array_equal(one.poll.votes, two.poll.votes)
    assert len(np.unique(one.poll.votes)) > 1
    made, expected = (Plurality().certify(ballots) for ballots in (one, two))
    assert made.prediction.tolist() == expected.prediction.tolist()
    assert made.radius.tolist() == expected.radius.tolist()
    assert (RunOff().certify(one).radius >= 0).all()


NETWORKS = {
    "perceptrons": lambda: Perceptrons(hidden=[5], epochs=3, batch_size=4, group=3),
    "networks": lambda: Networks(nn.Linear(3, 3), epochs=3, batch_size=4, group=2),
    "one network": lambda: Networks(nn.Linear(3, 3), epochs=3, batch_size=4, group=1),
}


@pytest.mark.parametrize("learner", NETWORKS)
def test_one_example_moves_only_the_learners_of_its_part(learner: str) -> None:
    """Insertions and deletions change the sizes of parts, their order by size, and with whom a learner is trained."""
    x, y = training_set(61)
    tests = training_set(61)[0][:8]

    def votes_without(*left_out: int) -> np.ndarray:
        kept = torch.tensor([i for i in range(61) if i not in left_out]).flip(0)
        votes = TrainedPartitions(NETWORKS[learner](), PARTS, 1, ByHash())
        votes.fit(x[kept], y[kept], 3)
        return finished(votes, tests).poll(tests, torch.arange(8) + 10).votes

    before = votes_without()
    reached = TrainedPartitions(NETWORKS[learner](), PARTS, 1, ByHash()).reached
    moved = 0
    for some in ((0,), (5,), (7, 30), (12, 13), tuple(range(20, 40))):
        touched = reached[ByHash().assign(x[list(some)], y, PARTS).numpy()]
        after = votes_without(*some)
        assert set(np.flatnonzero((before != after).any(0)).tolist()) <= set(touched.ravel().tolist())
        moved += int((before != after).sum())
    assert moved > 0


def test_learners_have_different_random_numbers_and_those_of_the_seed() -> None:
    x, y = training_set(60)
    polls = []
    for seed in (0, 0, 1):
        votes = TrainedPartitions(NETWORKS["perceptrons"](), PARTS, 1, ByHash())
        votes.fit(x, y, 3)
        polls.append(finished(votes, 3 * torch.randn(200, 3, generator=torch.Generator().manual_seed(0)), seed))
    first, again, other = (votes.poll(x, torch.arange(200) + 10).votes for votes in polls)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_an_unfinished_learner_is_missing() -> None:
    votes = TrainedPartitions(NearestMean(), PARTS, 1, ByHash())
    x, y = training_set(60)
    votes.fit(x, y, 3)
    votes.serve(Origin("Here"), x, torch.arange(60), {})
    with pytest.raises(MissingDrawsError) as stopped:
        Plurality().certify(Ballots(UnchangedExamples(), votes, x[:2], torch.arange(2), 0))
    assert stopped.value.draws == tuple(Draw(0, number) for number in range(PARTS))


class Unseeded(NearestMean):
    """Adds random numbers of the global generator."""

    def train_and_predict(self, x, labels, num_classes, tests, keys):  # type: ignore[no-untyped-def]
        return super().train_and_predict(x + 1e-9 * torch.randn(x.shape), labels, num_classes, tests, keys)


class UnseededPart(Centroids):
    """Adds random numbers of an unseeded generator."""

    def learn(self, x: Tensor, labels: Tensor, num_classes: int) -> None:
        super().learn(x + torch.from_numpy(np.random.default_rng().normal(size=x.shape)), labels, num_classes)


@pytest.mark.parametrize(
    ("kind", "learner"), [(TrainedPartitions, Unseeded()), (Partitions, UnseededPart())], ids=["trained", "closed form"]
)
def test_a_learner_with_randomness_of_its_own_is_refused(kind: type, learner: Learner | PartLearner) -> None:
    name = f"learner = {type(learner).__name__}, which has randomness of its own; must be a function of its examples"
    with pytest.raises(ValueError, match=name):
        kind(learner, PARTS, 1, ByHash()).fit(*training_set(60), 3)


def test_refusals() -> None:
    votes = fitted(NearestMean())
    assert votes.supports(UnchangedExamples()) is None
    assert "LabelFlip changes training labels" in str(votes.supports(LabelFlip(0.1, 3)))
    assert "no linear votes on its parts" in str(WhiteBox().supports(UnchangedLabels(3), votes))
    by_rank = TrainedPartitions(NearestMean(), PARTS, 1, ByContent())
    by_rank.fit(*training_set(60), 3)
    assert "partition = ByContent" in str(by_rank.supports(UnchangedExamples()))
    warm = fitted(Networks(nn.Linear(3, 3), epochs=1, batch_size=4))
    warm.learner.warm_start = True
    assert "warm_start of Networks" in str(warm.supports(UnchangedExamples()))
    seen = fitted(Networks(nn.Linear(3, 3), trained_on=["Here"], epochs=1, batch_size=4))
    assert "the learner was trained on Here" in str(seen.supports(UnchangedExamples()))
    with pytest.raises(ValueError, match="TrainedPartitions: parts = 61; must be at most 60"):
        TrainedPartitions(NearestMean(), 61).fit(*training_set(60), 3)
    with pytest.raises(ValueError, match="TrainedPartitions: parts = 59; must be fewer, learner"):
        TrainedPartitions(NearestMean(), 59, 1, ByHash()).fit(*training_set(60), 3)


def test_inputs_of_double_precision_train_the_same_learners() -> None:
    x, labels = training_set(60)
    draws = [Draw(0, number) for number in range(PARTS)]
    drawn = []
    for kind in (torch.float32, torch.float64):
        votes = TrainedPartitions(Perceptrons(hidden=[5], epochs=3, batch_size=4, group=3), PARTS, partition=ByHash())
        votes.fit(x.to(kind), labels, 3)
        votes.serve(Origin("Here"), x[:4].to(kind), torch.arange(4), {})
        drawn.append(votes.draw(UnchangedExamples(), draws, 0))
    for single, double in zip(*drawn, strict=True):
        np.testing.assert_array_equal(single, double)
