"""Estimates of ``smoothing plan`` beside the measured wall time of the same run.

Usage: ``python benchmarks/plan.py MNIST_CKPT CIFAR10_CKPT [ROW ...]`` prints a table in Markdown. Checkpoints come from
``smoothing fit``. For each config, `plan`, `certify` and `plan` run in turn on the same machine, one at a time.
"""

import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

SECONDS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400}


def runs(mnist: str, cifar10: str) -> dict[str, list[str]]:
    """Return the options of each run, by config."""
    return {
        "label_flip/digits": [],
        "label_flip/mnist17": [],
        "label_flip/mnist_ridge": ["--data.every=20"],
        "denoise/digits": [],
        "gaussian/mnist": [f"--base_ckpt={mnist}", "--data.every=500"],
        "gaussian/cifar10": [f"--base_ckpt={cifar10}", "--data.every=1000", "--model.certifiers.clopper_pearson.n=2000"],
        "label_flip/cifar10_partitions": ["--data.every=20"],
    }


def smoothing(command: str, name: str, options: list[str], folder: Path) -> tuple[float, str]:
    """Run a command; return its wall time in seconds and its output."""
    begin = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-m", "smoothing", command, f"--config=configs/{name}.yaml", *options, f"--run_dir={folder}"],
        capture_output=True,
        text=True,
        check=False,
    )
    taken = time.perf_counter() - begin
    if ended.returncode:
        raise RuntimeError(f"{command} {name}: {ended.stderr}")
    return taken, ended.stdout


def estimate(output: str) -> float:
    """Return the wall time in the output of ``plan``, in seconds."""
    found = re.search(r"^wall time +([\d.e+]+) (\w+)", output, re.MULTILINE)
    assert found is not None
    return float(found[1]) * SECONDS[found[2]]


def main() -> None:
    """Print the table."""
    mnist, cifar10, *chosen = sys.argv[1:]
    print("| config | options | estimates, s | measured, s | ratios | plan took, s |\n|---|---|---|---|---|---|")
    for name, options in runs(mnist, cifar10).items():
        if chosen and name not in chosen:
            continue
        with TemporaryDirectory() as folder:
            run_dir = Path(folder, "run")
            first = smoothing("plan", name, options, run_dir)
            measured, _ = smoothing("certify", name, options, run_dir)
            second = smoothing("plan", name, options, Path(folder, "again", "run"))
        estimates = [estimate(output) for _, output in (first, second)]
        shown = " ".join(option for option in options if "ckpt" not in option)
        cells = [
            name,
            f"`{shown}`" if shown else "",
            ", ".join(f"{seconds:.0f}" for seconds in estimates),
            f"{measured:.0f}",
            ", ".join(f"{seconds / measured:.2f}" for seconds in estimates),
            ", ".join(f"{taken:.0f}" for taken, _ in (first, second)),
        ]
        print("|", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
