"""The HTML report: its content, its escaping, and its behaviour in a browser."""

import json
import re
from base64 import b64decode
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
import torch

from reporting.comparison import Published, Run, common_radii, comparison
from reporting.figure import lines
from reporting.html.charts import BINS, curve_chart, share_chart, vote_shares
from reporting.html.page import CurvePanel, write_page
from reporting.html.rows import MAX_ROWS, browser
from reporting.html.words import assumptions, meaning
from reporting.shown import MAX_SHOWN, by_position, read_shown, show_inputs, shown, write_shown
from reporting.text_table import TextTable
from smoothing.certificates import Table, certified_curve
from smoothing.certificates.curves import Curve
from smoothing.runs.provenance import provenance
from tests.reporting.html.browser import errors, opened, requests
from tests.samples import FLIPS, L2, row, table

EVIL = "<script>window.evil = 1</script><img src=x onerror='window.evil = 2'>"
CONFIG = {"data": {"class_path": "datamodules.Digits"}, "model": {"measure": {"class_path": "smoothing.Gaussian"}}}


class Inputs:
    """Images and texts in turn."""

    def __getitem__(self, index: int) -> tuple[int, torch.Tensor, int]:
        if index % 2:
            return index, torch.tensor(list(f"{EVIL} text {index}".encode()), dtype=torch.uint8), 1
        return index, torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(index)), 1


def votes(count: int, certifier: str = "cp", **cells: Any) -> list[Any]:
    """Rows of sampled votes: every third is wrong, and radii increase with the index."""
    return [
        row(
            index,
            prediction=int(index % 3 != 0),
            radius=0.01 * index,
            certifier=certifier,
            classifier="majority",
            deterministic=False,
            alpha=0.001,
            n=1000,
            n_a=min(1000, 500 + index),
            n_b=max(0, 500 - index),
            **cells,
        )
        for index in range(count)
    ]


