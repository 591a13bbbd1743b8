"""Sampled certifiers on given counts."""

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
import torch
from scipy.stats import binomtest, kstest, norm

from smoothing.certifiers import (
    Certifier,
    ClopperPearson,
    Empirical,
    Enumeration,
    ExactVote,
    JointNaming,
    Plurality,
    Prediction,
    RandomisedClopperPearson,
    Sequential,
    Staged,
)
from smoothing.certifiers.sampled.betting import most_lost
from smoothing.certifiers.sampled.sequential import rounds
from smoothing.guarantees import KL, NeymanPearson, VoteBound
from smoothing.guarantees.limit import log_limit
from smoothing.measures import Gaussian, LabelFlip, Laplace, SmoothingMeasure
from smoothing.numerics.binomial import randomised_upper_bound, uniform_behind, upper_bound
from smoothing.testing import ballots_of, random_ballots
from smoothing.votes import Ballots
from tests.counted import RowVotes, counted, tail


def losing(*draws: range, sigma: float = 0.5) -> Ballots:
    """Return examples that lose exactly the draws with the given numbers."""
    longest = max(map(len, draws))
    x = torch.tensor([[*numbers, *[-1] * (longest - len(numbers))] for numbers in draws])
    return Ballots(Gaussian(sigma), RowVotes(2), x, torch.arange(len(x)), 0)


NONE, HALF = range(0), range(0, 200_000, 2)


def test_sequential_stops_when_every_radius_is_decided() -> None:
    certifier = Sequential([0.5, 0.25], max_draws=20_000)
    certificates = certifier.certify(losing(NONE, HALF, range(0, 20_000, 5), range(0, 20_000, 4)))
    assert certificates.radius.tolist() == [np.nextafter(0.5, 1), 0, np.nextafter(0.25, 1), np.nextafter(0.25, 1)]
    assert certificates.prediction.tolist() == [0, -1, 0, 0]
    assert certificates.n[0] == 128
    assert certificates.n[1] < 1_000
    assert certificates.n[2] < 5_000
    assert (certificates.n_a + certificates.n_b == certificates.n).all()
    assert certificates.n0 == 100
    limit = norm.logsf(0.5 / 0.5), norm.logsf(0.25 / 0.5)
    np.testing.assert_allclose(certificates.log_fail, [limit[0], 0, limit[1], limit[1]], atol=1e-9)


def test_sequential_does_not_certify_undecided_radii() -> None:
    """A share of lost votes close to the limit of radius 0.5 stays undecided and is not certified."""
    border = int(1 / norm.sf(1))
    certifier = Sequential([0.5], max_draws=3_000)
    certificates = certifier.certify(losing(range(0, 3_000, border)))
    assert (certificates.n[0], certificates.prediction[0], certificates.radius[0]) == (3_000, -1, 0)


def test_sequential_stops_at_once_for_radii_that_no_count_certifies() -> None:
    certificates = Sequential([5.0], max_draws=100_000).certify(losing(NONE))
    assert certificates.n[0] == 128
    assert certificates.prediction[0] == -1


def test_radius_zero_certifies_the_prediction() -> None:
    certificates = Sequential([0], max_draws=10_000).certify(losing(range(0, 10_000, 3), HALF))
    assert certificates.prediction.tolist() == [0, -1]
    assert certificates.radius.tolist() == [0, 0]
    assert certificates.log_fail[0] == pytest.approx(np.log(0.5))


def test_sequential_certifies_whole_radii() -> None:
    ballots = ballots_of(LabelFlip("0.01", 2), [[1.0] * 9 + [0.0]], [1] * 9 + [0])
    votes = ballots.votes
    assert Sequential([1, 2]).supports(LabelFlip("0.01", 2), votes) is None
    assert "must be whole numbers of flips" in Sequential([0.5]).supports(LabelFlip("0.01", 2), votes)
    certificates = Sequential([0, 1, 2, 3, 4, 5], max_draws=100_000).certify(ballots)
    assert certificates.radius[0] in {1, 2, 3, 4}
    assert certificates.radius[0] <= ClopperPearson(n=100_000, alpha=0.1).certify(ballots).radius[0]


