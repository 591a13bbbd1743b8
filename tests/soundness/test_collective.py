"""Collective bounds against all attacks on tiny training sets."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from smoothing.collective import CollectiveVote, run
from smoothing.collective.examples import UNIT
from smoothing.collective.run import CollectiveBounds, bounds_of
from smoothing.measures import LabelFlip, SmoothingMeasure, UnchangedLabels
from smoothing.testing.brute_force import beaten, flips, mean_standings
from smoothing.testing.problems import ballots_of, random_ballots, tied_ballots
from smoothing.votes import Ballots

SEEDS = range(12)
EXAMPLES = 8
SIZES = [(2, 9), (3, 6)]
"""Classes and training labels."""


class Lopsided(LabelFlip):
    """Noise with a channel that treats every pair of classes differently."""

    @property
    def channel(self) -> NDArray[np.object_]:
        """``(K, K)`` transition probabilities, fractions."""
        k = self.num_classes
        table = np.array([[1 + 3 * (i == j) + (i + 2 * j) % 3 for j in range(k)] for i in range(k)], dtype=object)
        return np.array([[Fraction(int(cell), int(sum(row))) for cell in row] for row in table], dtype=object)


MEASURES: dict[str, Callable[[int], SmoothingMeasure]] = {
    "no noise": UnchangedLabels,
    "uniform": lambda k: LabelFlip("0.3", k),
    "lopsided": lambda k: Lopsided("0.3", k),
}


def truth_of(ballots: Ballots, prediction: NDArray[np.int64]) -> list[int]:
    """Return the largest number of answers that each number of flips changes, over all label vectors."""
    channel = ballots.measure.channel
    assert channel is not None
    labels = ballots.scores.labels.tolist()
    lost = [beaten(mean_standings(ballots.scores, row, channel), int(p)) for row, p in enumerate(prediction)]
    changed, distance = np.sum(lost, 0), flips(labels, len(channel))
    return [int(changed[distance <= budget].max()) for budget in range(len(labels) + 1)]


def never_below(truth: list[int], found: CollectiveBounds) -> None:
    """Raise an error if a bound is below the number of answers that some attack changes."""
    for budget, bound in zip(found.budgets, found.bounds, strict=True):
        assert bound >= truth[budget], (
            f"budget {budget}: the bound is {bound}; an attack changes {truth[budget]} answers"
        )


def problems(num_classes: int, n: int, kind: str) -> list[Ballots]:
    """Return ballots of random votes, with ties, offsets and weights of either sign."""
    measure = MEASURES[kind](num_classes)
    return [random_ballots(measure, num_classes, n, EXAMPLES, seed) for seed in SEEDS]


@pytest.mark.parametrize("kind", MEASURES)
@pytest.mark.parametrize(("num_classes", "n"), SIZES)
def test_no_attack_changes_more_answers_than_the_bound(
    num_classes: int, n: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound holds with multipliers of the linear program, of the search, and at random."""
    certifier = CollectiveVote(range(n + 1), "all", steps=30)
    rng = np.random.default_rng(0)
    for ballots in problems(num_classes, n, kind):
        examples = certifier.examples(ballots)
        truth = truth_of(ballots, examples.prediction)
        never_below(truth, bounds_of(certifier, lambda: [examples], examples.prediction))  # noqa: B023
        for given in (rng.integers(0, UNIT + 1, (4, EXAMPLES)), np.full((1, EXAMPLES), UNIT)):
            never_below(truth, bounds_of(certifier, lambda: [examples], examples.prediction, given))  # noqa: B023
        with monkeypatch.context() as patch:
            patch.setattr(run, "SMALL", 0)
            never_below(truth, bounds_of(certifier, lambda: [examples], examples.prediction))  # noqa: B023


