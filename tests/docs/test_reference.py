"""Columns and files in the reference are those of the code."""

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from smoothing.certificates.cells import FLAG, INTEGER, NUMBER, TEXT
from smoothing.certificates.table import _KINDS, COLUMNS
from smoothing.provenance.code import code_version
from smoothing.runs.run_directory import PROVENANCE, RunDirectory
from tests.docs.pages import DOCS, ROOT
from tests.front_door import launch

REFERENCE = DOCS / "reference"
NAMES = {INTEGER: "whole number", NUMBER: "number", FLAG: "flag", TEXT: "text"}


def rows(page: str, heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading."""
    text = (REFERENCE / page).read_text(encoding="utf-8").partition(f"# {heading}\n")[2]
    lines = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert lines
    return [[cell.strip() for cell in line.strip("|\n").split(" | ")] for line in lines[0].splitlines()[2:]]
