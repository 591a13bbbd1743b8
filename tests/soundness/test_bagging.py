"""Bagging against all bags of tiny training sets, for every label vector."""

from itertools import product

import numpy as np
import pytest
import torch

from smoothing.certifiers import ClopperPearson
from smoothing.measures import Subsample
from smoothing.testing import never_above
from smoothing.testing.brute_force import all_labels, number_of, true_radius
from smoothing.votes import Bagging, Ballots, Centroids


def true_votes(votes: Bagging, x: torch.Tensor, training: torch.Tensor, size: int) -> np.ndarray:
    """Return vote probabilities ``(K**n, batch, K)``. Each of the ``n**size`` bags is equally probable."""
    n, num_classes = len(votes.labels), votes.num_classes
    shares = np.zeros((num_classes**n, len(x), num_classes))
    learner, rows = Centroids(), np.arange(len(x))
    for number, labels in enumerate(torch.from_numpy(all_labels(n, num_classes))):
        for bag in product(range(n), repeat=size):
            shown = sorted(set(bag))
            learner.learn(training[shown], labels[shown], num_classes)
            shares[number, rows, learner.class_scores(x).argmax(1).numpy()] += 1 / n**size
    return shares


@pytest.mark.parametrize(
    ("num_classes", "n", "size"),
    [(2, 6, 1), pytest.param(2, 6, 2, marks=pytest.mark.slow), pytest.param(3, 7, 1, marks=pytest.mark.slow)],
)
def test_no_radius_is_above_the_truth(num_classes: int, n: int, size: int) -> None:
    generator = torch.Generator().manual_seed(n)
    labels = torch.tensor([*range(num_classes), *[0] * (n - num_classes)])
    training = torch.randn(n, 2, generator=generator) + 2.0 * labels[:, None]
    x = torch.randn(5, 2, generator=generator)
    votes = Bagging(Centroids())
    votes.fit(training, labels, num_classes)
    truth = true_votes(votes, x, training, size)
    ballots = Ballots(Subsample(size), votes, x, torch.arange(len(x)), 3)
    seen = votes.counts(ballots.measure, x, ballots.index, 3000, (4,)).numpy() / 3000
    assert np.abs(seen - truth[number_of(labels.tolist(), num_classes)]).max() < 0.05
    certificates = ClopperPearson(n0=100, n=3000, alpha=1e-5, two_sided=True).certify(ballots)
    assert certificates.radius.max() > 0
    stands = [
        true_radius(truth[:, row], int(winner), labels.tolist()) if winner >= 0 else -1
        for row, winner in enumerate(certificates.prediction)
    ]
    never_above(np.array(stands), certificates)


def test_the_bound_is_the_published_one() -> None:
    """Certified at r iff ``pA - pB > 2 (1 - (1 - r/n)^k)`` (Jia et al. 2021, Theorem 1, without its rounding)."""
    n, size = 1000, 30
    law = Subsample(size).privacy_loss
    for r in (1, 5, 11):
        lost = 1 - (1 - r / n) ** size
        for slack, certified in ((1e-6, True), (-1e-6, False)):
            gap = 2 * lost + slack
            fail, rival = np.log([1 - 0.5 - gap / 2]), np.log([0.5 - gap / 2])
            assert (law(r, (n,)).margin(fail, rival)[0] > 0) == certified