def test_thresholds_are_computed_for_every_measure() -> None:
    certifier = Sequential([0.25], max_draws=1_000)
    narrow, wide = (losing(range(0, 1_000, 10), sigma=sigma) for sigma in (0.1, 1.0))
    assert [certifier.certify(b).prediction[0] for b in (narrow, wide, narrow, wide)] == [-1, 0, -1, 0]


def test_rounds_grow_and_end_at_the_largest_number_of_draws() -> None:
    for max_draws in (1, 127, 128, 1_000, 100_000):
        ends = np.array(rounds(max_draws))
        assert ends[-1] == max_draws
        assert (np.diff(ends, prepend=0) > 0).all()
        assert (np.diff(ends, prepend=0) <= np.maximum(128, ends / 8)).all()
        assert (ends[:-1] % 128 == 0).all()
    assert len(rounds(100_000)) < 100


@pytest.mark.parametrize("measure", [Gaussian(0.5), Laplace(0.3), LabelFlip("0.1", 2)], ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("radius", [0, 1, 2, 3])
def test_the_limit_is_the_largest_bound_that_is_certified(measure: SmoothingMeasure, radius: float) -> None:
    guarantee = NeymanPearson()
    limit = log_limit(guarantee, measure, radius, (9,))
    at, above = (VoteBound.one_sided(np.array([log_f])) for log_f in (limit, limit * (1 - 1e-9)))
    assert guarantee.radius(measure, at, (9,)) >= radius
    assert at.leads()
    assert guarantee.radius(measure, above, (9,)) < radius or not above.leads()


def test_the_limit_is_minus_infinity_if_no_bound_is_certified() -> None:
    assert log_limit(NeymanPearson(), LabelFlip("0.1", 2), 10, (9,)) == -np.inf
    assert log_limit(KL(), Gaussian(1.0), 1.0, (1,)) < log_limit(NeymanPearson(), Gaussian(1.0), 1.0, (1,))


def test_staged_draws_continue_only_where_the_target_is_undecided() -> None:
    certifier = Staged(0.5, [100, 1_000, 10_000])
    lost = range(0, 100, 20), NONE, HALF, range(0, 10_000, 10)
    certificates = certifier.certify(losing(*lost))
    assert certificates.n.tolist() == [1_000, 100, 100, 1_000]
    for row, n in enumerate(certificates.n.tolist()):
        n_lost = sum(number < n for number in lost[row])
        bound = upper_bound(np.array(n_lost), n, 0.001 / 3)
        assert certificates.radius[row] == pytest.approx(max(0, -0.5 * norm.ppf(bound)), rel=1e-9)
    assert certificates.prediction.tolist() == [0, 0, -1, 0]
    assert certificates.alpha == 0.001


def test_prediction_agrees_with_the_binomial_test() -> None:
    counts = np.array([[60, 30, 10], [30, 60, 10], [50, 45, 5], [34, 33, 33], [0, 0, 100]])
    certificates = Prediction(n=100, alpha=0.01).certify(counted(Gaussian(1.0), counts))
    assert certificates.prediction.tolist() == [0, 1, -1, -1, 2]
    assert (certificates.radius == 0).all()
    assert certificates.n_a.tolist() == [60, 60, 50, 34, 100]
    assert certificates.n_b.tolist() == [30, 30, 45, 33, 0]
    edge = next(a for a in range(50, 100) if binomtest(a, 100, 0.5).pvalue <= 0.01)
    near = counted(Gaussian(1.0), np.array([[edge, 100 - edge], [edge - 1, 101 - edge]]))
    assert Prediction(n=100, alpha=0.01).certify(near).prediction.tolist() == [0, -1]


def test_uniforms_can_be_recovered_from_the_bound() -> None:
    """They are functions of seed and example, uniformly distributed, and recovered from a row."""
    uniforms = np.array([RandomisedClopperPearson.uniform(0, index) for index in range(2_000)])
    assert ((uniforms > 0) & (uniforms <= 1)).all()
    assert kstest(uniforms, "uniform").pvalue > 1e-6
    assert len({*uniforms, *(RandomisedClopperPearson.uniform(1, index) for index in range(2_000))}) == 4_000
    lost = np.array([0, 1, 7, 90])
    ballots = counted(Gaussian(0.5), np.stack([1_000 - lost, lost], 1))
    row = RandomisedClopperPearson(n=1_000).certify(ballots)
    behind = uniform_behind(np.exp(row.log_fail), row.n - row.n_a, row.n, row.alpha)
    np.testing.assert_allclose(behind[1:], uniforms[1:4], atol=1e-7)
    assert behind[0] == pytest.approx(1)


def test_randomised_radii_are_no_smaller() -> None:
    lost = np.arange(1, 400)
    ballots = counted(Gaussian(0.5), np.stack([1_000 - lost, lost], 1))
    for two_sided in (False, True):
        plain = ClopperPearson(n=1_000, two_sided=two_sided).certify(ballots)
        drawn = RandomisedClopperPearson(n=1_000, two_sided=two_sided).certify(ballots)
        assert (drawn.radius >= plain.radius).all()
        assert (drawn.radius > plain.radius).any()
        assert (drawn.log_rival <= drawn.log_fail).all()


def test_certifiers_share_cached_draws() -> None:
    class Counting(RowVotes):
        requested: list[tuple[int, int, int]]

        def counts(self, measure, x, index, draws, seed, first=0):  # type: ignore[no-untyped-def]
            self.requested.append((seed[1], first, draws))
            return super().counts(measure, x, index, draws, seed, first)

    votes = Counting(2)
    votes.requested = []
    ballots = Ballots(Gaussian(0.5), votes, torch.tensor([[0, 150, 250, 300]]), torch.tensor([7]), 0)
    small, large = (ClopperPearson(n=n).certify(ballots) for n in (200, 1_000))
    again = ClopperPearson(n=200, two_sided=True).certify(ballots)
    assert votes.requested == [(0, 0, 100), (1, 0, 200), (1, 200, 800)]
    assert (small.n_a[0], large.n_a[0], again.n_a[0]) == (198, 996, 198)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ClopperPearson(n0=0), "ClopperPearson: n0 = 0; must be at least 1"),
        (lambda: ClopperPearson(n=0), "ClopperPearson: n = 0; must be at least 1"),
        (lambda: ClopperPearson(alpha=1.0), r"ClopperPearson: alpha = 1.0; must be within \(0, 1\)"),
        (lambda: RandomisedClopperPearson(alpha=0), r"RandomisedClopperPearson: alpha = 0; must be within \(0, 1\)"),
        (lambda: ClopperPearson(alpha=float("nan")), r"ClopperPearson: alpha = nan; must be within \(0, 1\)"),
        (lambda: ClopperPearson(joint=0), "ClopperPearson: joint = 0; must be at least 1"),
        (lambda: Prediction(n=0), "Prediction: n = 0; must be at least 1"),
        (lambda: Prediction(alpha=-1), r"Prediction: alpha = -1; must be within \(0, 1\)"),
        (lambda: ClopperPearson(n=True), "ClopperPearson: n = True; must be a whole number, at least 1"),
        (lambda: ClopperPearson(n0=2.5), "ClopperPearson: n0 = 2.5; must be a whole number, at least 1"),
        (lambda: ClopperPearson(alpha="x"), r"ClopperPearson: alpha = 'x'; must be within \(0, 1\)"),
        (lambda: ClopperPearson(alpha=True), r"ClopperPearson: alpha = True; must be within \(0, 1\)"),
        (lambda: ClopperPearson(two_sided=1), "ClopperPearson: two_sided = 1; must be a bool"),
        (lambda: ClopperPearson(100), "ClopperPearson: guarantee = 100; must be a Guarantee or None"),
        (lambda: ClopperPearson(alpha=1e-300), "ClopperPearson: alpha = 1e-300; must be at least 1e-200 times joint"),
        (lambda: Prediction(alpha=1e-199, joint=100), "Prediction: alpha = 1e-199; must be at least 1e-200 times"),
        (lambda: Prediction(n=1.0), "Prediction: n = 1.0; must be a whole number, at least 1"),
        (lambda: Empirical(n=float("nan")), "Empirical: n = nan; must be a whole number, at least 1"),
        (lambda: Enumeration(KL), "Enumeration: guarantee = .*; must be a Guarantee or None"),
        (lambda: Sequential(0.5), "Sequential: radii = 0.5; must be finite"),
        (lambda: Sequential([True]), r"Sequential: radii = \[True\]; must be finite"),
        (lambda: Sequential([float("inf")]), r"Sequential: radii = \[inf\]; must be finite"),
        (lambda: Sequential([1], max_draws=1e5), "Sequential: max_draws = 100000.0; must be a whole number"),
        (lambda: Staged(float("nan")), "Staged: target = nan; must be finite and above 0"),
        (lambda: Staged(1, [True, 10]), r"Staged: stages = \[True, 10\]; must be ascending"),
        (lambda: Staged(1, [10, 20.5]), "Staged: stages = 20.5; must be a whole number, at least 1"),
        (lambda: Staged(1, [100, 200], [1, float("nan")]), r"Staged: shares = \[1, nan\]; must be 2 numbers above 0"),
        (lambda: Staged(1, [100, 200], [1, 1e-198]), r"Staged: shares = \[1, 1e-198\]; must be such that each part of"),
        (lambda: Sequential([]), r"Sequential: radii = \[\]; must be finite"),
        (lambda: Sequential([0.5, -1]), r"Sequential: radii = \[0.5, -1\]; must be finite and at least 0"),
        (lambda: Sequential([float("nan")]), r"Sequential: radii = \[nan\]; must be finite"),
        (lambda: Sequential([1], max_draws=0), "Sequential: max_draws = 0; must be at least 1"),
        (lambda: Staged(0), "Staged: target = 0; must be finite and above 0"),
        (lambda: Staged(1, []), r"Staged: stages = \[\]; must be ascending"),
        (lambda: Staged(1, [10, 10]), r"Staged: stages = \[10, 10\]; must be ascending"),
        (lambda: Staged(1, [10, 20], [1]), r"Staged: shares = \[1\]; must be 2 numbers above 0"),
        (lambda: Staged(1, [10, 20], [1, 0]), r"Staged: shares = \[1, 0\]; must be 2 numbers above 0"),
    ],
)
def test_bad_arguments_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        make()


