"""Inputs at the edges of what float64 and a sample can see; each once certified too much, or crashed."""

import mpmath
import numpy as np
import pytest
import torch

from smoothing.certifiers import BerryEsseen, Certifier, Chernoff, ExactVote
from smoothing.certifiers.margin import Group, Margin
from smoothing.measures import LabelFlip
from smoothing.measures.measure import Channel
from smoothing.testing import ballots_of, never_above_the_truth, true_radii
from smoothing.votes import Ridge


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
    bound = Margin([pair], torch.zeros(1, dtype=torch.float64)).log_mgf(torch.tensor([tilt], dtype=torch.float64))
    with mpmath.workdps(60):
        x = mpmath.mpf(weight) * mpmath.mpf(tilt)
        moment = up * mpmath.exp(-x) + down * mpmath.exp(x) + (1 - max(up, down))
        assert bound[0] == np.inf or mpmath.mpf(float(bound[0])) >= 2 * mpmath.log(moment)


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
