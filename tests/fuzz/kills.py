"""Runs that are stopped at random moments, resumed, and compared byte for byte with an undisturbed run.

``python -m tests.fuzz.kills --moments 50`` stops each kind of run in turn, by SIGKILL, SIGTERM and SIGINT, on one rank
and on two. It prints a table of counts and ends with status 1 if any run differs.
"""

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from shutil import copy, copytree
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from tests.cli.test_network import NETWORK
from tests.cli.test_retrained import RETRAINED as DRAWS
from tests.cli.test_trained_parts import RETRAINED as PARTS
from tests.front_door import DIGITS

ROOT = Path(__file__).parents[2]

ENDS = {signal.SIGKILL: (), signal.SIGTERM: (143,), signal.SIGINT: (130,)}
"""Signals with the exit status of a run that handles them. A shell shows the same before the run handles them."""

LIMIT = 600
"""Largest number of seconds of a run."""

LAST = "runs/network_fit/checkpoints/last.ckpt"


@dataclass(frozen=True)
class Kind:
    """A kind of run.

    Attributes:
        config: Content of ``one.yaml``.
        command: Returns the command that begins or resumes the run in a folder.
        results: Files that must have the bytes of an undisturbed run.
        after: Commands after the resumed run, which make results.
    """

    config: dict[str, Any]
    command: Callable[[Path], list[str]]
    results: tuple[str, ...] = ("runs/one/certificates.csv",)
    after: tuple[tuple[str, ...], ...] = ()


def certify(_: Path) -> list[str]:
    return ["certify", "--config=one.yaml"]


def fit(folder: Path) -> list[str]:
    last = "--trainer.callbacks=[{class_path: ModelCheckpoint, init_args: {save_last: true}}]"
    return ["fit", "--config=one.yaml", last, *([f"--ckpt_path={LAST}"] if (folder / LAST).exists() else [])]


def together() -> dict[str, Any]:
    """Return a config with collective certificates."""
    config = deepcopy(DIGITS)
    bound = {"class_path": "CollectiveVote", "init_args": {"budgets": [1, 10, 20, 40], "steps": 50}}
    config["model"]["init_args"]["collective"] = {"together": bound}
    return config


KINDS = {
    "certify": Kind(DIGITS, certify),
    "collective": Kind(together(), certify, ("runs/one/certificates.csv", "runs/one/collective.csv")),
    "draws": Kind(DRAWS, certify),
    "parts": Kind(PARTS, certify),
    "fit": Kind(NETWORK, fit, after=(("certify", "--config=one.yaml", f"--base_ckpt={LAST}"),)),
}


def prepare(kind: Kind, folder: Path) -> Path:
    """Write the working directory of a run."""
    folder.mkdir()
    (folder / "one.yaml").write_text(yaml.safe_dump(kind.config), encoding="utf-8")
    copy(ROOT / "tests/cli/outside/small.py", folder)
    return folder


def start(args: list[str], folder: Path, ranks: int) -> subprocess.Popen[bytes]:
    """Start a command on some ranks, in a session of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    devices = [f"--trainer.devices={ranks}", *(["--trainer.strategy=ddp"] if ranks > 1 else [])]
    with (folder / "output.txt").open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "smoothing", *args, *devices],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )


def finish(kind: Kind, folder: Path, ranks: int) -> dict[str, bytes]:
    """Run to the end and return the results.

    Raises:
        RuntimeError: If a command ends with another status than 0.
    """
    for args in [kind.command(folder), *map(list, kind.after)]:
        process = start(args, folder, ranks)
        if process.wait(LIMIT) != 0:
            raise RuntimeError(f"{args}: status {process.returncode}\n{(folder / 'output.txt').read_text()}")
    return {name: (folder / name).read_bytes() for name in kind.results}


def stop(kind: Kind, folder: Path, ranks: int, number: signal.Signals, seconds: float) -> int:
    """Begin a run, send a signal to all its processes after some seconds, and return its exit status."""
    process = start(kind.command(folder), folder, ranks)
    time.sleep(seconds)
    # The run may have ended.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
    return process.wait(LIMIT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=50, help="number of stopped runs")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="kinds of runs")
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments")
    options = parser.parse_args()
    generator = random.Random(options.seed)
    cases = list(product(options.kinds, (1, 2), ENDS))
    counts: dict[tuple[str, int], list[int]] = {}
    failures = []
    with TemporaryDirectory() as scratch:
        undisturbed: dict[tuple[str, int], tuple[dict[str, bytes], float]] = {}
        for moment in range(options.moments):
            name, ranks, number = cases[moment % len(cases)]
            kind = KINDS[name]
            if (name, ranks) not in undisturbed:
                folder = prepare(kind, Path(scratch, f"{name}-{ranks}"))
                began = time.monotonic()
                results = finish(kind, folder, ranks)
                undisturbed[name, ranks] = results, time.monotonic() - began
            expected, seconds = undisturbed[name, ranks]
            folder = prepare(kind, Path(scratch, f"moment-{moment}"))
            status = stop(kind, folder, ranks, number, generator.uniform(0, seconds))
            try:
                same = finish(kind, folder, ranks) == expected
            except RuntimeError as error:
                same = False
                print(error, file=sys.stderr)
            known = status in (0, -number, *ENDS[number])
            before = counts.setdefault((name, ranks), [0, 0, 0])
            counts[name, ranks] = [before[0] + 1, before[1] + (status != 0), before[2] + (same and known)]
            if not (same and known):
                failures.append((moment, name, ranks, number.name, status, same))
                copytree(folder, Path("build/kills", f"moment-{moment}"), dirs_exist_ok=True)
            print(moment, name, ranks, number.name, status, "same" if same else "DIFFERENT", flush=True)
    print(
        "\n| run | ranks | stopped runs | before their end | same bytes, documented status |\n|---|---:|---:|---:|---:|"
    )
    for (name, ranks), row in counts.items():
        print(f"| {name} | {ranks} | {' | '.join(map(str, row))} |")
    if failures:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
