"""The site builds without warnings and without network, its links lead somewhere, and its notebook runs."""

import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT

pytest.importorskip("sphinx", reason="the site needs the extra docs: pip install -e '.[docs]'")

PACKAGES = ("smoothing.measures", "smoothing.votes", "smoothing.certifiers", "smoothing.runs", "lightning_modules")
PACKAGES += ("lightning_modules.objectives", "datamodules", "callbacks", "reporting")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", str(DOCS), str(folder / "site")]
    # A proxy that does not exist: a build that needs the network fails.
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    ended = subprocess.run(
        [*command, "-d", str(folder / "doctrees")], cwd=ROOT, env=os.environ | nowhere, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    return folder / "site"


@pytest.fixture
def faults() -> Callable[[Path], list[str]]:
    found: Callable[[Path], list[str]] = runpy.run_path(str(DOCS / "check_links.py"))["faults"]
    return found


@pytest.mark.slow
def test_links_lead_somewhere_and_nothing_is_loaded_from_elsewhere(
    site: Path, faults: Callable[[Path], list[str]]
) -> None:
    assert faults(site) == []


@pytest.mark.slow
def test_all_pages_are_there(site: Path) -> None:
    pages = {page.relative_to(DOCS).with_suffix(".html") for page in DOCS.rglob("*.md")}
    assert not [page for page in pages if not (site / page).is_file()]
    for package in PACKAGES:
        assert f'id="module-{package}"' in (site / "api" / f"{package}.html").read_text(encoding="utf-8")
    for result in (ROOT / "results").rglob("*.md"):
        assert (site / result.relative_to(ROOT).with_suffix(".html")).is_file()


@pytest.mark.slow
def test_the_notebook_is_shown_with_its_plot(site: Path) -> None:
    page = (site / "notebooks/digits.html").read_text(encoding="utf-8")
    assert page.count("cell_output") >= 4
    assert "<img" in page


def test_link_check_finds_faults(tmp_path: Path, faults: Callable[[Path], list[str]]) -> None:
    (tmp_path / "index.html").write_text(
        '<a href="other.html#there"></a><a href="other.html#absent"></a><a href="absent.html"></a><p id="here">'
        '<a href="#here"></a><a href="#nowhere"></a><a href="https://example.org"></a><img src="https://example.org/i">'
        '<a href="../outside.html"></a><script src="//example.org/s"></script><link rel="index" href="other.html">'
    )
    (tmp_path / "other.html").write_text('<p id="there">')
    (tmp_path.parent / "outside.html").write_text("")
    assert sorted(line.removeprefix("index.html: ") for line in faults(tmp_path)) == [
        "#nowhere has no such anchor",
        "../outside.html leads nowhere",
        "absent.html leads nowhere",
        "loads //example.org/s from elsewhere",
        "loads https://example.org/i from elsewhere",
        "other.html#absent has no such anchor",
    ]


def test_link_check_refuses_a_folder_without_a_site(tmp_path: Path, faults: Callable[[Path], list[str]]) -> None:
    with pytest.raises(ValueError, match=r"check_links: site = .*; must contain index\.html"):
        faults(tmp_path)
