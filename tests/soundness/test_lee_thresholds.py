"""Against the thresholds that Lee et al. (2019) released: two values a coordinate (MNIST) and 256 (ImageNet)."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import mpmath
import pytest

from smoothing.guarantees import exact_thresholds, thresholds
from smoothing.measures import Discrete

ROOT = Path(__file__).parents[1] / "data" / "lee_thresholds"
FILES = sorted(ROOT.glob("*/*.txt"))
VALUES = {"mnist": 2, "imagenet": 256}
PRINTED = Fraction(2, 10**20)


def released(path: Path) -> Sequence[Fraction]:
    """The least probability of the winner that is certified at each radius."""
    lines = path.read_text().splitlines()[1:]
    rows = [line.split()[:2] for line in lines if line.strip()]
    assert [int(r) for r, _ in rows] == list(range(len(rows)))
    return [Fraction(Decimal(threshold)) for _, threshold in rows]


def test_all_released_thresholds_are_here() -> None:
    assert sum(len(released(path)) for path in FILES) == 99


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_thresholds_agree(path: Path) -> None:
    expected = released(path)
    measure = Discrete(1 - Fraction(path.stem), VALUES[path.parent.name])
    exact = exact_thresholds(measure, len(expected) - 1)
    for f, p_min in zip(exact, expected, strict=True):
        assert abs(1 - f - p_min) <= PRINTED
    with mpmath.workdps(50):
        logs = [mpmath.log(mpmath.mpf(f.numerator) / f.denominator) for f in exact]
    for log_f, truth in zip(thresholds(measure, len(expected) - 1), logs, strict=True):
        assert log_f <= truth
        assert truth - log_f <= 1e-12 * abs(truth)


@pytest.mark.parametrize(("q", "num_classes"), [("1e-12", 2), ("0.001", 2), ("0.2", 2), ("0.4999", 2), ("0.5", 10)])
def test_float_thresholds_agree_with_exact_ones(q: str, num_classes: int) -> None:
    measure = Discrete(q, num_classes)
    with mpmath.workdps(50):
        for log_f, f in zip(thresholds(measure, 60), exact_thresholds(measure, 60), strict=True):
            truth = mpmath.log(mpmath.mpf(f.numerator) / f.denominator)
            assert log_f <= truth
            assert truth - log_f <= 1e-12 * abs(truth)
