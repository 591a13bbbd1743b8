"""Seconds from the start to the end of short commands, as ratios to the imports of torch and Lightning.

``python -m benchmarks.start_up`` prints a table of results/speed.md. ``--smoke`` measures each command once, without
the whole run. Ratios are taken within one run, from the median over alternating repeats. Each start is a new process.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

DIGITS = str(Path(__file__).parents[1] / "configs" / "label_flip" / "digits.yaml")

SMOOTHING = (sys.executable, "-m", "smoothing")
CERTIFY = (*SMOOTHING, "certify", "--config")
TABLE = ("--measure=LabelFlip", "--measure.q=.2", "--measure.num_classes=2", "--max_radius=20")

TORCH = (sys.executable, "-c", "import torch")

LIGHTNING = (sys.executable, "-c", "import pytorch_lightning")
"""The commands that all others are compared with."""

REFUSED = 2
"""Exit status of refused input."""

SHORT: dict[str, tuple[tuple[str, ...], int]] = {
    "`--help`": ((*SMOOTHING, "--help"), 0),
    "`--version`": ((*SMOOTHING, "--version"), 0),
    "missing config": ((*CERTIFY, "absent.yaml"), REFUSED),
    "broken YAML": ((*CERTIFY, "broken.yaml"), REFUSED),
    "`table`": ((*SMOOTHING, "table", *TABLE), 0),
    "`compare` of nothing": ((*SMOOTHING, "compare", "absent"), REFUSED),
    "misspelt option": ((*CERTIFY, DIGITS, "--bogus=1"), REFUSED),
    "misspelt class": ((*CERTIFY, DIGITS, "--data=Digit"), REFUSED),
}
"""Commands that print a line or two, with their exit statuses."""

WHOLE: dict[str, tuple[tuple[str, ...], int]] = {
    "`certify --help`": ((*SMOOTHING, "certify", "--help"), 0),
    "digits, new run": ((*CERTIFY, DIGITS, "--run_dir=run", "--trainer.enable_progress_bar=false"), 0),
    "digits, finished run": ((*CERTIFY, DIGITS, "--run_dir=run", "--trainer.enable_progress_bar=false"), 0),
    "`compare` of one run": ((*SMOOTHING, "compare", "run"), 0),
}
"""Commands that import Lightning or log. Each new run has a new folder."""


def seconds(command: Sequence[str], status: int, folder: Path) -> float:
    """Return the seconds that a command takes.

    Raises:
        RuntimeError: If the exit status is another one.
    """
    start = time.perf_counter()
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    taken = time.perf_counter() - start
    if ended.returncode != status:
        raise RuntimeError(f"{' '.join(command)}: exit status {ended.returncode}\n{ended.stderr}")
    return taken


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="Measure the short commands, once.")
    smoke = parser.parse_args().smoke
    imports = {"`import torch`": (TORCH, 0), "`import pytorch_lightning`": (LIGHTNING, 0)}
    commands = {**imports, **SHORT, **({} if smoke else WHOLE)}
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(1 if smoke else 5):
        with TemporaryDirectory() as folder:
            Path(folder, "broken.yaml").write_text("model:\n  class_path: [\n", encoding="utf-8")
            for name, (command, status) in commands.items():
                taken[name].append(seconds(command, status, Path(folder)))
    torch, lightning = (median(taken[name]) for name in imports)
    print("| command | seconds | times `import torch` | times `import pytorch_lightning` |")
    print("|---|---|---|---|")
    for name, all_taken in taken.items():
        spent = median(all_taken)
        print(f"| {name} | {spent:.2f} | {spent / torch:.2f} | {spent / lightning:.2f} |")


if __name__ == "__main__":
    main()
