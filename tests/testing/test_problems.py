"""Problems and brute-force tests for certifiers check their arguments."""

import re
from collections.abc import Callable

import pytest

from smoothing.certifiers import ExactVote
from smoothing.measures import Gaussian, LabelFlip
from smoothing.testing import KnownVotes, ballots_of, random_ballots, true_radii

FLIP = LabelFlip("0.2", 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: KnownVotes([1.0], 5), "KnownVotes: probabilities = [1.0]; must be at least two numbers"),
        (lambda: KnownVotes([0.5, 0.6], 5), "KnownVotes: probabilities = [0.5, 0.6]; must be at least two numbers"),
        (lambda: KnownVotes([float("nan"), 0.6], 5), "KnownVotes: probabilities = [nan, 0.6]; must be at least two"),
        (lambda: KnownVotes([0.5, 0.5], True), "KnownVotes: examples = True; must be a whole number, at least 1"),
        (lambda: ballots_of(FLIP, [[1.0, 2.0]], [0, 1, 1]), "ballots_of: weights of shape (1, 2)"),
        (lambda: ballots_of(FLIP, [[1.0, 2.0]], [0, 1], [[0.0]]), "ballots_of: weights of shape (1, 2) and offsets of"),
        (lambda: random_ballots(FLIP, 2, 1, 8, 0), "random_ballots: n = 1; must be a whole number, at least 2"),
        (lambda: random_ballots(FLIP, 2, 5, True, 0), "random_ballots: batch = True; must be a whole number"),
        (lambda: random_ballots(FLIP, 1, 5, 8, 0), "random_ballots: num_classes = 1; must be a whole number"),
    ],
)
def test_bad_arguments_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        make()


def test_the_referee_refuses_problems_that_it_cannot_enumerate() -> None:
    few, many = random_ballots(FLIP, 2, 5, 2, 0), random_ballots(FLIP, 2, 20, 2, 0)
    certificates = ExactVote().certify(few)
    few.measure = Gaussian(0.5)
    with pytest.raises(ValueError, match=r"^true_radii: measure = Gaussian\(sigma=0.5\); must have a channel$"):
        true_radii(few, certificates)
    with pytest.raises(ValueError, match=r"^true_radii: 1048576 label vectors; must be at most 1000000$"):
        true_radii(many, ExactVote().certify(many))