@pytest.mark.parametrize(("joint", "refused"), [(1, False), (2, True), (4, True), (5, False), (6, False)])
def test_a_joint_claim_covers_no_more_examples_than_stated(joint: int, refused: bool) -> None:
    ballots = random_ballots(LabelFlip("0.2", 2), 2, 8, 5, 0)
    for certifier in (ClopperPearson(n0=5, n=50, joint=joint), Prediction(n=50, joint=joint)):
        assert (certifier.refuses(5) is not None) == refused
        if refused:
            with pytest.raises(ValueError, match=f"joint = {joint}; must be at least 5, the number of requested exam"):
                certifier.certify(ballots)
        else:
            assert len(certifier.certify(ballots).radius) == 5


@pytest.mark.parametrize(
    ("make", "name", "least"),
    [
        (lambda n: ClopperPearson(n=n), "n", 10),
        (lambda n: ClopperPearson(n=n, two_sided=True), "n", 11),
        (lambda n: ClopperPearson(n=n, joint=100), "n", 17),
        (lambda n: RandomisedClopperPearson(n=n, alpha=0.5), "n", 2),
        (lambda n: ClopperPearson(n=n, alpha=1e-200), "n", 665),
        (lambda n: Prediction(n=n), "n", 11),
        (lambda n: Sequential([0], max_draws=n), "max_draws", 11),
        (lambda n: Staged(1, [1, n]), "stages", 11),
    ],
)
def test_too_few_draws_to_certify_anything_are_refused(make: Callable[[int], Certifier], name: str, least: int) -> None:
    """Unanimous votes are certified with exactly the required number of draws."""
    with pytest.raises(ValueError, match=f"{name} = .*; must be at least {least} .* fewer .*nothing$"):
        make(least - 1)
    unanimous = losing(NONE) if name != "n" else counted(Gaussian(0.5), np.array([[least, 0]]))
    certificates = make(least).certify(unanimous)
    assert certificates.prediction.tolist() == [0]


