"""Products of measures: frontiers against brute force, single measures, and bad input."""

import math
from collections.abc import Callable
from itertools import product

import mpmath
import numpy as np
import pytest
import torch
from scipy.stats import norm
from torch import Tensor, nn

from smoothing.certificates.curves import certified_curve
from smoothing.certificates.table import Table, rows
from smoothing.certifiers import ClopperPearson
from smoothing.guarantees import KL, JointNeymanPearson, NeymanPearson, VoteBound
from smoothing.measures import (
    Discrete,
    Gaussian,
    LabelFlip,
    Laplace,
    Part,
    Product,
    SmoothingMeasure,
    SparseDiscrete,
    Subsample,
)
from smoothing.numerics.random import generator
from smoothing.votes import Ballots, NetworkVotes

LABELS, INPUTS = "training labels", "training inputs"
SIGMA, Q, N = 0.8, 0.2, 4
JOINT = Product([Part(LabelFlip("0.2", 2), LABELS), Part(Gaussian(SIGMA), INPUTS)])


def bound(log_fail: float) -> VoteBound:
    return VoteBound.one_sided(np.array([log_fail]))


def radius_at(flips: int, log_fail: float) -> float | None:
    """Return the largest certified norm at a number of flips; None if the flips alone can change the prediction."""
    guarantee = JointNeymanPearson([flips])
    if not guarantee.leads(JOINT, bound(log_fail), (N, 1))[0]:
        return None
    return float(guarantee.radius(JOINT, bound(log_fail), (N, 1))[0])


VECTORS = np.array(list(product(range(2), repeat=N)))


def loses(thresholds: np.ndarray, flipped: int, change: float) -> float:
    """Return the probability that a vote is lost after a change of labels ``0 ... 0`` and of the input 0.

    A vote with noisy labels ``v`` and noisy input ``w`` is lost for ``w > thresholds[v]``. The first labels flip.
    """
    changed = np.arange(N) < flipped
    p = np.where(changed == VECTORS, 1 - Q, Q).prod(1)
    return float(p @ norm.sf((thresholds - change) / SIGMA))


def test_no_radius_exceeds_the_truth_of_random_votes() -> None:
    """The votes of 300 random base functions. Labels are interchangeable once all orders of thresholds are drawn."""
    random, certified = np.random.default_rng(0), 0
    for _ in range(300):
        thresholds = random.normal(1.2, random.uniform(0.1, 2), len(VECTORS))
        log_fail = math.log(loses(thresholds, 0, 0))
        for flips in range(N + 1):
            radius = radius_at(flips, log_fail) if log_fail < math.log(0.5) else None
            if radius is None:
                continue
            certified += 1
            assert loses(thresholds, flips, radius * (1 - 1e-12)) < 0.5 + 1e-12
    assert certified > 300


@pytest.mark.parametrize(("flips", "change"), [(0, 0.7), (1, 0.05), (1, 0.5), (2, 0.9), (4, 2.0)])
def test_the_worst_vote_reaches_the_frontier(flips: int, change: float) -> None:
    """The most powerful event loses exactly at the certified norm, so a radius one step larger is refuted."""
    changed = np.arange(N) < flips
    agree = (changed == VECTORS)[:, :flips].sum(1)
    losses = (2 * agree - flips) * math.log((1 - Q) / Q)
    low, high = -60.0, 60.0
    for _ in range(100):
        level = (low + high) / 2
        thresholds = (level - losses) * SIGMA**2 / change
        low, high = (level, high) if loses(thresholds, flips, change) > 0.5 else (low, level)
    radius = radius_at(flips, math.log(loses(thresholds, 0, 0)))
    assert radius is not None
    assert change * (1 - 1e-9) <= radius <= change * (1 + 1e-9)
    assert loses(thresholds, flips, radius * (1 + 1e-6)) > 0.5


@pytest.mark.parametrize("log_fail", [-1.0, -5.0, -40.0])
def test_single_measures_are_met_to_the_last_bit(log_fail: float) -> None:
    single = NeymanPearson().radius(Gaussian(SIGMA), bound(log_fail), (N, 1))
    assert radius_at(0, log_fail) == single[0]
    flips = int(NeymanPearson().radius(LabelFlip("0.2", 2), bound(log_fail), (10**6,))[0])
    wide = (10**6, 1)
    assert JointNeymanPearson([flips]).leads(JOINT, bound(log_fail), wide)[0]
    assert not JointNeymanPearson([flips + 1]).leads(JOINT, bound(log_fail), wide)[0]
    other = Product([Part(Gaussian(SIGMA), INPUTS), Part(LabelFlip("0.2", 2), LABELS)])
    assert JointNeymanPearson([0.0]).radius(other, bound(log_fail), wide)[0] == flips


