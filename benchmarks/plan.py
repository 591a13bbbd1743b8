"""Estimates of ``smoothing plan`` beside the measured wall time of the same run.

``python benchmarks/plan.py --mnist CHECKPOINT --cifar10 CHECKPOINT`` prints the table of results/plan.md; ``--smoke``
the same for a small run. For each config, ``plan``, ``certify`` and ``plan`` run in turn on the same machine.
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

CONFIGS = Path(__file__).resolve().parents[1] / "configs"

SECONDS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400}


def runs(options: argparse.Namespace) -> dict[str, list[str]]:
    """Return the options of each run, by config."""
    if options.smoke:
        return {"label_flip/digits": ["--data.every=10"]}
    found: dict[str, list[str]] = {"label_flip/digits": [], "label_flip/mnist17": [], "denoise/digits": []}
    if options.mnist:
        found["gaussian/mnist"] = [f"--base_ckpt={options.mnist}", "--data.every=500"]
    if options.cifar10:
        draws = "--model.certifiers.clopper_pearson.n=2000"
        found["gaussian/cifar10"] = [f"--base_ckpt={options.cifar10}", "--data.every=1000", draws]
    return {name: found[name] for name in options.only or found}


def smoothing(command: str, name: str, options: list[str], folder: Path) -> tuple[float, str]:
    """Run a command; return its wall time in seconds and its output."""
    where = [f"--config={CONFIGS / name}.yaml", f"--run_dir={folder}"]
    begin = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-m", "smoothing", command, *where, *options],
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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mnist", help="Checkpoint of configs/gaussian/mnist.yaml.")
    parser.add_argument("--cifar10", help="Checkpoint of configs/gaussian/cifar10.yaml.")
    parser.add_argument("--only", nargs="*", help="Names of configs.")
    parser.add_argument("--smoke", action="store_true", help="A small run.")
    chosen = parser.parse_args()
    print("| config | options | estimates, s | measured, s | ratios | plan took, s |\n|---|---|---|---|---|---|")
    for name, options in runs(chosen).items():
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