def test_more_classes_need_more_draws() -> None:
    votes = counted(Gaussian(0.5), np.array([[11, 0, 0]])).votes
    reason = ClopperPearson(n=11, two_sided=True).supports(Gaussian(0.5), votes)
    assert reason.startswith("n = 11; must be at least 12 at alpha = 0.001")
    assert ClopperPearson(n=12, two_sided=True).supports(Gaussian(0.5), votes) is None


@pytest.mark.parametrize("measure", [Gaussian(0.5), LabelFlip("0.1", 2)], ids=lambda m: type(m).__name__)
@pytest.mark.parametrize(
    "certifier",
    [
        ClopperPearson(n=200),
        ClopperPearson(KL(), n=200, joint=30),
        ClopperPearson(n=200, two_sided=True),
        RandomisedClopperPearson(n=200),
        Prediction(n=200),
        Sequential([0, 1, 2, 7], max_draws=200),
        Staged(1, [50, 200]),
    ],
    ids=repr,
)
def test_reach_is_the_radius_of_unanimous_votes_and_the_largest_one(
    certifier: Certifier, measure: SmoothingMeasure
) -> None:
    lost = [*range(12), 60, 100, 199]
    x = torch.tensor([[*range(200 - n, 200), *[-1] * (200 - n)] for n in lost])
    certificates = certifier.certify(Ballots(measure, RowVotes(2), x, torch.arange(len(x)), 0))
    assert certificates.prediction[0] == 0
    assert certificates.radius[0] == certificates.radius.max() == certifier.reach(measure, (1,))


