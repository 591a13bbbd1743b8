"""Fills README.md in the same folder from finished runs: ``python -m results.denoise.make [RUNS]``, in the root.

Tables without finished runs are left unchanged.
"""

import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from results.pages import accuracy, fill, markdown

TABLES: Mapping[str, tuple[Sequence[float], Mapping[str, str]]] = {
    "mnist": (
        (0, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 1.75),
        {
            f"mnist_{kind}_{sigma}": f"{text}, sigma {sigma}"
            for sigma in ("0.1", "0.25", "0.5", "1.0")
            for kind, text in (("denoised", "denoised"), ("noise", "noise only"))
        },
    ),
    "cost": (
        (0, 0.25, 0.5, 0.75, 1, 1.5),
        {
            "mnist_denoised_1.0_2": "denoised, 2 epochs",
            "mnist_denoised_1.0": "denoised, 8 epochs",
            **{
                f"mnist_noise_1.0{name}": f"noise only, {epochs} epochs"
                for name, epochs in (("_2", 2), ("", 8), ("_32", 32))
            },
        },
    ),
    "cifar10": (
        (0, 0.02, 0.05, 0.1, 0.15),
        {"cifar10_0.1": "noise only, sigma 0.1", "cifar10_0.25": "noise only, sigma 0.25"},
    ),
    "cifar10 denoised": (
        (0, 0.02, 0.05, 0.1, 0.2, 0.4),
        {
            f"cifar10_{kind}_{sigma}": f"{text}, sigma {sigma}"
            for sigma in ("0.1", "0.25", "0.5")
            for kind, text in (("denoised", "denoised"), ("noise", "noise only"))
        },
    ),
    "test time": (
        (0, 0.25, 0.5, 0.75, 1, 1.5, 2),
        {
            f"mnist_test_time_{kind}{sigma}": f"{text}, sigma {sigma}"
            for sigma in ("0.25", "0.5", "1.0")
            for kind, text in (("", "denoised"), ("noise_", "noise only"))
        },
    ),
}
"""Radii, and titles of runs by name, by mark in README.md."""

PER_INPUT = {"mnist per image": "mnist_denoised_0.25", "cifar10 per image": "cifar10_0.1"}
"""Runs with a table of radii for single images, by mark in README.md."""


def table(radii: Sequence[float], names: Mapping[str, str], runs: Path) -> str:
    """Return the certified accuracy of the finished runs as a Markdown table."""
    rows = []
    for run, text in names.items():
        if (runs / run / "certificates.csv").is_file():
            rows += [(text, *values) for values in accuracy(runs / run, radii).values()]
    return markdown(("certified at radius", *radii), rows)


def per_input(run: Path) -> str:
    """Return certified accuracy by the norm of the change of each image, for several numbers of changed images."""
    with (run / "per_input.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = [name for name in rows[0] if name.startswith("at ")]
    return markdown(
        ("certified at radius", *(name.removeprefix("at ") for name in columns)),
        ((row["certifier"].rpartition(", ")[2], *(float(row[name]) for name in columns)) for row in rows),
    )


def main(runs: Path) -> None:
    """Fill the page."""
    done = {path.parent.name for path in runs.glob("*/certificates.csv")}
    blocks = {name: table(*made, runs) for name, made in TABLES.items() if done & made[1].keys()}
    blocks |= {name: per_input(runs / run) for name, run in PER_INPUT.items() if run in done}
    fill(Path(__file__).with_name("README.md"), blocks)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs"))
