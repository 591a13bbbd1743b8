"""Every certifier against all label vectors: 16,384 of them for two classes, thousands for three."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import one_hot

from smoothing.certifiers import BerryEsseen, Certifier, Chernoff, ClopperPearson, ExactVote
from smoothing.guarantees import KL
from smoothing.measures import LabelFlip
from smoothing.testing import ballots_of, never_above_the_truth, random_ballots, true_radii
from smoothing.testing.brute_force import all_labels, majority_standings, mean_standings, noise, number_of
from smoothing.votes import Ballots

TWO = [(q, 2, n, seed) for seed, n in enumerate((14, 13, 14)) for q in ("0.01", "0.1", "0.3", "0.45", "0.49")]
THREE = [(q, 3, n, seed) for seed, n in enumerate((8, 7)) for q in ("0.01", "0.2", "0.5", "0.6")]
FOUR = [("0.3", 4, 6, 0), ("0.7", 4, 6, 1)]


@pytest.fixture(params=TWO + THREE + FOUR, ids=lambda p: f"q{p[0]}-K{p[1]}-n{p[2]}", scope="module")
def ballots(request: pytest.FixtureRequest) -> Ballots:
    q, num_classes, n, seed = request.param
    return random_ballots(LabelFlip(q, num_classes), num_classes, n, 16, seed)


def test_exact_vote_is_the_truth(ballots: Ballots) -> None:
    certificates = ExactVote().certify(ballots)
    assert certificates.radius.tolist() == true_radii(ballots, certificates).tolist()


@pytest.mark.parametrize(
    "certifier",
    [
        Chernoff(),
        Chernoff(KL()),
        Chernoff(classifier="majority"),
        Chernoff(KL(), classifier="majority"),
        BerryEsseen(),
        BerryEsseen(KL()),
        ClopperPearson(n0=100, n=2000, alpha=1e-5),
        ClopperPearson(n0=100, n=2000, alpha=1e-5, two_sided=True),
        ClopperPearson(KL(), n0=100, n=2000, alpha=1e-5),
    ],
    ids=["C", "C-KL", "C-majority", "C-KL-majority", "BE", "BE-KL", "CP", "CP-two-sided", "CP-KL"],
)
def test_no_certifier_exceeds_the_truth(certifier: Certifier, ballots: Ballots) -> None:
    never_above_the_truth(ballots, certifier.certify(ballots))


@pytest.mark.parametrize("guarantee", [None, KL()], ids=["tight", "KL"])
def test_chernoff_never_exceeds_exact(guarantee: KL | None, ballots: Ballots) -> None:
    chernoff, exact = Chernoff(guarantee).certify(ballots), ExactVote().certify(ballots)
    assert (chernoff.prediction == exact.prediction).all()
    assert (chernoff.radius <= exact.radius).all()


@st.composite
def tied_problems(draw: st.DrawFn) -> Ballots:
    """Return ballots with small whole weights and a channel of binary fractions: ties are frequent and exact."""
    num_classes = draw(st.integers(2, 3))
    n = draw(st.integers(num_classes, 8 if num_classes == 2 else 6))
    small = st.integers(-2, 3)
    weights = draw(st.lists(small, min_size=n, max_size=n))
    offsets = draw(st.lists(st.integers(-3, 3), min_size=num_classes, max_size=num_classes))
    any_class = st.integers(0, num_classes - 1)
    others = draw(st.lists(any_class, min_size=n - num_classes, max_size=n - num_classes))
    labels = draw(st.permutations([*range(num_classes), *others]))
    q = draw(st.sampled_from(["0.25", "0.125", "0.4375"] if num_classes == 2 else ["0.25", "0.5"]))
    return ballots_of(LabelFlip(q, num_classes), [weights], labels, [offsets], num_classes)


@settings(max_examples=500)
@given(tied_problems())
def test_exact_vote_is_the_truth_with_ties_and_offsets(ballots: Ballots) -> None:
    certificates = ExactVote().certify(ballots)
    assert certificates.radius.tolist() == true_radii(ballots, certificates).tolist()


@settings(max_examples=500)
@given(tied_problems(), st.sampled_from([Chernoff(), Chernoff(classifier="majority"), BerryEsseen()]))
def test_analytic_certifiers_stay_below_the_truth_with_ties_and_offsets(ballots: Ballots, certifier: Certifier) -> None:
    never_above_the_truth(ballots, certifier.certify(ballots))


def test_pairwise_bounds_alone_do_not_certify_the_majority() -> None:
    """The mean vote is ahead of each rival in most draws and is not the majority (THEORY.md 4.2)."""
    labels = [1, 2, 2, 0]
    ballots = ballots_of(LabelFlip("0.6", 3), [[-0.430, 0.594, -0.373, 0]], labels, None, 3)
    channel = ballots.measure.channel
    here = number_of(labels, 3)
    mean, majority = (of(ballots.scores, 0, channel)[here].argmax() for of in (mean_standings, majority_standings))
    assert (mean, majority) == (2, 0)
    scores = one_hot(torch.from_numpy(all_labels(4, 3))).double().transpose(1, 2) @ ballots.scores.weights[0]
    for rival in (0, 1):
        assert noise(channel, labels) @ (scores[:, 2] <= scores[:, rival]).numpy() < 0.5
    assert Chernoff(classifier="majority").certify(ballots).radius == 0
