"""Every snippet, file and command in the pages of the documentation runs as it is written."""

import re
from pathlib import Path

import pytest

from smoothing.certificates import Table
from tests.docs.pages import DOCS, ROOT, blocks, run

ELSEWHERE = {"tutorials/new_noise.md", "python.md", "launch.md", "dashboards.md"}
"""Pages with tests of their own."""

COPIES = {"results", "changelog.md", "contributing.md"}
"""Pages of the built site that are copied from outside of the folder of the documentation."""

SOURCES = {page.relative_to(DOCS).as_posix(): page for page in sorted(DOCS.rglob("*.md"))}
PAGES = {
    name: page
    for name, page in SOURCES.items()
    if name not in ELSEWHERE and name.partition("/")[0] not in COPIES and blocks(page)
}


@pytest.mark.slow
@pytest.mark.parametrize("page", sorted(PAGES))
def test_the_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(PAGES[page], tmp_path)
    check = CHECKS.get(page)
    if check is not None:
        check(tmp_path)


def _start(folder: Path) -> None:
    assert (folder / "q/comparison.png").stat().st_size > 0


def _own_data(folder: Path) -> None:
    for name in ("cells", "stripes"):
        table = Table.read_csv(folder / "runs" / name / "certificates.csv")
        assert (table["correct"] & (table["radius"] >= 10)).mean() > 0.7


def _own_network(folder: Path) -> None:
    table = Table.read_csv(folder / "runs/mlp/certificates.csv")
    assert (table["correct"] & (table["radius"] > 0.2)).mean() > 0.5


def _pretrained_features(folder: Path) -> None:
    first, again = (folder / "runs" / name / "certificates.csv" for name in ("pretrained", "again"))
    assert first.read_bytes() == again.read_bytes()
    said = "features were learned from noise's labels, and from none of classes 1, 7 of Digits train"
    table = Table.read_csv(first)
    assert all(said in phrases for phrases in table["assumptions"])
    assert (table["correct"] & (table["radius"] >= 5)).mean() > 0.7
    assert len(list(folder.glob("kept/*/*.safetensors"))) > len(table)


def _own_certifier(folder: Path) -> None:
    table = Table.read_csv(folder / "runs/digits/certificates.csv")
    known, loose = (table.of(name)["radius"] for name in ("clopper_pearson", "hoeffding"))
    assert (loose <= known).all()
    assert loose.mean() > 1


def _own_vote(folder: Path) -> None:
    table = Table.read_csv(folder / "runs/laplacian/certificates.csv")
    assert (table["correct"] & (table["radius"] >= 10)).mean() > 0.7


CHECKS = {
    "start.md": _start,
    "how_to/own_data.md": _own_data,
    "how_to/own_network.md": _own_network,
    "how_to/pretrained_features.md": _pretrained_features,
    "how_to/own_certifier.md": _own_certifier,
    "how_to/own_vote.md": _own_vote,
}


def test_the_installation_is_that_of_the_readme() -> None:
    (install,) = [block.code for block in blocks(DOCS / "start.md") if block.installs]
    assert install in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", sorted(PAGES))
def test_no_block_is_left_out(page: str) -> None:
    text = PAGES[page].read_text(encoding="utf-8")
    assert len(blocks(PAGES[page])) == len(re.findall(r"^\s*```(?:python|bash|yaml)", text, re.MULTILINE))
