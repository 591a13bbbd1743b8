"""Sources of the documentation that are made by a program."""

import json
import re
import runpy
from pathlib import Path

import matplotlib as mpl
import pytest

from tests.docs.pages import DOCS

NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))


def test_the_picture_is_the_one_that_its_program_draws(tmp_path: Path) -> None:
    program = runpy.run_path(str(DOCS / "images/idea.py"))
    with mpl.rc_context(program["STYLE"]):
        program["draw"]().savefig(tmp_path / "idea.svg", metadata={"Date": None})
    drawn, kept = ((folder / "idea.svg").read_text(encoding="utf-8") for folder in (tmp_path, DOCS / "images"))
    assert _texts(drawn) == _texts(kept)
    assert _numbers(drawn) == pytest.approx(_numbers(kept), abs=1e-3)


def _texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def _numbers(svg: str) -> list[float]:
    """Return all coordinates of paths."""
    paths = " ".join(re.findall(r' d="([^"]*)"', svg))
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", paths)]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_output_is_stored(notebook: Path) -> None:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code)


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs(notebook: Path, tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat", reason="notebooks need the extra docs: pip install -e '.[docs]'")
    from nbclient import NotebookClient

    ran = NotebookClient(
        nbformat.read(notebook, as_version=4), timeout=300, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    outputs = [output for cell in ran.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs)
