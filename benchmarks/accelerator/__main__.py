"""All measurements on an accelerator, one subprocess per stage.

``python -m benchmarks.accelerator --data FOLDER --out FOLDER``. The first folder is written by
``python -m benchmarks.accelerator.part``. Without an accelerator, every stage runs on the CPU at its smallest size.
"""

import argparse
import os
import platform
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import torch

from benchmarks.accelerator.report import DEVICE, Report, write_page

LIMIT = 480.0
"""Seconds for all stages."""

STAGES = {
    "tests": 110.0,
    "sampling": 130.0,
    "fast_cifar": 80.0,
    "label_flips": 20.0,
    "ensembles": 50.0,
    "simclr": 300.0,
}
"""Time limit of each stage in seconds. The last one gets what the others leave."""

PACKAGE = "benchmarks.accelerator."
"""Package of the stages."""

GRACE = 8.0
"""Seconds between the interruption of a stage and its end by force."""


def run(stage: str, out: Path, data: Path, limit: float) -> str:
    """Run a stage and return how it ended."""
    command = [sys.executable, "-m", f"{PACKAGE}{stage}", "--out", str(out), "--data", str(data)]
    process = subprocess.Popen([*command, "--seconds", str(limit)], start_new_session=True)
    try:
        status = process.wait(limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
        return f"stopped at its limit of {limit:.0f} s"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return "finished" if status == 0 else f"failed with exit status {status}"


def head() -> str:
    """Return the first lines of the page: the machine."""
    name = torch.cuda.get_device_name() if DEVICE.type == "cuda" else "no accelerator: smallest sizes, as a test"
    versions = f"Python {platform.python_version()}, torch {torch.__version__}, {os.cpu_count()} CPU cores"
    return f"# Measurements on an accelerator\n\n`python -m benchmarks.accelerator`: {name}. {versions}.\n"


def main() -> None:
    """Run all stages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the part of CIFAR-10 and MNIST")
    parser.add_argument("--out", type=Path, default=Path("results/accelerator"), help="folder of the results")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES), help="stages to run, in order")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for all stages")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    print(head(), flush=True)
    for stage in given.stages:
        start = time.monotonic()
        left = given.limit - (start - begin) - GRACE
        print(f"\n== {stage}, {start - begin:.0f} s after the start", flush=True)
        how = run(stage, given.out, given.data, min(STAGES[stage], left)) if left > 5 else "skipped: no time was left"
        Report(given.out, stage, 0).add(stage_ended=how, seconds=round(time.monotonic() - start, 1))
        write_page(given.out, head())


if __name__ == "__main__":
    main()
