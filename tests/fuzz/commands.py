"""Commands on files that were edited: they end with a status that is documented and without a traceback."""

import contextlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

from smoothing.cli.main import main

CORPUS = Path(__file__).parent / "corpus"
"""Inputs that once ended badly, ``<target>/<any name>``."""

ENDS = (0, 2)
"""Exit statuses without a signal."""


@dataclass(frozen=True)
class End:
    """How a command ended.

    Attributes:
        status: Exit status.
        err: Standard error.
    """

    status: int
    err: str


@dataclass(frozen=True)
class Target:
    """A file that a command reads.

    Attributes:
        file: Path in the working directory.
        args: The command.
        make: Writes the working directory, with a file that the command accepts.
        results: Files that an accepted input must leave as they were for the unedited one. Only for files with
            checksums.
    """

    file: str
    args: Sequence[str]
    make: Callable[[Path], None]
    results: Sequence[str] = ()


def run(args: Sequence[str], folder: Path) -> End:
    """Run a command in a folder, in this process. Any error but a documented exit propagates."""
    path, modules, place = list(sys.path), set(sys.modules), Path.cwd()
    err = io.StringIO()
    status = 0
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(err):
            main(args)
    except SystemExit as end:
        status = int(end.code or 0)
    finally:
        os.chdir(place)
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            if str(getattr(sys.modules[name], "__file__", None)).startswith(str(folder)):
                del sys.modules[name]
    return End(status, err.getvalue())


def check(target: Target, template: Path, folder: Path, content: bytes) -> None:
    """Run the command of a target on a file with some content.

    Args:
        target: The file and the command.
        template: A working directory that `Target.make` wrote.
        folder: Absent; becomes a copy of the template.
        content: Content of the file.
    """
    copytree(template, folder)
    (folder / target.file).write_bytes(content)
    end = run(target.args, folder)
    assert_documented(end)
    if end.status == 0:
        for name in target.results:
            assert (folder / name).read_bytes() == (template / "expected" / Path(name).name).read_bytes()
    if end.status == 2 and target.args[0] == "certify":
        assert not list(folder.glob("runs/*/certificates.csv")), "a refused input left certificates"


def assert_documented(end: End) -> None:
    assert end.status in ENDS, end.err
    assert "Traceback" not in end.err
    if end.status == 2:
        errors = [line for line in end.err.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, end.err


def kept(name: str) -> list[Path]:
    """Return the inputs of a target that once ended badly."""
    return sorted(path for path in (CORPUS / name).glob("*") if path.is_file())


def ids(path: Path) -> str:
    return path.name
