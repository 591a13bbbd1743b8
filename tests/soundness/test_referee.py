"""Brute-force tests against direct enumeration of all label vectors in exact fractions."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from smoothing.certifiers import ExactVote
from smoothing.measures import LabelFlip
from smoothing.testing import ballots_of, true_radii
from smoothing.testing.brute_force import (
    all_labels,
    base_votes,
    best_event,
    flips,
    majority_standings,
    mean_standings,
    noise,
    number_of,
    true_radius,
)
from smoothing.votes import Ballots

LABELS = [0, 1, 1, 2]
WEIGHTS = [5, 2, -1, 3]
OFFSETS = [0, 1, -2]


@pytest.fixture
def ballots() -> Ballots:
    return ballots_of(LabelFlip("0.25", 3), [WEIGHTS], LABELS, [OFFSETS], 3)


def winner(labels: tuple[int, ...]) -> int:
    scores = [sum(w for w, y in zip(WEIGHTS, labels, strict=True) if y == c) + OFFSETS[c] for c in range(3)]
    return scores.index(max(scores))


def chance(origin: tuple[int, ...], labels: tuple[int, ...]) -> Fraction:
    p = Fraction(1)
    for old, new in zip(origin, labels, strict=True):
        p *= Fraction(3, 4) if old == new else Fraction(1, 8)
    return p


def test_label_vectors_are_numbered_in_their_order() -> None:
    vectors = all_labels(4, 3)
    assert vectors.tolist() == [list(v) for v in product(range(3), repeat=4)]
    assert [number_of(v, 3) for v in vectors] == list(range(81))
    assert flips(LABELS, 3).tolist() == (vectors != LABELS).sum(1).tolist()


def test_noise_is_the_product_of_the_channel(ballots: Ballots) -> None:
    expected = [float(chance(tuple(LABELS), tuple(v))) for v in all_labels(4, 3)]
    np.testing.assert_allclose(noise(ballots.measure.channel, LABELS), expected, rtol=1e-15)


def test_votes_and_standings_agree_with_direct_enumeration(ballots: Ballots) -> None:
    vectors = [tuple(v) for v in all_labels(4, 3).tolist()]
    votes = [winner(v) for v in vectors]
    assert base_votes(ballots.scores, 0).tolist() == votes
    majority = majority_standings(ballots.scores, 0, ballots.measure.channel)
    mean = mean_standings(ballots.scores, 0, ballots.measure.channel)
    unit = int(ballots.scores.weights[0, 0]) // WEIGHTS[0]
    for origin in vectors[::7]:
        here = number_of(origin, 3)
        shares = [sum(chance(origin, v) for v, vote in zip(vectors, votes, strict=True) if vote == c) for c in range(3)]
        np.testing.assert_allclose(majority[here], [float(s) for s in shares], rtol=1e-13)
        for c in range(3):
            pairs = zip(WEIGHTS, origin, strict=True)
            expected = sum(w * (Fraction(3, 4) if y == c else Fraction(1, 8)) for w, y in pairs) + OFFSETS[c]
            assert mean[here][c] == expected * unit * 8


def test_true_radius_is_one_less_than_the_nearest_defeat() -> None:
    ballots = ballots_of(LabelFlip("0.25", 2), [[1, 1, 1, 1, 1], [1, 1, 1, 1, 0]], [1, 1, 1, 1, 0])
    for row, expected in ((0, 1), (1, 1)):  # four votes to one, four to none with a tie that class 0 takes
        standings = mean_standings(ballots.scores, row, ballots.measure.channel)
        assert true_radius(standings, 1, [1, 1, 1, 1, 0]) == expected
        assert true_radius(standings, 0, [1, 1, 1, 1, 0]) == -1


def test_the_best_event_is_the_most_probable_one_under_rho() -> None:
    mu, rho = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.3, 0.6])
    assert best_event(mu, rho, 0.35).tolist() == pytest.approx([0, 0.5, 1])
    assert best_event(mu, rho, 1.0).tolist() == pytest.approx([1, 1, 1])


def test_predictions_that_lose_have_no_radius(ballots: Ballots) -> None:
    certificates = ExactVote().certify(ballots)
    wrong = type(certificates)((certificates.prediction + 1) % 3, certificates.radius, "mean", True, True)
    assert true_radii(ballots, certificates)[0] >= 0
    assert true_radii(ballots, wrong)[0] == -1
