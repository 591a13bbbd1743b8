from pathlib import Path

import numpy as np
import pytest

from reporting.figure import draw, figure
from smoothing.certificates import Table, certified_curve
from tests.samples import FLIPS, L2, row, table

FLIP_CURVE = certified_curve(table((1, 3.0), (1, 700.0), (-1, 0.0), (0, 900.0), certifiers=("kl", "exact")), FLIPS)
L2_CURVE = certified_curve(table((1, 0.5), (1, 1.25), (1, 2.0)), L2)


@pytest.mark.parametrize(("ending", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_draws_to_a_file(tmp_path: Path, ending: str, magic: bytes):
    draw({"run": FLIP_CURVE}, tmp_path / f"curve.{ending}")
    assert (tmp_path / f"curve.{ending}").read_bytes().startswith(magic)


def test_axes_say_the_unit():
    (axes,) = figure({"run": FLIP_CURVE}).axes
    assert axes.get_xlabel() == "l0 radius (flips)"
    assert axes.get_ylabel() == "certified accuracy"
    (axes,) = figure({"run": L2_CURVE}).axes
    assert axes.get_xlabel() == "l2 radius (input units)"


def test_one_line_per_run_and_certifier():
    (axes,) = figure({"run": FLIP_CURVE}).axes
    assert [line.get_label() for line in axes.lines] == ["kl", "exact"]
    single = certified_curve(table((1, 2.0)), FLIPS)
    (axes,) = figure({"a": FLIP_CURVE, "b": single}).axes
    assert [line.get_label() for line in axes.lines] == ["a: kl", "a: exact", "b"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a: kl", "a: exact", "b"]


def test_lines_can_be_told_apart():
    curves = {f"run {i}": L2_CURVE for i in range(20)}
    (axes,) = figure(curves).axes
    assert len({(line.get_color(), line.get_linestyle()) for line in axes.lines}) == 20


def test_a_long_legend_stands_outside_the_lines():
    made = figure({f"run {i}": L2_CURVE for i in range(20)})
    made.draw_without_rendering()
    (axes,), (legend,) = made.axes, made.legends
    assert len(legend.get_texts()) == 20
    assert axes.get_window_extent().x1 <= legend.get_window_extent().x0


@pytest.mark.parametrize(("curve", "distance"), [(FLIP_CURVE, FLIPS), (L2_CURVE, L2)])
def test_a_line_never_lies_above_the_truth(curve, distance):
    answers = {
        id(FLIP_CURVE): table((1, 3.0), (1, 700.0), (-1, 0.0), (0, 900.0)),
        id(L2_CURVE): table((1, 0.5), (1, 1.25), (1, 2.0)),
    }[id(curve)]
    (axes,) = figure({"run": curve}).axes
    line = axes.lines[0]
    assert line.get_drawstyle() == "steps-pre"
    x, y = line.get_xdata(), line.get_ydata()
    for r in np.linspace(0, x[-1], 997):
        drawn = y[np.searchsorted(x, r)]
        truth = np.mean(answers["correct"] & distance.certified_at(answers["radius"], float(r)))
        assert drawn <= truth
    assert y[0] == np.mean(answers["correct"])
    assert y[-1] == 0


def test_mixed_distances_are_refused():
    with pytest.raises(ValueError, match="flips"):
        figure({"a": FLIP_CURVE, "b": L2_CURVE})


def test_the_envelope_lies_behind_and_never_below_a_line():
    radii = [0, 0.4, 0.5, 1, 2]
    curves = {
        "far": certified_curve(table((1, 2.0), (0, 0.0)), L2, radii),
        "near": certified_curve(table((1, 0.5), (1, 0.45)), L2, radii),
    }
    (axes,) = figure(curves, envelope=True).axes
    behind, *others = axes.lines
    assert behind.get_label() == "upper envelope"
    assert [line.get_label() for line in others] == ["far", "near"]
    assert behind.get_linewidth() > max(line.get_linewidth() for line in others)
    assert behind.get_ydata().tolist() == [1, 1, 0.5, 0.5, 0]


def test_one_figure_goes_to_several_files(tmp_path: Path):
    draw({"run": L2_CURVE}, tmp_path / "curve.png", tmp_path / "curve.svg", envelope=True)
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert "upper envelope" in (tmp_path / "curve.svg").read_text()


def test_lines_of_attacks_are_dashed():
    rows = [row(radius=3.0), row(radius=5.0, certifier="attack", classifier="attacked mean")]
    curve = certified_curve(Table(rows), FLIPS)
    assert curve.attacks == {"attack"}
    (axes,) = figure({"a": curve, "b": certified_curve(table((1, 2.0)), FLIPS)}).axes
    assert {line.get_label(): line.get_linestyle() for line in axes.lines} == {
        "a: exact": "-",
        "a: attack, upper bound": "--",
        "b": ":",
    }


def test_lines_of_attacks_take_the_upper_value_between_points():
    """Where radii are thinned, what an attack leaves standing at 7 flips is at least what it leaves at 10."""
    rows = [row(index, radius=radius, classifier="attacked mean") for index, radius in enumerate((7.0, 20.0))]
    rows += [row(index, radius=radius, certifier="sure") for index, radius in enumerate((7.0, 20.0))]
    (axes,) = figure({"run": certified_curve(Table(rows), FLIPS, [0, 5, 10, 21])}).axes
    assert {line.get_label(): line.get_drawstyle() for line in axes.lines} == {
        "exact, upper bound": "steps-post",
        "sure": "steps-pre",
    }


def test_a_certifier_has_one_colour_in_all_runs_and_a_run_one_line_style():
    single = certified_curve(table((1, 2.0)), FLIPS)
    (axes,) = figure({"a": FLIP_CURVE, "b": FLIP_CURVE}).axes
    styles = {line.get_label(): (line.get_color(), line.get_linestyle()) for line in axes.lines}
    assert styles["a: kl"][0] == styles["b: kl"][0] != styles["a: exact"][0] == styles["b: exact"][0]
    assert styles["a: kl"][1] == styles["a: exact"][1] != styles["b: kl"][1] == styles["b: exact"][1]
    (alone,) = figure({"c": single}).axes
    assert alone.lines[0].get_color() == styles["a: exact"][0]


def test_equal_lines_stay_visible():
    (axes,) = figure({f"run {i}": L2_CURVE for i in range(4)}).axes
    widths = [line.get_linewidth() for line in axes.lines]
    assert widths == sorted(widths, reverse=True)
    assert len(set(widths)) == 4


def test_the_title_is_text_and_not_a_formula(tmp_path: Path):
    made = draw({"run": L2_CURVE}, tmp_path / "curve.svg", title="Digits, Gaussian(sigma=0.25), $n = 10$")
    assert made.axes[0].get_title() == r"Digits, Gaussian(sigma=0.25), \$n = 10\$"
