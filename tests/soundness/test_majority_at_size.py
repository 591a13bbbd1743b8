"""Majority certifiers on 200 labels: for two classes the worst flips are the largest weights (THEORY.md 4.4b)."""

import numpy as np
import pytest

from smoothing.certifiers import AnalyticCertifier, BerryEsseen, Chernoff
from smoothing.guarantees import KL
from smoothing.measures import LabelFlip
from smoothing.testing import ballots_of
from tests.soundness.test_tails import exact_tail


def lost_share(weights: list[int], labels: list[int], q: str, winner: int) -> float:
    """Return whether the rival has the majority; class 0 wins ties."""
    if winner == 0:
        return 1 - float(exact_tail(weights, labels, q, 1, 0, 2))
    return float(exact_tail(weights, labels, q, 1, 0, 2))


@pytest.mark.parametrize("q", ["0.01", "0.1", "0.3", "0.4"])
@pytest.mark.parametrize(
    "certifier",
    [Chernoff(classifier="majority"), Chernoff(KL(), classifier="majority"), BerryEsseen()],
    ids=["chernoff", "chernoff-kl", "berry-esseen"],
)
def test_the_worst_flips_do_not_change_the_majority(certifier: AnalyticCertifier, q: str) -> None:
    rng = np.random.default_rng(0)
    n = 200
    labels = [0, *rng.choice(2, n - 2, p=[0.05, 0.95]).tolist(), 1]
    weights = rng.integers(1, 5, (5, n)).tolist()
    certificates = certifier.certify(ballots_of(LabelFlip(q, 2), weights, labels))
    assert (certificates.radius > 0).all()
    for w, winner, radius in zip(weights, certificates.prediction, certificates.radius.astype(int), strict=True):
        costs = np.array(w) * np.where(np.array(labels) == winner, 1, -1)
        attacked = np.array(labels)
        worst = np.argsort(-costs, kind="stable")[:radius]
        attacked[worst] = 1 - attacked[worst]
        assert lost_share(w, attacked.tolist(), q, int(winner)) < 0.5
