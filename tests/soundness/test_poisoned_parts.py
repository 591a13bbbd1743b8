"""Partition votes against all insertions, deletions and changes from small universes of examples."""

from itertools import count

import numpy as np
import pytest
import torch
from torch import Tensor

from smoothing.certifiers import Certifier, Plurality, RunOff, WhiteBox
from smoothing.collective import CollectiveCertifier, CollectivePlurality, CollectiveRunOff
from smoothing.distance import CHANGED, INSERTED, Distance
from smoothing.measures import UnchangedExamples, UnchangedLabels
from smoothing.testing import by_plurality, by_run_off, never_above
from smoothing.testing.poisoned_sets import Members, Universe, changes_stood, retrained_scores
from smoothing.votes import (
    PCA,
    Ballots,
    ByContent,
    ByHash,
    ByPosition,
    Centre,
    Centroids,
    Constant,
    LogisticHead,
    NearestNeighbours,
    Normalise,
    Partition,
    Partitions,
    PartLearner,
    Ridge,
    SpectralEmbedding,
    Stratified,
    Transform,
)

LEARNERS = {
    "ridge": lambda: Ridge(Constant(0.5), [Centre()]),
    "neighbour": lambda: NearestNeighbours(1),
    "centroids": lambda: Centroids(),
    "logistic": lambda: LogisticHead(0.1),
}
RULES = {Plurality: by_plurality, RunOff: by_run_off}


def problem(
    num_classes: int, size: int, n: int, parts: int, spread: int, seed: int, partition: Partition, learner: PartLearner
) -> tuple[Universe, Members, Partitions, Tensor]:
    """Return a universe of some size, n of its examples, votes fitted to these and inputs to predict."""
    for trial in count(1000 * seed):
        generator = torch.Generator().manual_seed(trial)
        y = torch.arange(size) % num_classes
        centres = torch.randn(num_classes, 2, generator=generator)
        x = centres[y] + 0.6 * torch.randn(size, 2, generator=generator)
        votes = Partitions(learner, parts, spread, partition, seed=seed)
        try:
            votes.fit(x[:n], y[:n], num_classes)
        except ValueError:  # a part without an example
            continue
        tests = torch.cat([centres, 2 * torch.randn(5, 2, generator=generator)])
        return Universe(x, y, num_classes), tuple(range(n)), votes, tests
    raise AssertionError


def ballots_of(votes: Partitions, tests: Tensor, distance: Distance) -> Ballots:
    return Ballots(UnchangedExamples(distance.unit), votes, tests, torch.arange(len(tests)), 0)


def compared(
    certifier: Certifier, universe: Universe, own: Members, votes: Partitions, tests: Tensor, distance: Distance
) -> tuple[np.ndarray, np.ndarray]:
    """Return certified and true radii, after checking that no certified radius is above the true one."""
    scores, rule = retrained_scores(votes, universe, tests), RULES[type(certifier)]
    certificates = certifier.certify(ballots_of(votes, tests, distance))
    truth = changes_stood(universe, own, certificates, distance, lambda members: rule(scores(members)[None])[0])
    never_above(truth, certificates)
    assert (truth >= 0).all(), "the votes of the training set itself differ from the predictions"
    return certificates.radius, truth


INSERTIONS = [(2, 8, 5, 3, 1), (2, 8, 5, 3, 2), (3, 8, 5, 4, 1), (3, 8, 6, 3, 3)]
"""Classes, size of the universe, examples, parts, spread."""


@pytest.mark.parametrize("size", INSERTIONS, ids=lambda s: "K{}-u{}-n{}-parts{}-spread{}".format(*s))
@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("certifier", [Plurality(), RunOff()], ids=lambda c: type(c).__name__)
def test_no_radius_is_above_the_truth_of_insertions_and_deletions(
    certifier: Certifier, learner: str, size: tuple[int, int, int, int, int]
) -> None:
    for seed in range(2):
        compared(certifier, *problem(*size, seed, ByHash(), LEARNERS[learner]()), INSERTED)


CHANGES = [(2, 5, 4, 3, 1), (2, 5, 4, 3, 2), (3, 5, 4, 3, 1)]