def similar_votes(seed: int, num_classes: int = 3, n: int = 7) -> Ballots:
    """Return ballots of votes with small whole weights, by the same training labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % num_classes
    weights = rng.integers(0, 3, (5, n)) + rng.integers(0, 2, n)
    return ballots_of(UnchangedLabels(num_classes), weights.tolist(), labels.tolist(), num_classes=num_classes)


def test_the_bound_of_the_linear_program_is_attained_in_most_problems() -> None:
    """The bound equals the truth for most budgets; one less would be wrong."""
    equal = total = 0
    for seed in range(60):
        ballots = similar_votes(seed)
        certifier = CollectiveVote(range(1, 5), "all")
        examples = certifier.examples(ballots)
        truth = truth_of(ballots, examples.prediction)
        found = bounds_of(certifier, lambda: [examples], examples.prediction)  # noqa: B023
        never_below(truth, found)
        equal += sum(bound == truth[budget] for budget, bound in zip(found.budgets, found.bounds, strict=True))
        total += len(found.budgets)
    assert equal > 0.7 * total


@pytest.mark.parametrize("num_classes", [2, 3])
def test_a_bound_that_is_one_too_small_is_found_out(num_classes: int) -> None:
    """The referee refutes a bound that is lowered by one, wherever an attack attains it."""
    ballots = next(one for one in tied_ballots("0.3") if one.scores.num_classes == num_classes)
    certifier = CollectiveVote(range(len(ballots.scores.labels) + 1), "all")
    examples = certifier.examples(ballots)
    truth = truth_of(ballots, examples.prediction)
    found = bounds_of(certifier, lambda: [examples], examples.prediction)
    never_below(truth, found)
    attained = [place for place, bound in enumerate(found.bounds) if bound == truth[place] > 0]
    assert attained
    for place in attained:
        lowered = CollectiveBounds(**{**vars(found), "bounds": [*found.bounds]})
        lowered.bounds[place] -= 1
        with pytest.raises(AssertionError, match=f"budget {place}: the bound is"):
            never_below(truth, lowered)


def test_only_right_answers_are_counted() -> None:
    """Answers that are wrong without an attack count neither as right nor as changed."""
    ballots = similar_votes(3)
    certifier = CollectiveVote([1, 2, 3])
    examples = certifier.examples(ballots)
    truth = examples.prediction.copy()
    truth[:2] = (truth[:2] + 1) % 3
    found = bounds_of(certifier, lambda: [examples], truth)
    assert found.counted.tolist() == [False, False, True, True, True]
    assert max(found.bounds) <= 3
    assert all(share <= 3 / 5 for share in found.certified)


def test_certified_together_is_never_less_than_one_by_one() -> None:
    """No multipliers make a collective bound worse than the single certificates."""
    for ballots in problems(3, 6, "uniform"):
        certifier = CollectiveVote(range(7), "all")
        examples = certifier.examples(ballots)
        for given in (None, np.zeros((1, EXAMPLES), np.int64)):
            found = bounds_of(certifier, lambda: [examples], examples.prediction, given)  # noqa: B023
            assert all(np.array(found.certified) >= found.pointwise)
            assert found.bounds == sorted(found.bounds)
            assert found.bounds[0] == 0


@pytest.mark.parametrize("share", [0.05, 1.0])
def test_totals_do_not_depend_on_blocks(share: float) -> None:
    """Column sums of blocks of any size, sparse or dense, add up to the same integers."""
    rng = np.random.default_rng(1)
    n, m, num_classes = 200, 24, 3
    weights = rng.normal(size=(m, n)) * (rng.random((m, n)) < share)
    offsets = np.zeros((m, num_classes))
    whole = ballots_of(LabelFlip("0.2", 3), weights.tolist(), (np.arange(n) % 3).tolist(), offsets.tolist(), 3)
    certifier = CollectiveVote([1])
    multipliers = rng.integers(0, UNIT + 1, (2, m))
    multipliers[:, 5:9] = 0
    together = certifier.examples(whole).totals(multipliers)
    for size in (1, 7, 24):
        added = np.zeros_like(together)
        for start in range(0, m, size):
            some = slice(start, start + size)
            block = Ballots(whole.measure, whole.votes, whole.x[some], torch.arange(m)[some], 0)
            added += certifier.examples(block).totals(multipliers[:, some])
        assert np.array_equal(added, together)


def test_totals_are_at_least_the_exact_sums() -> None:
    """Terms are rounded up: every total is at least the sum in fractions, and by less than two units an example."""
    ballots = random_ballots(LabelFlip("0.3", 3), 3, 8, 8, 5)
    examples = CollectiveVote([1]).examples(ballots)
    multipliers = np.random.default_rng(0).integers(0, UNIT + 1, (3, 8))
    totals = examples.totals(multipliers)
    gains = exact_gains(ballots, examples.prediction)
    for vector, given in enumerate(multipliers.tolist()):
        for place in range(8):
            for target in range(3):
                exact = sum(part * gain for part, gain in zip(given, gains[:, place, target], strict=True))
                assert exact <= int(totals[vector, place, target]) < exact + 2 * len(given)


def exact_gains(ballots: Ballots, prediction: NDArray[np.int64]) -> NDArray[np.object_]:
    """Return the gains of all changes as fractions, from their definition, ``(m, n, K)``."""
    channel, scores = ballots.measure.channel, ballots.scores
    assert channel is not None
    table = [[Fraction(p) for p in row] for row in channel]
    m, n, k = len(prediction), len(scores.labels), len(table)
    labels = scores.labels.tolist()
    out = np.zeros((m, n, k), dtype=object)
    for i, winner in enumerate(prediction.tolist()):
        weights, offsets = [int(w) for w in scores.weights[i]], [int(b) for b in scores.offsets[i]]
        expected = [sum(w * table[y][c] for w, y in zip(weights, labels, strict=True)) + offsets[c] for c in range(k)]
        for rival in (c for c in range(k) if c != winner):
            effect = [table[y][winner] - table[y][rival] for y in range(k)]
            unit = Fraction(1)
            steps = [one - min(effect) for one in effect]
            if any(steps):
                unit = Fraction(
                    np.gcd.reduce([int(s * 10**9 * _common(table)) for s in steps], dtype=object),
                    10**9 * _common(table),
                )
            lead = expected[winner] - expected[rival]
            # Losses are whole numbers of units: the least one that makes the rival win.
            needed = -(-lead // unit) if rival < winner else lead // unit + 1
            for j, (w, y) in enumerate(zip(weights, labels, strict=True)):
                for c in range(k):
                    loss = w * (effect[y] - effect[c]) / unit
                    out[i, j, c] = max(out[i, j, c], min(Fraction(1), max(Fraction(0), loss) / max(needed, 1)))
    return out


def _common(table: list[list[Fraction]]) -> int:
    return int(np.lcm.reduce([p.denominator for row in table for p in row], dtype=object))