def test_the_frontier_falls_and_is_that_of_mpmath() -> None:
    log_fail, before = math.log(1e-3), math.inf
    for flips in range(5):
        radius = radius_at(flips, log_fail)
        if radius is None:
            break
        assert radius < before
        before = radius
        with mpmath.workdps(30):
            q, m = mpmath.mpf(1) / 5, mpmath.mpf(radius) / mpmath.mpf(SIGMA)
            atoms = [
                ((2 * k - flips) * mpmath.log(4), mpmath.binomial(flips, k) * (1 - q) ** k * q ** (flips - k))
                for k in range(flips + 1)
            ]
            half = mpmath.findroot(
                lambda s, atoms=atoms, m=m: sum(p * mpmath.ncdf(m / 2 - (s - a) / m) for a, p in atoms) - 0.5,
                (-20, 20),
                solver="anderson",
            )
            f = sum(p * mpmath.exp(-a) * mpmath.ncdf(-m / 2 - (half - a) / m) for a, p in atoms)
            assert 0 <= mpmath.log(f) - mpmath.mpf(log_fail) <= 1e-11
    assert flips >= 3


def test_two_norms_trade_in_squares() -> None:
    """The backdoor bound of Weber et al. (2023)."""
    both = Product([Part(Gaussian(0.5)), Part(Gaussian(SIGMA), INPUTS)])
    whole = float(NeymanPearson().radius(Gaussian(SIGMA), bound(-9.0), (3,))[0])
    left = float(JointNeymanPearson([1.1]).radius(both, bound(-9.0), (3,))[0])
    truth = math.sqrt(whole**2 - (1.1 * SIGMA / 0.5) ** 2)
    assert truth * (1 - 1e-11) <= left <= truth


def test_lists_of_laws_are_all_combined() -> None:
    sparse = SparseDiscrete("0.1", "0.3")
    both = Product([Part(sparse, columns=[0, 1]), Part(Gaussian(1.0), columns=[2])])
    losses = both.joint_loss([2, 0.5], (3,))
    assert isinstance(losses, list)
    assert len(losses) == len(sparse.privacy_loss(2, (2,)))


TABLE = Product([Part(Discrete("0.25", 3), columns=[0, 2]), Part(Gaussian(0.5), columns=[1, 3])])