@pytest.mark.parametrize("size", CHANGES, ids=lambda s: "K{}-u{}-n{}-parts{}-spread{}".format(*s))
@pytest.mark.parametrize("partition", [ByHash(), ByPosition()], ids=lambda p: type(p).__name__)
@pytest.mark.parametrize("certifier", [Plurality(), RunOff()], ids=lambda c: type(c).__name__)
def test_no_radius_is_above_the_truth_of_changes_in_place(
    certifier: Certifier, partition: Partition, size: tuple[int, int, int, int, int]
) -> None:
    for learner in ("ridge", "neighbour"):
        compared(certifier, *problem(*size, 1, partition, LEARNERS[learner]()), CHANGED)


def one_example_a_part(parts: int, num_classes: int, unanimous: bool, seed: int) -> tuple[Universe, Members]:
    """Return a universe with one input a part and every label, and a training set with one example a part."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(200, 2, generator=generator)
    part = ByHash().assign(x, torch.zeros(200, dtype=torch.long), parts).tolist()
    inputs = x[[part.index(p) for p in range(parts)]]
    y = torch.arange(num_classes).repeat_interleave(parts)
    own = torch.arange(parts) % num_classes
    if unanimous:
        own = torch.where(torch.arange(parts) < num_classes, own, num_classes - 1)
    members = tuple((own * parts + torch.arange(parts)).tolist())
    return Universe(inputs.repeat(num_classes, 1), y, num_classes), members


def attained(certifier: Certifier, distance: Distance) -> None:
    """Check that radii are exact if a part has one example and predicts its label (Levine & Feizi 2021, Theorem 1).

    An insertion moves a vote to a smaller class only, since the first of two nearest examples is the smaller one in
    this learner. The class with the largest number wins, so that this is the worst change.
    """
    for num_classes, parts in ((2, 6), (3, 4)):
        universe, own = one_example_a_part(parts, num_classes, True, 0)
        partition: Partition = ByHash()
        if distance == CHANGED:
            partition, own = ByPosition(), tuple(universe.y[list(own)].tolist())
            universe = Universe(torch.zeros(num_classes, 2), torch.arange(num_classes), num_classes)
        votes = Partitions(SmallestLabel(), parts, 1, partition)
        votes.fit(universe.x[list(own)], universe.y[list(own)], num_classes)
        radius, truth = compared(certifier, universe, own, votes, torch.zeros(1, 2), distance)
        assert radius.tolist() == truth.tolist()


class SmallestLabel(PartLearner):
    """Predicts the smallest label of its part."""

    def learn(self, x: Tensor, labels: Tensor, num_classes: int) -> None:
        self.num_classes, self._label = num_classes, int(labels.min())

    def class_scores(self, x: Tensor) -> Tensor:
        return torch.eye(self.num_classes, dtype=torch.float64)[self._label].expand(len(x), -1)


def plurality_is_attained_by_insertions() -> None:
    attained(Plurality(), INSERTED)


def plurality_is_attained_by_changes() -> None:
    attained(Plurality(), CHANGED)


def test_plurality_is_attained() -> None:
    plurality_is_attained_by_insertions()
    plurality_is_attained_by_changes()


def run_off_reaches_the_truth_of_insertions() -> None:
    """Check that radii are exact if a part has one example, so that a radius raised by one is refuted."""
    for num_classes, parts in ((2, 6), (2, 7), (3, 5)):
        universe, own = one_example_a_part(parts, num_classes, True, 0)
        votes = Partitions(SmallestLabel(), parts, 1, ByHash())
        votes.fit(universe.x[list(own)], universe.y[list(own)], num_classes)
        radius, truth = compared(RunOff(), universe, own, votes, torch.zeros(1, 2), INSERTED)
        assert radius.tolist() == truth.tolist()


def test_run_off_is_attained() -> None:
    run_off_reaches_the_truth_of_insertions()


def test_a_change_in_place_of_hashed_examples_touches_two_parts() -> None:
    _, _, votes, tests = problem(2, 6, 5, 3, 1, 1, ByHash(), NearestNeighbours(1))
    inserted = Plurality().certify(ballots_of(votes, tests, INSERTED)).radius
    changed = Plurality().certify(ballots_of(votes, tests, CHANGED)).radius
    assert changed.tolist() == (inserted // 2).tolist()


LEAKS = [
    (ByHash(), [Centre()], "transforms = Centre, which reads all inputs"),
    (ByHash(), [Normalise(), PCA(2)], "transforms = PCA, which reads all inputs"),
    (ByHash(), [SpectralEmbedding(2, 2)], "transforms = SpectralEmbedding, which reads all inputs"),
    (ByContent(), [], "partition = ByContent, which reads all inputs"),
    (ByPosition(), [], "partition = ByPosition, which reads positions only"),
    (Stratified(conditional=True), [], "partition = Stratified, which reads labels only"),
]


@pytest.mark.parametrize(("partition", "transforms", "reason"), LEAKS)
@pytest.mark.parametrize("certifier", [Plurality(), RunOff()], ids=lambda c: type(c).__name__)
def test_a_piece_that_leaks_is_refused_by_name(
    certifier: Certifier, partition: Partition, transforms: list[Transform], reason: str
) -> None:
    votes = Partitions(Centroids(), 2, 1, partition, transforms)
    x, y = torch.randn(12, 3, generator=torch.Generator().manual_seed(0)), torch.arange(12) % 2
    votes.fit(x, y, 2)
    ballots = ballots_of(votes, x, INSERTED)
    with pytest.raises(ValueError, match=reason):
        certifier.certify(ballots)
    assert certifier.supports(UnchangedLabels(2), votes) is None


class Leaking(Partitions):
    """Partitions that refuse nothing."""

    def supports(self, measure: object) -> None:
        return None


class Understated(ByContent):
    """A rule that reads all inputs and declares that it reads an example only."""

    reads = "own example only"


@pytest.mark.parametrize(
    ("partition", "transforms"), [(ByHash(), [Centre()]), (Understated(), [])], ids=["centre", "by-content"]
)
def test_the_referee_finds_a_leak_that_is_not_refused(partition: Partition, transforms: list[Transform]) -> None:
    refuted = 0
    for seed in range(5):
        universe, own, _, tests = problem(2, 8, 6, 3, 1, seed, ByHash(), NearestNeighbours(1))
        universe.x[-1] *= 20  # an outlier that moves the mean of all inputs
        votes = Leaking(Ridge(Constant(0.5)), 3, 1, partition, transforms)
        try:
            votes.fit(universe.x[list(own)], universe.y[list(own)], 2)
            compared(Plurality(), universe, own, votes, 2 * tests, INSERTED)
        except ValueError:
            continue
        except AssertionError as error:
            if "true radius is" not in str(error):
                raise
            refuted += 1
    assert refuted > 0


def test_white_box_certifies_flips_only() -> None:
    votes = Partitions(Ridge(), 2, 1, ByHash())
    votes.fit(torch.randn(12, 3), torch.arange(12) % 2, 2)
    reason = WhiteBox().supports(UnchangedExamples(), votes)
    assert reason == "UnchangedExamples counts inserted or deleted examples; must count label flips"


def test_the_order_of_the_training_set_does_not_matter() -> None:
    x, y = torch.randn(40, 3, generator=torch.Generator().manual_seed(0)), torch.arange(40) % 3
    order = torch.randperm(40, generator=torch.Generator().manual_seed(1))
    scores = []
    for some in (torch.arange(40), order):
        votes = Partitions(Ridge(transforms=[Centre()]), 4, 2, ByHash())
        votes.fit(x[some], y[some], 3)
        scores.append(votes.poll(x).class_scores)
    assert np.array_equal(*scores)


def test_certificates_say_what_their_radius_counts() -> None:
    _, _, votes, tests = problem(2, 6, 5, 3, 1, 1, ByHash(), Centroids())
    said = {d.unit: Plurality().certify(ballots_of(votes, tests, d)).assumptions for d in (INSERTED, CHANGED)}
    assert (
        "the radius counts inserted plus deleted training examples; a changed example counts 2" in said[INSERTED.unit]
    )
    assert any("changed in place" in phrase for phrase in said[CHANGED.unit])


@pytest.mark.parametrize("collective", [CollectivePlurality([1, 2]), CollectiveRunOff([1, 2])], ids=repr)
def test_collective_budgets_count_parts(collective: CollectiveCertifier) -> None:
    """An inserted example alters one part. A hashed example that is changed in place alters two, which is refused."""
    votes = problem(2, 6, 5, 3, 1, 1, ByHash(), NearestNeighbours(1))[2]
    assert collective.supports(UnchangedExamples(INSERTED.unit), votes) is None
    assert "alters 2 parts; must be 1" in str(collective.supports(UnchangedExamples(CHANGED.unit), votes))
    by_position = Partitions(NearestNeighbours(1), 3, 1, ByPosition())
    by_position.fit(torch.randn(6, 2), torch.arange(6) % 2, 2)
    assert collective.supports(UnchangedExamples(CHANGED.unit), by_position) is None
    assert "ByPosition" in str(collective.supports(UnchangedExamples(INSERTED.unit), by_position))
