"""Bagging against all insertions, deletions and changes from small universes, with all bags counted."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from smoothing.certificates.certificates import Certificates
from smoothing.certifiers import ClopperPearson
from smoothing.distance import CHANGED, INSERTED, Distance
from smoothing.guarantees import NeymanPearson, VoteBound
from smoothing.measures import Subsample
from smoothing.testing import Universe, bagged_votes, best_gain, changes_stood, never_above
from smoothing.testing.poisoned_sets import Members
from smoothing.votes import Bagging, Ballots, Centre, Centroids, Constant, NearestNeighbours, Normalise, Ridge
from tests.soundness.test_poisoned_parts import SmallestLabel

COPIES = [(0, 0), (1, 0), (0, 1), (2, 0), (0, 2), (1, 1), (3, 1), (1, 2), (2, 3)]
"""Numbers of inserted and deleted examples."""


def law_is_the_best_event_of_all_bags() -> None:
    """Check that the gain equals the one over all bags (Jia et al. 2021, Theorem 2: the bound is tight)."""
    n = 4
    for size in (1, 2, 3):
        for inserted, deleted in COPIES:
            old, now = range(n), (*range(deleted, n), *range(10, 10 + inserted))
            law = Subsample(size, INSERTED.unit).privacy_loss(inserted + deleted, (n,))[deleted]
            for f in (1e-3, 0.02, 0.1, 0.3, 0.5, 0.9, 1.0):
                gain, true = float(np.exp(law.log_gain(np.log([f])))[0]), best_gain(old, now, size, f)
                assert true <= gain + 1e-15, "the true radius is smaller"
                assert gain <= true + 1e-12


def test_the_law_is_the_best_event_of_all_bags() -> None:
    law_is_the_best_event_of_all_bags()


def test_fewer_changes_gain_less() -> None:
    """The laws at radius r dominate those of all ``i + d < r``, which are not computed."""
    measure, log_f = Subsample(3, INSERTED.unit), np.log(np.linspace(0.01, 1, 25))
    gains = [np.max([law.log_gain(log_f) for law in measure.privacy_loss(r, (5,))], 0) for r in range(12)]
    assert all((one <= two + 1e-15).all() for one, two in pairwise(gains))
    assert (gains[0] >= log_f).all()


def test_the_condition_is_the_published_one() -> None:
    """Certified iff ``max_n' (n'/n)^k - 2 (m/n)^k + 1 < pA - pB`` with m old examples (Jia et al. 2021, Theorem 1)."""
    n, size, r = 1000, 30, 9
    sizes = [(n + r - 2 * deleted, n - deleted) for deleted in range(r + 1)]
    needed = max((now / n) ** size - 2 * (old / n) ** size + 1 for now, old in sizes)
    for slack, certified in ((1e-6, True), (-1e-6, False)):
        gap = needed + slack
        bound = VoteBound(np.log([0.5 - gap / 2]), np.log([0.5 - gap / 2]))
        radius = NeymanPearson().radius(Subsample(size, INSERTED.unit), bound, (n,))[0]
        assert (radius >= r) == certified


def exact(
    votes: Bagging, universe: Universe, own: Members, tests: Tensor, size: int, distance: Distance, copies: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Return radii by exact vote probabilities and true radii, after checking that none is above the truth."""
    counted = bagged_votes(votes, universe, tests, size)
    counts = counted(own)
    winner = counts.argmax(1)
    share = counts / counts.sum(1, keepdims=True)
    chosen = np.arange(universe.num_classes) == winner[:, None]
    with np.errstate(divide="ignore"):
        fail = np.log(np.nextafter(1 - share[chosen], 2))
        rival = np.minimum(fail, np.log(np.nextafter(np.where(chosen, 0, share).max(1), 2)))
    radius = NeymanPearson().radius(Subsample(size, distance.unit), VoteBound(fail, rival), (len(own),))
    certificates = Certificates(winner, radius, "majority", True, True)
    truth = changes_stood(universe, own, certificates, distance, lambda members: counted(members).argmax(1), copies)
    never_above(truth, certificates)
    return radius, truth


