"""Inputs at the edges of what float64 and a sample can see; each once certified too much, or crashed."""

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
import torch

from smoothing.certifiers import BerryEsseen, Certifier, Chernoff, ExactVote
from smoothing.certifiers.analytic.analytic_certifier import log_sum
from smoothing.certifiers.analytic.margin import Group, Margin
from smoothing.measures import LabelFlip
from smoothing.measures.measure import Channel
from smoothing.privacy_loss import RepeatedLoss
from smoothing.testing import ballots_of, never_above_the_truth, true_radii
from smoothing.votes import ClassSum, Clusters, LinearVotes, Ridge, Whiten
from smoothing.votes.labels.linear import Scores


@pytest.mark.parametrize("certifier", [Chernoff(), BerryEsseen()], ids=["C", "BE"])
def test_a_class_may_be_too_rare_for_the_sketch(certifier: Certifier) -> None:
    labels = [0] * 2045 + [1] + [2] * 2
    ballots = ballots_of(LabelFlip("0.1", 3), [[1.0] * 2048], labels, None, 3)
    radius, exact = certifier.certify(ballots).radius, ExactVote().certify(ballots).radius
    assert radius[0] > 0
    assert certifier.certify(ballots).classifier == "majority" or radius[0] <= exact[0]


class Tilted(LabelFlip):
    """Columns that differ by nearly the same everywhere: gains of 2**-59 beside one of 0.75."""

    @property
    def channel(self) -> Channel:
        tiny = 2.0**-60
        return np.array([[0.75, tiny, 0.25], [0.75, 3 * tiny, 0.25], [0.75, 3 * tiny, 0.25]])


def test_gains_of_very_different_size_are_exact() -> None:
    ballots = ballots_of(Tilted("0.1", 3), [[1.0, -1.0, 0.0, 0.0]], [0, 1, 1, 2], None, 3)
    certificates = ExactVote().certify(ballots)
    assert certificates.radius.tolist() == true_radii(ballots, certificates).tolist() == [1]


def test_a_channel_without_a_common_unit_is_refused() -> None:
    class Odd(LabelFlip):
        @property
        def channel(self) -> Channel:
            return np.array([[0.7, 0.2, 0.1], [0.3, 0.6, 0.1], [0.15, 0.25, 0.6]])

    ballots = ballots_of(Odd("0.1", 3), [[1.0, 1.0, 1.0]], [0, 1, 2], None, 3)
    reason = ExactVote().supports(ballots.measure, ballots.votes)
    assert reason is not None
    assert "no small common unit" in reason


@pytest.mark.parametrize(
    ("q", "weights", "labels", "offsets"),
    [
        ("0.1", [1.0] * 9 + [0.0], [1] * 9 + [0], [[4.0, 0.0]]),
        ("0.49999999999999999999", [1.0] * 5, [1, 1, 1, 1, 0], None),
    ],
)
def test_q_is_exactly_what_was_typed(
    q: str, weights: list[float], labels: list[int], offsets: list[list[float]] | None
) -> None:
    ballots = ballots_of(LabelFlip(q, 2), [weights], labels, offsets)
    certificates = ExactVote().certify(ballots)
    assert certificates.radius.tolist() == true_radii(ballots, certificates).tolist() == [1]


@pytest.mark.parametrize("exponent", [-744.0, -710.0, -600.0, -301.0, -299.0, 299.0, 301.0, 710.0])
@pytest.mark.parametrize(("up", "down"), [(1e-20, 1.0), (0.0, 1.0), (1.0, 0.0), (1e-160, 1e-160)])
def test_the_moment_is_bounded_where_float64_ends(exponent: float, up: float, down: float) -> None:
    tilt, weight = 2.0**-30, round(exponent * 2.0**30)
    one = [torch.tensor([[value]], dtype=torch.float64) for value in (float(weight), up, down, 1 - max(up, down))]
    pair = Group(one[0].expand(1, 2), *one[1:])
    margin = Margin([pair], torch.zeros(1, dtype=torch.float64), torch.linalg.vector_norm(pair.w, dim=1))
    bound = margin.log_mgf(torch.tensor([tilt], dtype=torch.float64))
    with mpmath.workdps(60):
        x = mpmath.mpf(weight) * mpmath.mpf(tilt)
        moment = up * mpmath.exp(-x) + down * mpmath.exp(x) + (1 - max(up, down))
        assert bound[0] == np.inf or mpmath.mpf(float(bound[0])) >= 2 * mpmath.log(moment)