class Scores(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        score = x[:, 1] + x[:, 3] + 0.8 * (x[:, 0] == 1) + 0.8 * (x[:, 2] == 1)
        return torch.stack([score, 1.6 - score], 1)


def test_columns_are_randomised_by_their_own_parts() -> None:
    row = torch.tensor([1.0, 0.4, 2.0, -3.0])
    samples = TABLE.sample_many(row, 4000, generator((1,), row.device))
    assert (samples[:, [0, 2]] == row[[0, 2]]).double().mean() == pytest.approx(0.75, abs=0.03)
    assert set(samples[:, 0].tolist()) == {0.0, 1.0, 2.0}
    noise = samples[:, [1, 3]] - row[[1, 3]]
    assert noise.std() == pytest.approx(0.5, rel=0.05)
    assert torch.equal(TABLE.sample(row, generator((2,), row.device)), TABLE.sample(row, generator((2,), row.device)))


def test_a_table_has_one_curve_a_number_of_flips() -> None:
    """Certifiers with different budgets share the draws, and one that cannot hold its flips abstains."""
    x = torch.tensor([[1.0, 1.0, 1.0, 0.9], [0.0, 0.2, 1.0, 0.5], [0.0, -1.5, 0.0, -1.0]])
    votes = NetworkVotes(Scores(), num_classes=2)
    votes.fit(x[:0], torch.zeros(0, dtype=torch.long), 2)
    ballots = Ballots(TABLE, votes, x, torch.arange(3), 0)
    lines, found = [], {}
    frontier = ClopperPearson(JointNeymanPearson([0, 1, 2]), n0=50, n=2000).split(TABLE)
    assert list(frontier) == ["0_flips", "1_flips", "2_flips"]
    for flips, (name, certifier) in enumerate(frontier.items()):
        assert isinstance(certifier, ClopperPearson)
        found[flips] = certifier.certify(ballots)
        assert (
            found[flips].radius == ClopperPearson(JointNeymanPearson([flips]), 50, 2000).certify(ballots).radius
        ).all()
        lines += rows(name, found[flips], np.arange(3), np.array([0, 0, 1]))
        assert any("flips (l0)" in phrase and str(flips) in phrase for phrase in found[flips].assumptions)
    table = Table(lines)
    curve = certified_curve(table, TABLE.distance, radii=[0.0, 0.2, 0.5])
    for more, fewer in ((1, 0), (2, 1)):
        assert (curve.accuracy[f"{more}_flips"] <= curve.accuracy[f"{fewer}_flips"]).all()
        assert (found[more].radius <= found[fewer].radius).all()
    weak = (found[2].prediction == -1) & (found[0].prediction >= 0)
    assert weak.any(), "no row that loses its prediction to two flips"
    assert (found[2].radius[weak] == 0).all()
    np.testing.assert_array_equal(found[0].n_a, found[2].n_a)


REFUSED: list[tuple[Callable[[], object], str]] = [
    (lambda: Product([]), "Product: parts = "),
    (lambda: Product([Part(Gaussian(1.0)), Part(Discrete("0.1", 2))]), "two measures on the test input"),
    (
        lambda: Product([Part(Gaussian(1.0), columns=[0, 1]), Part(Discrete("0.1", 2), columns=[1, 2])]),
        "two measures on column 1 of the test input",
    ),
    (lambda: Product([Part(Gaussian(1.0), columns=[0]), Part(Discrete("0.1", 2))]), "two measures on the test input"),
    (lambda: Product([Part(Laplace(1.0), INPUTS), Part(Gaussian(1.0))]), "parts = Laplace"),
    (lambda: Part(JOINT), "Part: measure = 'Product'; must be a measure that leaves its object to the part"),
    (lambda: Part(Gaussian(1.0), "labels"), "Part: object = 'labels'"),
    (lambda: Part(Gaussian(1.0), columns=[1, 1]), "Part: columns = "),
    (lambda: Part(Gaussian(1.0), columns=[]), "Part: columns = "),
    (lambda: JointNeymanPearson([]), "JointNeymanPearson: budgets = "),
    (lambda: JointNeymanPearson([-1]), r"JointNeymanPearson: budgets = \[-1\]; must be finite"),
    (lambda: JointNeymanPearson([0, [1, -1]]), "JointNeymanPearson: budgets = "),
    (lambda: JointNeymanPearson([math.inf]), "JointNeymanPearson: budgets = "),
    (lambda: JointNeymanPearson([math.nan]), "JointNeymanPearson: budgets = "),
    (lambda: JointNeymanPearson([1, 1.0]), "all different"),
    (lambda: JointNeymanPearson([[]]), "JointNeymanPearson: budgets = "),
    (lambda: JointNeymanPearson(3), "JointNeymanPearson: budgets = 3; must be a list"),  # type: ignore[arg-type]
    (lambda: TABLE.check(torch.zeros(5)), "Product: z = an object of shape"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_bad_input_is_refused_in_one_line(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message) as refused:
        call()
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("guarantee", "measure", "reason"),
    [
        (NeymanPearson(), JOINT, "several objects"),
        (KL(), TABLE, "several objects"),
        (JointNeymanPearson([1]), Gaussian(1.0), "budgets = [1] with Gaussian; must be a Product"),
        (JointNeymanPearson([[1, 2]]), JOINT, "must have 1 numbers each"),
        (JointNeymanPearson([0, 1]), JOINT, "budgets = [0, 1]; must be one for each certifier"),
        (JointNeymanPearson([1.5]), JOINT, "whole number"),
    ],
)
def test_guarantees_refuse_measures_of_other_forms(
    guarantee: NeymanPearson, measure: SmoothingMeasure, reason: str
) -> None:
    assert reason in str(guarantee.supports(measure))


def test_votes_refuse_products_of_other_objects() -> None:
    votes = NetworkVotes(Scores(), num_classes=2)
    assert "must be the test input" in str(votes.supports(JOINT))
    assert votes.supports(TABLE) is None
    hidden = Product([Part(Subsample(3), LABELS), Part(Gaussian(1.0), INPUTS)])
    assert hidden.on(LABELS) is hidden.parts[0].measure
    assert hidden.on("test input") is None


def test_points_of_a_frontier_have_names() -> None:
    """Budgets of several parts, and norms; whole numbers that are written as floats have the same name."""
    three = Product([Part(LabelFlip("0.2", 2), LABELS), Part(Gaussian(1.0)), Part(Gaussian(SIGMA), INPUTS)])
    assert list(JointNeymanPearson([[0, 0.5], [3.0, 1]]).split(three)) == ["0_flips_0.5_l2", "3_flips_1_l2"]
    assert list(JointNeymanPearson([1.5, 1]).split(JOINT)) == ["1.5_flips", "1_flips"]
    single = ClopperPearson(JointNeymanPearson([3]))
    assert single.split(JOINT) == {"3_flips": single}
    assert single.split(Gaussian(1.0)) == single.split(three) == {"": single}
    assert list(ClopperPearson().split(JOINT)) == [""]
    with pytest.raises(ValueError, match="must be one for each certifier"):
        JointNeymanPearson([0, 1]).radius(JOINT, bound(-5.0), (N, 1))