def universe_of(num_classes: int, size: int, seed: int) -> tuple[Universe, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(size) % num_classes
    centres = 2 * torch.randn(num_classes, 2, generator=generator)
    x = centres[y] + 0.4 * torch.randn(size, 2, generator=generator)
    return Universe(x, y, num_classes), torch.cat([centres, torch.randn(4, 2, generator=generator)])


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("num_classes", [2, 3])
def test_no_radius_is_above_the_truth(num_classes: int, size: int) -> None:
    largest = 0.0
    for seed in range(2):
        universe, tests = universe_of(num_classes, 7, seed)
        own = (*range(num_classes), num_classes, 2 * num_classes)
        for learner in (Centroids(), NearestNeighbours(1)):
            radius, _ = exact(Bagging(learner), universe, own, tests, size, INSERTED)
            largest = max(largest, float(radius.max()))
        small = Universe(universe.x[:5], universe.y[:5], num_classes)
        exact(Bagging(Centroids()), small, own[:4] if max(own[:4]) < 5 else (0, 1, 2, 3), tests, size, CHANGED)
    assert largest > 0 or size > 1


def bagging_reaches_the_truth() -> None:
    """Check that radii are exact for bags of one example whose vote is its label."""
    for ahead in (3, 5):
        y = torch.tensor([0] * (ahead + 1) + [1] * ahead)
        universe = Universe(torch.arange(len(y))[:, None].float(), y, 2)
        own = (0, *range(ahead + 1, len(y)))
        radius, truth = exact(Bagging(SmallestLabel()), universe, own, torch.zeros(1, 1), 1, INSERTED)
        assert radius.tolist() == truth.tolist() == [ahead - 2]
        labels = Universe(torch.zeros(2, 1), torch.arange(2), 2)
        places = tuple(universe.y[list(own)].tolist())
        radius, truth = exact(Bagging(SmallestLabel()), labels, places, torch.zeros(1, 1), 1, CHANGED)
        assert radius.tolist() == truth.tolist() == [(ahead - 2) // 2]


def test_bagging_reaches_the_truth() -> None:
    bagging_reaches_the_truth()


@pytest.mark.parametrize("distance", [INSERTED, CHANGED], ids=lambda d: d.unit)
def test_sampled_certificates_are_not_above_the_truth(distance: Distance) -> None:
    universe, tests = universe_of(2, 6 if distance == INSERTED else 5, 3)
    own, size = (0, 1, 2, 3, 4), 2
    votes = Bagging(Centroids(), [Normalise()])
    votes.fit(universe.x[list(own)], universe.y[list(own)], 2)
    ballots = Ballots(Subsample(size, distance.unit), votes, tests, torch.arange(len(tests)), 0)
    counts = bagged_votes(votes, universe, tests, size)
    shares = votes.counts(ballots.measure, tests, ballots.index, 3000, (4,)).numpy() / 3000
    assert np.abs(shares - counts(own) / len(own) ** size).max() < 0.05
    certificates = ClopperPearson(n0=100, n=3000, alpha=1e-5, two_sided=True).certify(ballots)
    never_above(
        changes_stood(universe, own, certificates, distance, lambda members: counts(members).argmax(1)), certificates
    )


class Recorded(Centroids):
    """Keeps the examples that it was given last."""

    given: list[Tensor] = []  # noqa: RUF012  # shared by the copies of the votes

    def learn(self, x: Tensor, labels: Tensor, num_classes: int) -> None:
        self.given[:] = [x, labels]
        super().learn(x, labels, num_classes)


def test_the_bag_of_a_training_set_in_another_order_is_the_same() -> None:
    universe, tests = universe_of(2, 8, 1)
    measure, given = Subsample(200, INSERTED.unit), []
    for order in (torch.arange(8), torch.randperm(8, generator=torch.Generator().manual_seed(2))):
        votes = Bagging(Recorded())
        votes.fit(universe.x[order], universe.y[order], 2)
        votes.counts(measure, tests, torch.arange(len(tests)), 1, (0,))
        given.append([part.clone() for part in Recorded.given])
    assert all(map(torch.equal, *given))
    assert len(given[0][0]) == 8


def test_a_transform_of_all_inputs_is_refused_and_the_referee_finds_it() -> None:
    votes = Bagging(Ridge(Constant(0.1)), [Centre()])
    assert "transforms = Centre, which reads all inputs" in str(votes.supports(Subsample(2, INSERTED.unit)) or "")
    refuted = 0
    for seed in range(5):
        universe, tests = universe_of(2, 7, seed)
        universe.x[-1] *= 50
        try:
            exact(votes, universe, (0, 1, 2, 3, 4), 2 * tests, 1, INSERTED)
        except AssertionError as error:
            if "true radius is" not in str(error):
                raise
            refuted += 1
    assert refuted > 0