def run_directory(path: Path, made: Table) -> Path:
    path.mkdir()
    record = provenance(CONFIG, seed=3, distance=L2, data="f" * 64)
    (path / "provenance.json").write_text(json.dumps(record))
    (path / "config.yaml").write_text(f"note: {EVIL}\n")
    write_shown(path / "examples.json", show_inputs(Inputs(), made.of(made.certifiers[0])["index"].tolist()))
    return path


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of two runs and a published curve, with hostile names, phrases, texts and settings."""
    folder = tmp_path_factory.mktemp("report")
    mine = Table(votes(60, assumptions=f"{EVIL}; the encoder saw no label"))
    rival = Table(votes(60))
    paper = Curve(np.array([0.1, 0.3]), {EVIL: np.array([0.5, 0.25])}, L2)
    runs = {EVIL: Run(mine, L2), "rival": Run(rival, L2), "paper.csv": Published(paper)}
    paths = {
        EVIL: run_directory(folder / "mine", mine),
        "rival": run_directory(folder / "rival", rival),
        "paper.csv": folder / "paper.csv",
    }
    at = common_radii(runs)
    panels = [CurvePanel("Curves", {name: run.curve(at) for name, run in runs.items()})]
    settings = TextTable("Settings that differ", {"setting": False, EVIL: False}, [["sigma", EVIL]])
    write_page(folder / "report.html", f"Title {EVIL}", runs, paths, panels, [comparison(runs).text(), settings])
    return folder / "report.html"


def test_everything_shown_is_escaped(page: Path) -> None:
    text = page.read_text()
    assert "<script>window.evil" not in text
    assert "<img src=x" not in text
    assert text.count("&lt;script&gt;window.evil") > 60


def test_the_page_names_no_address_that_it_loads(page: Path) -> None:
    own = re.sub(r"<script>/\*\*?\s*\n?\* plotly.*?</script>", "", page.read_text(), flags=re.DOTALL)
    loaded = re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=[\"']?([^\"' >]*)", own)
    assert {address.partition(":")[0] for address in loaded} <= {"data"}


def test_the_page_holds_tables_provenance_and_assumptions(page: Path) -> None:
    text = unescape(page.read_text())
    for phrase in (
        "Settings that differ",
        "the encoder saw no label",
        "fails with probability at most 0.001",
        "f" * 64,
        "smoothing certify --config",
        "no change smaller than r alters the prediction",
        "120 of 120 examples",
    ):
        assert phrase in text


def test_a_browser_draws_sorts_filters_and_requests_nothing(page: Path) -> None:
    with opened(page) as chrome:
        assert chrome.execute_script("return window.evil") is None
        drawn = "return document.querySelectorAll('#chart-curve-0 .scatterlayer .trace').length"
        assert chrome.execute_script(drawn) == 3
        names = "return [...document.querySelectorAll('#chart-curve-0 .legendtext')].map(one => one.textContent)"
        assert chrome.execute_script(names) == [EVIL, "rival", "paper.csv"]
        first = "return document.querySelector('#browser tbody tr').children[{}].textContent"
        cells = "return document.querySelectorAll('#browser tbody tr').length"
        assert chrome.execute_script(cells) == 25

        def column(name: str) -> int:
            heads = "return [...document.querySelectorAll('.dt-scroll-head .dt-column-title')]"
            return int(chrome.execute_script(f"{heads}.findIndex(one => one.textContent == arguments[0])", name))

        radius, result = column("radius"), column("result")
        for expected in ("0", "0.59"):
            chrome.find_elements("css selector", ".dt-scroll-head thead tr:first-child th")[radius].click()
            assert chrome.execute_script(first.format(radius)) == expected
        head = chrome.find_elements("css selector", ".dt-scroll-head thead tr:nth-child(2) > *")[result]
        head.find_element("css selector", "input").send_keys("wrong")
        info = "return document.querySelector('#examples .dt-info').textContent"
        assert "of 40 entries" in chrome.execute_script(info)
        assert chrome.execute_script(first.format(result)) == "wrong"
        images = "return [...document.querySelectorAll('#browser img')].every(one => one.complete && one.naturalWidth)"
        assert chrome.execute_script(images)
        assert requests(chrome) == {page.as_uri()}
        assert errors(chrome) == []


@pytest.mark.parametrize("dark", [False, True])
def test_the_page_follows_the_colour_scheme_and_fits_a_telephone(page: Path, dark: bool) -> None:
    with opened(page, dark, width=420) as chrome:
        paper = chrome.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(255, 255, 255)") != dark
        ink = chrome.execute_script("return getComputedStyle(document.querySelector('.legendtext')).fill")
        assert ink == ("rgb(228, 231, 234)" if dark else "rgb(29, 35, 41)")
        assert chrome.execute_script("return document.documentElement.scrollWidth") <= 420
        assert errors(chrome) == []


def test_lines_have_the_lower_value_between_points_and_attacks_the_upper() -> None:
    attacked = Table([row(radius=3.0), row(radius=5.0, certifier="attack", classifier="attacked mean")])
    chart = curve_chart({"run": certified_curve(attacked, FLIPS)})
    assert {line["name"]: (line["line"]["shape"], line["line"]["dash"]) for line in chart["data"]} == {
        "exact": ("vh", "solid"),
        "attack, upper bound": ("hv", "dash"),
    }


@pytest.mark.parametrize("logarithmic", [False, True])
def test_plotly_accepts_the_charts(logarithmic: bool) -> None:
    counted = Run(Table(votes(4)), L2)
    curves = {"a<b": counted.curve(), "other": counted.curve()}
    shares = share_chart({"run": counted})
    assert shares is not None
    for chart in (curve_chart(curves, envelope=True, logarithmic=logarithmic), shares):
        figure = go.Figure(chart)
        figure.layout.template = None
        assert json.loads(figure.to_json()) == chart
    curve = counted.curve()
    [line] = curve_chart({"run": curve})["data"]
    for name, values in zip("xy", *lines({"run": curve}).values(), strict=True):
        np.testing.assert_array_equal(np.frombuffer(b64decode(line[name]["bdata"]), line[name]["dtype"]), values)


def test_vote_shares_are_counts_or_bounds() -> None:
    counted = Table(votes(4))
    np.testing.assert_allclose(vote_shares(counted), [0.5, 0.501, 0.502, 0.503])
    bounded = Table([row(0, log_fail=float(np.log(0.25))), row(1, prediction=-1, log_fail=-1.0)])
    np.testing.assert_allclose(vote_shares(bounded), [0.75])
    assert len(vote_shares(table((1, 1.0)))) == 0
    chart = share_chart({"run": Run(counted, L2)})
    assert chart is not None
    assert len(chart["data"]) == 1
    assert share_chart({"run": Run(table((1, 1.0)), L2)}) is None
    assert BINS > 1


def test_attacks_have_no_vote_shares() -> None:
    assert len(vote_shares(Table([row(log_fail=-1.0, classifier="attacked mean")]))) == 0


def test_the_browser_is_bounded_and_chosen_by_position() -> None:
    many = Table(votes(5000) + votes(5000, "again"))
    found = browser({"a": Run(many, L2), "b": Run(many, L2)}, {})
    assert len(found.rows) <= MAX_ROWS
    assert len({(shown.run, shown.row.certifier) for shown in found.rows}) == 4
    assert (found.examples, found.all_examples) == (1500, 10000)
    right = {shown.row.index for shown in found.rows}
    wrong = Table([replace(one, prediction=2, correct=False) for one in many])
    assert {shown.row.index for shown in browser({"a": Run(wrong, L2), "b": Run(wrong, L2)}, {}).rows} == right


def test_examples_are_images_texts_or_not_shown(tmp_path: Path) -> None:
    image = shown(torch.rand(3, 200, 100)).picture()
    assert image is not None
    assert image.size == (32, 64)
    exact = torch.arange(64).reshape(1, 8, 8) / 255
    picture = shown(exact).picture()
    assert picture is not None
    np.testing.assert_array_equal(np.asarray(picture), (exact[0] * 255).round())
    assert shown(torch.tensor(list(b"a film\0\0"), dtype=torch.uint8)).text == "a film"
    assert len(shown(torch.full((5000,), 97, dtype=torch.uint8)).text) < 500
    for hidden in (torch.rand(5), torch.rand(2, 4, 4), torch.full((1, 2, 2), 1.5)):
        assert shown(hidden).image == shown(hidden).text == ""
    examples = show_inputs(Inputs(), range(4000))
    assert len(examples) == MAX_SHOWN
    write_shown(tmp_path / "examples.json", examples)
    assert read_shown(tmp_path / "examples.json") == examples
    (tmp_path / "examples.json").write_text("[1]")
    with pytest.raises(ValueError, match="damaged"):
        read_shown(tmp_path / "examples.json")


def test_positions_are_evenly_spaced() -> None:
    assert by_position([3, 5, 7, 9, 11], 3) == [3, 7, 11]
    assert by_position([3, 5], 3) == [3, 5]


def test_assumptions_say_what_may_fail() -> None:
    sure = assumptions(table((1, 1.0)))["exact"]
    assert "Every certificate holds with probability one." in sure
    rough = assumptions(Table([row(sound=False)]))["exact"]
    assert any("Rounding errors are not bounded" in sentence for sentence in rough)
    attack = assumptions(Table([row(classifier="attacked base")]))["exact"]
    assert attack == ["This is an attack. Its radii are upper bounds on every certificate, and certify nothing."]
    assert "at most r" in meaning(FLIPS)
    assert "smaller than r" in meaning(L2)