@pytest.mark.parametrize("exponent", [-290.0, -60.0, -1.0, 1.0, 30.0, 60.0, 290.0])
@pytest.mark.parametrize(("up", "down"), [(0.2, 0.7), (1e-12, 0.5), (0.0, 1.0), (0.5, 0.0), (1e-200, 1e-3), (0.3, 0.7)])
def test_products_of_moments_stay_above_the_truth_in_any_batch(exponent: float, up: float, down: float) -> None:
    tilt, m = 2.0**-30, 300
    sizes = np.stack([np.linspace(-0.5, 1, m), np.linspace(0.9, 1, m), np.linspace(0, 1e-3, m)])
    w = torch.from_numpy(np.round(sizes * exponent * 2.0**30))
    columns = [torch.tensor([[value]], dtype=torch.float64).expand(3, 1) for value in (up, down, 1 - up - down)]
    margin = Margin([Group(w, *columns)], torch.zeros(3, dtype=torch.float64), torch.linalg.vector_norm(w, dim=1))
    bound = margin.log_mgf(torch.full((3,), tilt, dtype=torch.float64))
    for row in range(3):
        part = margin[torch.tensor([row])]
        assert part.log_mgf(torch.tensor([tilt], dtype=torch.float64))[0] == bound[row]
        with mpmath.workdps(60):
            x = [mpmath.mpf(value) * mpmath.mpf(tilt) for value in w[row].tolist()]
            p, q, rest = (mpmath.mpf(value) for value in (up, down, 1 - up - down))
            truth = mpmath.fsum(mpmath.log(p * mpmath.exp(-y) + q * mpmath.exp(y) + rest) for y in x)
            assert truth <= mpmath.mpf(float(bound[row])) <= truth + 1e-3


def test_binary_offsets_do_not_depend_on_the_batch() -> None:
    torch.manual_seed(0)
    x, y, h = torch.randn(60_000, 8), torch.randint(2, (60_000,)), torch.randn(20, 8).double()
    votes = Ridge(coding="binary")
    votes.fit(x, y, 2)
    weights = votes.weights(h)
    alone = [votes.offsets(h[i : i + 1], weights[i : i + 1]) for i in range(len(h))]
    assert torch.equal(votes.offsets(h, weights), torch.cat(alone))


def test_the_edges_stay_below_the_truth() -> None:
    ballots = ballots_of(Tilted("0.1", 3), [[1.0, -1.0, 0.5, 0.25]], [0, 1, 1, 2], None, 3)
    never_above_the_truth(ballots, ExactVote().certify(ballots))


def test_a_union_whose_chance_is_nearly_one_is_bounded_from_above() -> None:
    parts = np.log(np.random.default_rng(2).uniform(0.2, 0.6, (2000, 2)))
    with mpmath.workdps(40):
        for bound, (first, second) in zip(log_sum(parts), parts, strict=True):
            assert bound >= mpmath.log(mpmath.exp(mpmath.mpf(first)) + mpmath.exp(mpmath.mpf(second)))


@pytest.mark.parametrize(
    ("attempt", "said"),
    [
        (lambda: LabelFlip("1e-320", 2), "LabelFlip: q = 1e-320; must be at least 1e-150"),
        (lambda: RepeatedLoss((1e-200, 1), (1, 1e-200), 1), "RepeatedLoss: mu = .*; must be 0 or at least 1e-150"),
        (lambda: ClassSum(1e300), "ClassSum: bandwidth = 1e.300; must be within"),
        (lambda: fitted(Ridge(transforms=[Whiten()]), 0.0), "PCA: largest variance of the features = 0.0; must be"),
        (lambda: fitted(Clusters(2), 1e200), "features of the training set: 3e.200 found; must be at most 1e.100"),
        (
            lambda: Scores.rounded(torch.tensor([[1.0, np.nan]]), torch.zeros(1, 2), torch.arange(2)),
            "weights or offsets",
        ),
    ],
)
def test_what_float64_cannot_hold_is_refused(attempt: Callable[[], object], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}"):
        attempt()


def rounded(size: float) -> Scores:
    """Scores of three votes, two of them against one, of a size."""
    weights = size * torch.tensor([[1.0, 1.0, 1.0]], dtype=torch.float64)
    return Scores.rounded(weights, torch.zeros(1, 2, dtype=torch.float64), torch.tensor([0, 0, 1]))


@pytest.mark.parametrize("size", [5e-324, 1e-310, 1e-200, 1e200, 1e307])
def test_scores_keep_their_ratios_whatever_their_size(size: float) -> None:
    first, second = rounded(size).class_sums[0].tolist()
    assert first == 2 * second
    assert 2**40 < first < 2**45


def fitted(votes: LinearVotes, scale: float) -> None:
    """Fit to the features 1, 1 + scale, ..."""
    votes.fit(1 + scale * torch.arange(4, dtype=torch.float64)[:, None], torch.arange(4) % 2, 2)
