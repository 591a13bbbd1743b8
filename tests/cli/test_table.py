import math
from fractions import Fraction
from pathlib import Path

import pytest

from tests.front_door import launch

FLIP = ["--measure=LabelFlip", "--measure.num_classes=2"]


def table(folder: Path, *args: str) -> list[list[str]]:
    outcome = launch(["table", *args], folder)
    assert (outcome.status, outcome.err) == (0, "")
    header, *lines = (line.split("\t") for line in outcome.out.splitlines())
    assert header == ["radius", "log_p_fail", "p_min"]
    return lines


def test_it_prints_what_is_certified(tmp_path: Path) -> None:
    lines = table(
        tmp_path, "--measure", "LabelFlip", "--measure.q", "0.2", "--measure.num_classes", "2", "--max_radius", "20"
    )
    assert [line[0] for line in lines] == [str(radius) for radius in range(21)]
    for _, log_p_fail, p_min in lines:
        assert 1 - float(p_min) <= math.exp(float(log_p_fail))
        assert float(p_min) == pytest.approx(1 - math.exp(float(log_p_fail)), rel=1e-15)
    assert Fraction(1, 8) > Fraction(math.exp(float(lines[1][1])))
    assert float(lines[1][1]) == pytest.approx(math.log(1 / 8), rel=1e-14)


def test_exact_prints_fractions(tmp_path: Path) -> None:
    rounded = table(tmp_path, *FLIP, "--measure.q=0.2", "--max_radius=20")
    exact = table(tmp_path, *FLIP, "--measure.q=0.2", "--max_radius=20", "--exact")
    assert [line[2] for line in exact[:4]] == ["1/2", "7/8", "31/32", "127/128"]
    for (_, log_p_fail, p_min), (_, same, fraction) in zip(rounded, exact, strict=True):
        assert log_p_fail == same
        assert Fraction(p_min) >= Fraction(fraction)
        assert float(log_p_fail) <= math.log(1 - Fraction(fraction)) * (1 - 1e-15)


def test_exact_parses_the_digits_given(tmp_path: Path) -> None:
    """q = 1/4 + 1e-25 is 1/4 in float64; with one flip, p_min = (2 - 3q) / (2 - 2q) differs."""
    q = "0.2500000000000000000000001"
    (_, near), (_, typed) = (
        [line[2] for line in table(tmp_path, *FLIP, f"--measure.q={digits}", "--max_radius=1", "--exact")]
        for digits in ("0.25", q)
    )
    assert near == "5/6"
    assert Fraction(typed) == 1 - Fraction(q) / (2 - 2 * Fraction(q)) != Fraction(near)
    (_, ratio) = (line[2] for line in table(tmp_path, *FLIP, "--measure.q=1/4", "--max_radius=1", "--exact"))
    assert ratio == near


def test_tiny_q_stays_finite(tmp_path: Path) -> None:
    for _, log_p_fail, p_min in table(tmp_path, *FLIP, "--measure.q=1e-12", "--max_radius=50"):
        assert -math.inf < float(log_p_fail) < 0
        assert float(p_min) <= 1


def test_a_measure_in_the_working_directory_is_found(workplace: Path) -> None:
    """Redrawing with probability e over K classes flips with probability e (K-1)/K."""
    for classes in (2, 10):
        e, q = Fraction(3, 10), Fraction(3, 10) * (classes - 1) / classes
        own = [f"--measure={name}" for name in ("redraw.Redraw", "LabelFlip")]
        options = [f"--measure.num_classes={classes}", "--max_radius=15"]
        for exact in ([], ["--exact"]):
            redrawn = table(workplace, own[0], f"--measure.e={e}", *options, *exact)
            assert redrawn == table(workplace, own[1], f"--measure.q={q}", *options, *exact)
