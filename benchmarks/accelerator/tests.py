"""Tests that need an accelerator, and the quick tests of votes, certifiers, measures and modules next to one."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from benchmarks.accelerator.recorder import OUTCOMES
from benchmarks.accelerator.report import DEVICE, SMALL, arguments

ROOT = Path(__file__).parents[2]
WORKERS = 12
ROOMS = ("votes", "measures", "certifiers", "lightning_modules")
LAST = 14.0
"""Seconds kept for the end of an interrupted run."""


def files() -> list[str]:
    """Return the test files with a test that needs an accelerator, then the rooms."""
    first = ROOT / "tests" / "votes" / "test_devices.py"
    if SMALL:
        return [str(first)]
    marked = [path for path in sorted((ROOT / "tests").rglob("test_*.py")) if "mark.gpu" in path.read_text()]
    return [str(path) for path in (first, *marked, *(ROOT / "tests" / room for room in ROOMS))]


def main() -> None:
    """Run the tests."""
    report, out, _ = arguments("tests")
    outcomes = out / ".outcomes"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "benchmarks.accelerator.recorder"]
    command += ["--tb=short", *([] if SMALL else ["-n", str(WORKERS)]), *files()]
    env = os.environ | {"SMOOTHING_TEST_DEVICE": DEVICE.type, "OMP_NUM_THREADS": "1", OUTCOMES: str(outcomes)}
    with (out / "tests.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT)
        try:
            ended: object = f"exit status {process.wait(report.left - LAST)}"
        except subprocess.TimeoutExpired:
            ended = "interrupted at the time limit"
            # The first interruption lets pytest write its summary.
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(LAST - 6)
            process.kill()
            process.wait()
    lines = outcomes.read_text(encoding="utf-8").splitlines() if outcomes.exists() else []
    tests = [json.loads(line) for line in lines]
    outcomes.unlink(missing_ok=True)
    for which in (True, False):
        chosen = [test["outcome"] for test in tests if test["gpu"] == which]
        counts = {outcome: chosen.count(outcome) for outcome in ("passed", "failed", "skipped")}
        report.add(tests="marked gpu" if which else "others", **counts, ended=ended)
    for test in [test for test in tests if test["outcome"] == "failed"][:60]:
        report.add(failed_test=test["test"], reason=test["reason"])


if __name__ == "__main__":
    main()
