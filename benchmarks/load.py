"""Seconds and peak memory of whole commands at the largest sizes.

``python -m benchmarks.load`` prints a table of results/reliability.md. ``--only certificates images`` runs these parts,
and ``--smoke`` uses small sizes. Each command is a new process. The first one of a million certificates is stopped by
SIGTERM when half of its rows are written, and the next one resumes it.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import yaml
from PIL import Image

from benchmarks.large_runs import CONFIG, FEATURES, points

ROOT = Path(__file__).resolve().parents[1]
QUIET = {"logger": False, "enable_progress_bar": False, "accelerator": "cpu", "devices": 1}
SIDE = 4
"""Pixels along a side of an image."""


def run(what: str, args: Sequence[str], folder: Path, until: Callable[[], bool] | None = None) -> None:
    """Run a command, and print its seconds and its largest resident memory.

    Args:
        what: Description of the command.
        args: Command and options of ``smoothing``.
        folder: Working directory.
        until: Sends SIGTERM as soon as it returns True. Default: the command runs to its end.
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    began = time.monotonic()
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "smoothing", *args], cwd=folder, env=environment, stdout=output, stderr=output
        )
        while until is not None and process.poll() is None and not until():
            time.sleep(0.05)
        if until is not None:
            process.send_signal(signal.SIGTERM)
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != (0 if until is None else 143):
        raise RuntimeError(f"{args}: status {process.returncode}\n{(folder / 'output.txt').read_text()}")
    taken, cpu = time.monotonic() - began, used.ru_utime + used.ru_stime
    print(f"| {what} | {taken:.1f} | {cpu:.1f} | {used.ru_maxrss / 2**20:.2f} |", flush=True)


def write(folder: Path, votes: str, data: dict[str, Any], certifiers: dict[str, Any], classes: int = 2) -> None:
    """Write a config of label flips as ``one.yaml``."""
    measure = {"class_path": "LabelFlip", "init_args": {"q": 0.3, "num_classes": classes}}
    arguments = {"measure": measure, "votes": {"class_path": votes}, "certifiers": certifiers}
    model = {"class_path": "Certification", "init_args": arguments}
    (folder / "one.yaml").write_text(yaml.safe_dump({"model": model, "data": data, "trainer": QUIET}), encoding="utf-8")


CERTIFY = ("certify", "--config=one.yaml", "--run_dir=runs/one")
EXACT = {"exact": {"class_path": "ExactVote"}}


def certificates(folder: Path, smoke: bool) -> None:
    """A million certificates: stopped, resumed, finished, compared."""
    examples = 2_000 if smoke else 500_000
    points(folder, examples)
    (folder / "one.yaml").write_text(yaml.safe_dump(CONFIG | {"trainer": QUIET}), encoding="utf-8")
    shard = folder / "runs/one/certificates/rank-0.jsonl"
    size = f"{2 * examples:,} certificates"

    def half() -> bool:
        # A line has all rows of one batch, about 120 bytes each.
        return shard.exists() and shard.stat().st_size > 120 * examples

    run(f"certify {size}, stopped halfway", CERTIFY, folder, half)
    run(f"resume {size}, merge and report", CERTIFY, folder)
    run(f"certify {size} again, finished", CERTIFY, folder)
    copytree(folder / "runs/one", folder / "runs/two")
    run(f"compare 2 runs of {size}", ("compare", "runs/one", "runs/two"), folder)


def draws(folder: Path, smoke: bool) -> None:
    """Ten thousand models of retrained votes."""
    number = 20 if smoke else 10_000
    sampled = {"class_path": "ClopperPearson", "init_args": {"n0": 10, "n": number - 10, "alpha": 0.05}}
    arguments = {
        "measure": {"class_path": "Gaussian", "init_args": {"sigma": 0.3}},
        "votes": {"class_path": "RetrainedVotes", "init_args": {"learner": {"class_path": "RidgeHead"}}},
        "certifiers": {"sampled": sampled},
    }
    config = {
        "model": {"class_path": "Certification", "init_args": arguments},
        "data": {"class_path": "Digits", "init_args": {"training": "train[0:150]", "every": 4}},
        "trainer": QUIET,
    }
    (folder / "one.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    run(f"{number:,} draws of retrained votes, 150 training images", CERTIFY, folder)
    run("the same command again, finished", CERTIFY, folder)


def classes(folder: Path, smoke: bool) -> None:
    """A thousand classes."""
    number = 20 if smoke else 1_000
    generator = np.random.default_rng(0)
    labels = np.repeat(np.arange(number), 10)
    x = (generator.standard_normal((len(labels), FEATURES)) + labels[:, None] % 7).astype(np.float32)
    tests = slice(None, None, len(x) // 100)
    np.savez(folder / "points.npz", x_train=x, y_train=labels, x_test=x[tests], y_test=labels[tests])
    chernoff = {"chernoff": {"class_path": "Chernoff", "init_args": {"guarantee": "NeymanPearson"}}}
    write(folder, "Ridge", {"class_path": "FeatureFile", "init_args": {"path": "points.npz"}}, EXACT | chernoff, number)
    run(f"certify 100 points, {number:,} classes, {len(x):,} training points, 2 certifiers", CERTIFY, folder)


def images(folder: Path, smoke: bool) -> None:
    """A folder of a hundred thousand images."""
    number = 1_000 if smoke else 100_000
    generator = np.random.default_rng(0)
    tests = number // 100
    for place in range(number):
        label = place % 10
        into = folder / "images" / ("val" if place < tests else "train") / f"class {label}"
        into.mkdir(parents=True, exist_ok=True)
        pixels = generator.integers(0, 200 + 5 * label, (SIDE, SIDE, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(into / f"{place}.png")
    data = {"class_path": "ImageFolder", "init_args": {"root": "images", "crop": SIDE, "resize": SIDE}}
    write(folder, "Ridge", data, EXACT, 10)
    run(f"certify {tests:,} of {number:,} images in a folder", CERTIFY, folder)
    run("the same command again, finished", CERTIFY, folder)


PARTS = {"certificates": certificates, "draws": draws, "classes": classes, "images": images}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to run")
    parser.add_argument("--smoke", action="store_true", help="small sizes")
    options = parser.parse_args()
    print("| command | seconds | seconds of CPU | peak memory, GiB |\n|---|---:|---:|---:|", flush=True)
    for name in options.only:
        with TemporaryDirectory() as folder:
            PARTS[name](Path(folder), options.smoke)


if __name__ == "__main__":
    main()
