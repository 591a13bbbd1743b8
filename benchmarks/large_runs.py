"""Seconds of whole commands on many points and on many logs.

``python -m benchmarks.large_runs`` prints a table of results/speed.md. ``--smoke`` uses small sizes. Each command is a
new process. Released logs are looked for in ``smoothadv`` below ``released_logs`` in the folder that SMOOTHING_DATA
names.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import yaml

from benchmarks.start_up import SMOOTHING, TORCH, seconds
from smoothing.certificates import Table

TRAINING, FEATURES = 200, 10

CONFIG = {
    "model": {
        "class_path": "Certification",
        "init_args": {
            "measure": {"class_path": "LabelFlip", "init_args": {"q": 0.3, "num_classes": 2}},
            "votes": {"class_path": "Ridge"},
            "certifiers": {
                "chernoff": {"class_path": "Chernoff", "init_args": {"guarantee": "NeymanPearson"}},
                "exact": {"class_path": "ExactVote"},
            },
        },
    },
    "data": {"class_path": "FeatureFile", "init_args": {"path": "points.npz", "batch_size": 512}},
}


def points(folder: Path, examples: int) -> None:
    """Write a config and its data: two overlapping classes."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part, number in (("train", TRAINING), ("test", examples)):
        labels = rng.integers(0, 2, number)
        arrays[f"x_{part}"] = (rng.standard_normal((number, FEATURES)) + labels[:, None]).astype(np.float32)
        arrays[f"y_{part}"] = labels
    np.savez(folder / "points.npz", **arrays)
    (folder / "points.yaml").write_text(yaml.safe_dump(CONFIG), encoding="utf-8")


def released_logs() -> list[str]:
    """Return the paths of the released logs, or none if they are missing."""
    folder = os.environ.get("SMOOTHING_DATA")
    if not folder:
        return []
    return sorted(str(path) for path in Path(folder, "released_logs", "smoothadv").rglob("*") if path.is_file())


def row(what: str, size: str, command: Sequence[str], folder: Path, torch: float) -> None:
    """Print the seconds of a command."""
    taken = seconds(command, 0, folder)
    print(f"| {what} | {size} | {taken:.1f} | {taken / torch:.1f} |", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="small sizes")
    smoke = parser.parse_args().smoke
    examples, logs = (100, released_logs()[:2]) if smoke else (50_000, released_logs())
    print("| command | size | seconds | times `import torch` |\n|---|---|---|---|")
    with TemporaryDirectory() as name:
        folder = Path(name)
        points(folder, examples)
        torch = seconds(TORCH, 0, folder)
        certify = (
            *SMOOTHING,
            "certify",
            "--config=points.yaml",
            "--run_dir=run",
            "--trainer.enable_progress_bar=false",
        )
        size = f"{examples:,} points, 2 certifiers"
        row("certify, new run", size, certify, folder, torch)
        row("certify, finished run", size, certify, folder, torch)
        assert len(Table.read_csv(folder / "run" / "certificates.csv")) == 2 * examples
        if logs:
            audit = (*SMOOTHING, "compare", *logs, "--audit.alpha=0.001", "--audit.n=100000")
            row("compare and audit released logs", f"{len(logs):,} logs", audit, folder, torch)
    if not logs:
        print("\nThe released logs are not on this machine.")


if __name__ == "__main__":
    main()
