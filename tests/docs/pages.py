"""Run the code of a page of the documentation: its files, its Python and its commands, in their order."""

import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from shutil import copy
from typing import Any

from tests.front_door import launch

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
QUIET = ["--trainer.logger=false", "--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false"]
BLOCK = re.compile(r"^(?:<!-- (?P<mark>.*) -->\n)?```(?P<language>\w+)\n(?P<code>(?:(?!```).*\n)*)```$", re.MULTILINE)
INCLUDED = re.compile(r"^```\{literalinclude\} (?P<path>\S+)$", re.MULTILINE)
MARKED = r"file (\S+)|command(?: \d)?"


@dataclass(frozen=True)
class Block:
    """A block of code: its language, its text, and the name of its file if it has one."""

    language: str
    code: str
    file: str | None
    installs: bool


def blocks(page: Path) -> list[Block]:
    """Return all blocks of code that a page asks a reader to run."""
    found = []
    for match in BLOCK.finditer(page.read_text(encoding="utf-8")):
        if match["language"] not in ("python", "bash", "yaml"):
            continue
        mark = re.fullmatch(MARKED, match["mark"] or "command")
        assert mark, f"{page}: unknown mark {match['mark']}"
        assert mark[1] or match["language"] != "yaml", f"{page}: a config without a file name"
        found.append(Block(match["language"], match["code"], mark[1], mark[0].startswith("command ")))
    return found


def run(page: Path, folder: Path) -> list[str]:
    """Run a page in a folder, as its reader does, with the files that it includes. Return what each command printed.

    Raises:
        AssertionError: If a command does not end with status 0.
    """
    for name in ("configs", "results"):
        (folder / name).symlink_to(ROOT / name)
    names: dict[str, Any] = {"__name__": page.stem}
    printed = []
    for path in INCLUDED.findall(page.read_text(encoding="utf-8")):
        copy(page.parent / path, folder)
    for block in blocks(page):
        if block.file:
            (folder / block.file).write_text(block.code)
        elif block.language == "python":
            exec(compile(block.code, page.name, "exec"), names)
        else:
            printed += [_command(line, folder) for line in _lines(block)]
    return printed


def _lines(block: Block) -> list[str]:
    """Return the commands of a block. Of commands that install this project, only the last one is run here."""
    lines = block.code.replace("\\\n", " ").splitlines()
    return lines[-1:] if block.installs else lines


def _command(line: str, folder: Path) -> str:
    program, *words = shlex.split(line)
    if program == "smoothing":
        quiet = QUIET if words[0] in ("fit", "certify") else []
        outcome = launch([*words, *quiet], folder)
        assert outcome.status == 0, outcome.err
        return outcome.out
    options = {"python": [], "pytest": ["-m", "pytest", "-p", "no:cacheprovider"]}[program]
    ended = subprocess.run([sys.executable, *options, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
