"""The HTML report of trials: its content, its escaping, and its pictures."""

import re
from base64 import b64decode
from dataclasses import replace
from html import unescape
from io import BytesIO
from pathlib import Path

import pytest
import torch
from PIL import Image
from torchvision.transforms.functional import pil_to_tensor
from torchvision.utils import save_image

from callbacks.trial_writer import grid
from reporting.html.trials_page import TARGETS, poison_pictures, write_trials_page
from reporting.trials import summaries, trial_table
from smoothing.runs.run_directory import RunDirectory
from smoothing.runs.trials import write_csv
from tests.reporting.html.browser import errors, opened, requests
from tests.runs.test_trials import CERTIFIED, TRIAL

EVIL = "<script>window.evil = 1</script><img src=x onerror='window.evil = 2'>"
TRIALS = [
    replace(one, number=number, target=target, defence=defence)
    for number, target in ((4, 40), (3, 30), (9, 90), (6, 60))
    for one, defence in ((TRIAL, EVIL), (CERTIFIED, "parts"))
]


def save_picture(directory: RunDirectory, number: int, side: int = 6) -> torch.Tensor:
    source = torch.Generator().manual_seed(number)
    clean = torch.rand(2, 3, side, side, generator=source)
    picture = grid(clean, (clean + 0.02).clamp(0, 1))
    file = directory.picture("frogs", number)
    file.parent.mkdir(parents=True)
    save_image(picture, file)
    return picture


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    directory = RunDirectory(tmp_path / "run")
    directory.path.mkdir()
    write_csv(directory.trial_table, TRIALS)
    (directory.path / "config.yaml").write_text(f"note: {EVIL}\n")
    (directory.path / "provenance.json").write_text('{"config": {"seed": 0}}')
    for number in (3, 4, 6, 9):
        save_picture(directory, number)
    return directory


def written(run: RunDirectory) -> Path:
    page = run.path / "report.html"
    paths = {EVIL: run.path, "paper": run.path / "paper.csv"}
    table = trial_table(summaries(EVIL, TRIALS))
    write_trials_page(page, f"Title {EVIL}", table, poison_pictures(EVIL, run, TRIALS), paths)
    return page


def test_the_page_shows_poisons_of_the_first_targets(run: RunDirectory) -> None:
    text = unescape(written(run).read_text())
    stored = re.findall(r'<img class="poisons" src="data:image/png;base64,([^"]*)"', text)
    assert len(stored) == TARGETS
    for number, encoded in zip((3, 4, 6), stored, strict=True):
        shown = pil_to_tensor(Image.open(BytesIO(b64decode(encoded))))
        assert torch.equal(shown, pil_to_tensor(Image.open(run.picture("frogs", number))))
    assert [int(found) for found in re.findall(r"frogs, test example (\d+)", text)] == [30, 40, 60]
    assert "Class 1, intended class 2. 5 poisons, linf 0.1. Loss 2.5 at clean images, 0.3333 at the poisons." in text
    assert "class 2: the attack succeeds" in text
    assert "class 1; certified radius 4" in text


def test_the_page_has_success_and_accuracy_with_intervals(run: RunDirectory) -> None:
    text = unescape(written(run).read_text())
    table = trial_table(summaries(EVIL, TRIALS))
    for cell in (cell for row in table.rows for cell in row):
        assert cell in text
    assert "100.0% (51.0-100.0)" in text
    assert "Success is an observation, never a certificate." in text
    assert "smoothing attack --config" in text


def test_everything_on_the_page_is_escaped(run: RunDirectory) -> None:
    text = written(run).read_text()
    assert "<script>window.evil" not in text
    assert "<img src=x" not in text
    assert text.count("&lt;script&gt;window.evil") >= 3 + 2 + TARGETS


def test_a_browser_shows_every_picture_and_requests_nothing(run: RunDirectory) -> None:
    page = written(run)
    with opened(page) as chrome:
        assert chrome.execute_script("return window.evil") is None
        widths = "return [...document.querySelectorAll('img.poisons')].map(one => one.naturalWidth)"
        assert chrome.execute_script(widths) == [2 * 8 + 2] * TARGETS
        assert chrome.execute_script("return document.querySelectorAll('table.summary tbody tr').length") == 2
        assert requests(chrome) == {page.as_uri()}
        assert errors(chrome) == []


def test_large_pictures_are_reduced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = RunDirectory(tmp_path)
    save_picture(directory, 3)
    monkeypatch.setattr("reporting.html.trials_page.WIDTH", 9)
    (found,) = poison_pictures("run", directory, [TRIAL])
    # Two images of 8 pixels with borders, three rows: 18 x 26 before.
    assert Image.open(BytesIO(b64decode(found.image))).size == (9, 13)


def test_poisons_without_pictures_are_left_out(tmp_path: Path) -> None:
    write_trials_page(tmp_path / "page.html", "Title", trial_table(summaries("run", TRIALS)), [], {"run": tmp_path})
    assert 'id="poisons"' not in (tmp_path / "page.html").read_text()
    assert poison_pictures("run", RunDirectory(tmp_path), TRIALS) == []


def test_a_damaged_picture_is_named(run: RunDirectory) -> None:
    run.picture("frogs", 4).write_bytes(b"\x89PNG no picture")
    with pytest.raises(ValueError, match=r"frogs-4/poisons.png: damaged \(.*\); must be a picture of poisons"):
        poison_pictures("run", run, TRIALS)
