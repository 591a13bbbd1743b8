"""Mutation tests: small faults in one module at a time, each of which the quick tests of its package must find.

``python -m tests.mutation smoothing/certifiers/exact/plurality.py`` prints each mutant that survives, and a row: the
module, its mutants, those that were run, caught and not caught. ``--update`` writes the survivors to ``survivors.txt``,
where a person adds the reason. ``pip install -e '.[mutation]'`` installs what it needs. Operators and tests are set in
``[tool.mutation]`` of ``pyproject.toml``.
"""

import argparse
import importlib
import os
import resource
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType

import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator

ROOT = Path(__file__).parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutation"]
KEPT = Path(__file__).parent / "survivors.txt"

QUIET = ["-x", "-q", "-p", "no:cacheprovider", "--tb=no"]
"""Options of pytest."""


class Swap(Operator):  # type: ignore[misc]
    """Operator that swaps names of opposite meaning, such as ``up`` and ``down``."""

    def __init__(self) -> None:
        pairs = [tuple(pair) for pair in SETTINGS["swaps"]]
        self._other = dict(pairs) | {second: first for first, second in pairs}

    def mutation_positions(self, node):  # type: ignore[no-untyped-def]
        before = node.get_previous_leaf() if node.type == "name" else None
        if node.type == "name" and node.value in self._other and before not in ("import", "def"):
            yield node.start_pos, node.end_pos

    def mutate(self, node, index):  # type: ignore[no-untyped-def]
        node.value = self._other[node.value]
        return node

    @classmethod
    def examples(cls) -> Sequence[object]:
        return ()


@dataclass(frozen=True)
class Mutant:
    """A changed module.

    Attributes:
        operator: Operator that changed it.
        line: Number of the changed line.
        before: The line, without indentation.
        after: The changed line.
        source: The whole changed source.
    """

    operator: str
    line: int
    before: str
    after: str
    source: str

    def __str__(self) -> str:
        return f"{self.before} -> {self.after}"


class Changed(SourceFileLoader):
    """Loader and finder of one module with another source."""

    def __init__(self, name: str, path: Path, source: str) -> None:
        super().__init__(name, str(path))
        self._source = source

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._source, self.path, "exec", dont_inherit=True)


def mutants(source: str) -> Iterator[Mutant]:
    """Return all mutants of a source that differ from it and from each other."""
    seen, lines = {source}, source.splitlines()
    tree = get_ast(source)
    for name in [*SETTINGS["operators"], "swap"]:
        operator = Swap() if name == "swap" else get_operator(f"core/{name}")()
        places = sum(len(list(operator.mutation_positions(node))) for node in ast_nodes(tree))
        for place in range(places):
            changed = mutate_code(source, operator, place)
            if changed is None or changed in seen:
                continue
            seen.add(changed)
            after = changed.splitlines()
            line = next(i for i, (one, other) in enumerate(zip(lines, after, strict=False)) if one != other)
            yield Mutant(name, line + 1, lines[line].strip(), after[line].strip(), changed)


def tests_of(module: Path) -> list[str]:
    """Return the tests of a module: those that the settings name, or else all of its folder."""
    found: list[str] = SETTINGS["tests"].get(str(module), [])
    return found or [str(Path("tests", *module.parts[1:-1]))]


def run(module: Path, source: str | None, limit: int | None) -> tuple[bool, float]:
    """Run the tests of a module in a process of its own.

    Args:
        module: The module, relative to the repository.
        source: Its source; None for the unchanged one.
        limit: Seconds of CPU after which the process is killed, since a mutant may loop without end.

    Returns:
        Whether all tests pass, and the seconds of CPU.
    """
    process = os.fork()
    if process == 0:
        status = 1
        try:
            silent = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(silent, stream)
            if limit is not None:
                resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
            if source is not None:
                name = ".".join(module.with_suffix("").parts)
                sys.meta_path.insert(0, Changed(name, ROOT / module, source))  # type: ignore[arg-type]
            status = int(pytest.main([*QUIET, *tests_of(module)]))
        finally:
            os._exit(status)
    _, status, used = os.wait4(process, 0)
    return status == 0, used.ru_utime + used.ru_stime


def preload() -> None:
    """Import the packages of others that tests need, so that forked processes have them."""
    for name in SETTINGS["preload"]:
        with suppress(ImportError):
            importlib.import_module(name)


def kept() -> dict[str, list[str]]:
    """Return the kept survivors of each module, one line each."""
    found: dict[str, list[str]] = {}
    module = ""
    for line in KEPT.read_text(encoding="utf-8").splitlines() if KEPT.exists() else []:
        if line.startswith("# "):
            module = line[2:].split(":")[0]
            found[module] = [line]
        elif line:
            found[module].append(line)
    return found


def examine(module: Path, budget: float) -> tuple[list[Mutant], int, int]:
    """Return the survivors of a module, the number of its mutants that were run, and the number of all of them.

    Args:
        module: The module, relative to the repository.
        budget: Seconds of CPU after which no other mutant is run.
    """
    passed, seconds = run(module, None, None)
    if not passed:
        raise SystemExit(f"{module}: the tests fail without a mutant")
    limit = 10 + round(5 * seconds)
    survivors, every = [], list(mutants((ROOT / module).read_text(encoding="utf-8")))
    for number, mutant in enumerate(every):
        if seconds > budget:
            return survivors, number, len(every)
        passed, used = run(module, mutant.source, limit)
        seconds += used
        if passed:
            survivors.append(mutant)
            print(f"{module}:{mutant.line}: {mutant.operator}: {mutant}", flush=True)
    return survivors, len(every), len(every)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="+", type=Path, help="modules, relative to the repository")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="seconds of CPU for each module")
    parser.add_argument("--update", action="store_true", help=f"write survivors to {KEPT.name}")
    options = parser.parse_args()
    os.chdir(ROOT)
    preload()
    unknown = 0
    for module in options.modules:
        survivors, number, every = examine(module, options.seconds)
        known = kept()
        reasons = dict(line.split("  # ", 1) for line in known.get(str(module), [])[1:] if "  # " in line)
        unknown += sum(str(mutant) not in reasons for mutant in survivors)
        print(f"| {module} | {every} | {number} | {number - len(survivors)} | {len(survivors)} |", flush=True)
        if options.update and number == every:
            lines = [f"{mutant}  # {reasons.get(str(mutant), '')}" for mutant in survivors]
            known[str(module)] = [f"# {module}: {number} mutants, {number - len(survivors)} caught", *lines]
            text = "\n\n".join("\n".join(known[name]) for name in sorted(known))
            KEPT.write_text(text + "\n", encoding="utf-8")
    raise SystemExit(1 if unknown else 0)


if __name__ == "__main__":
    main()
