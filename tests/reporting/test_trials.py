from dataclasses import replace
from math import sqrt
from pathlib import Path

import pytest
from scipy.stats import norm

from reporting.trials import PUBLISHED, metrics, read_published, summaries, trial_table, wilson
from tests.runs.test_trials import TRIAL

PUBLISHED_FILES = sorted((Path(__file__).parents[2] / "results/arena/published").glob("*.csv"))


@pytest.mark.parametrize(("count", "number"), [(0, 5), (3, 10), (10, 10), (86.4, 100)])
def test_intervals_are_those_of_wilson(count: float, number: int) -> None:
    z, p = norm.ppf(0.975), count / number
    middle = (p + z * z / (2 * number)) / (1 + z * z / number)
    half = z / (1 + z * z / number) * sqrt(p * (1 - p) / number + z * z / (4 * number**2))
    assert wilson(count, number) == pytest.approx((middle - half, middle + half), abs=1e-9)


def test_trials_are_summarised_by_attack_and_defence() -> None:
    lost = replace(TRIAL, number=4, prediction=1, success=False, right=80)
    other = replace(TRIAL, defence="denoised", seen=True)
    first, second = summaries("run", [TRIAL, other, lost])
    assert (first.defence, first.success, first.trials, first.accuracy) == ("none", 0.5, 2, pytest.approx(0.85))
    assert first.success_within == wilson(1, 2)
    # Both trials have the same 100 test examples.
    assert first.accuracy_within == pytest.approx(wilson(85, 100))
    assert (second.success, second.seen) == (1.0, True)
    table = trial_table([first, second])
    assert [row[0] for row in table.rows] == ["run", "run*"]
    assert any("trained on training or test images" in note for note in table.notes)
    assert metrics([first]) == {
        "trials/success/frogs/none": 0.5,
        "trials/accuracy/frogs/none": pytest.approx(0.85),
    }


@pytest.mark.parametrize("path", PUBLISHED_FILES, ids=lambda path: path.stem)
def test_published_results_are_read(path: Path) -> None:
    found = read_published(path)
    assert len(found) > 10
    assert {one.eps for one in found} <= {8 / 255, 16 / 255}


def test_published_success_is_that_of_the_papers() -> None:
    found = {(one.setting, one.attack, one.defence): one for path in PUBLISHED_FILES for one in read_published(path)}
    assert found["CIFAR-10 transfer white box", "Bullseye Polytope", "none"].success == 0.85
    hong = found["CIFAR-10", "Sleeper Agent", "denoised at 0.1"]
    assert (hong.success, hong.accuracy, hong.trials) == (0.17, 0.86, 100)


@pytest.mark.parametrize("row", ["a,b,c,d,linf,0.1,1.5,,", "a,b,c,d,linf,x,0.5,,", "a,b,c"])
def test_damaged_published_results_are_named(tmp_path: Path, row: str) -> None:
    path = tmp_path / "published.csv"
    path.write_text(",".join(PUBLISHED) + f"\na,b,c,d,linf,0.1,0.5,,\n{row}\n")
    with pytest.raises(ValueError, match=r"published.csv, line 3: damaged"):
        read_published(path)