def test_certifiers_that_do_not_sample_have_no_reach() -> None:
    assert ExactVote().reach(LabelFlip("0.1", 2), (9,)) is None


@pytest.mark.parametrize("alpha", [1e-300, 1e-180, 1e-20])
def test_tiny_failure_probabilities_have_bounds(alpha: float) -> None:
    """At the bound, at most ``count`` successes have probability at most alpha. SciPy's inverse is NaN for some."""
    n = np.array([3, 6, 10, 18, 426, 1_000])
    for count in (np.zeros(6, np.int64), np.ones(6, np.int64), n - 3, n - 1, n):
        for uniform in (0.5, 1.0):
            bound = randomised_upper_bound(count, n, alpha, np.full(6, uniform))
            with mpmath.workdps(400):
                for c, draws, p in zip(count.tolist(), n.tolist(), bound.tolist(), strict=True):
                    assert p == 1 or tail(c - 1, draws, mpmath.mpf(p)) * (c > 0) <= alpha
                    assert p == 1 or uniform < 1 or tail(c, draws, mpmath.mpf(p)) <= alpha


@pytest.mark.parametrize(
    ("count", "n", "alpha"), [(0, 10, 1e-301), (0, 10, 0.0), (0, 10, float("nan")), (-1, 10, 0.1), (11, 10, 0.1)]
)
def test_bounds_of_impossible_counts_are_refused(count: int, n: int, alpha: float) -> None:
    with pytest.raises(ValueError, match=r"^upper_bound: .*; must be "):
        upper_bound(np.array(count), n, alpha)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("alpha", [1e-200, 0.001, 1 - 1e-16])
@pytest.mark.parametrize("f", [5e-324, 1e-300, 1e-17, 0.5, 1 - 1e-16])
def test_bets_at_extreme_probabilities_are_finite(f: float, alpha: float) -> None:
    draws = np.array([1, 10, 10**9])
    lost = most_lost(draws, f, alpha, 10**9)
    assert ((lost >= -1) & (lost < draws)).all()
    assert lost[0] <= (0 if f > 0.5 else -1) or alpha > 0.5


def test_certify_refuses_votes_that_are_not_supported() -> None:
    ballots = ballots_of(LabelFlip("0.01", 3), [[1.0, 1.0, 0.0]], [1, 1, 0])
    for certifier in (ClopperPearson(), Prediction(), Sequential([1]), Staged(1), Plurality(), JointNaming()):
        with pytest.raises(ValueError, match=f"^{type(certifier).__name__}: "):
            certifier.certify(ballots)
