"""Fills README.md in the same folder.

MNIST and CIFAR-10 on test examples that were not used to choose settings; collective certificates on all of them.
``python -m results.label_flip.reported [RUNS]``, in the root of the repository. Tables without a finished run stay.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from results.pages import fill, markdown
from smoothing.certificates import Table
from smoothing.collective import CollectiveTable

CHOSEN_ON = 5000
"""Number of leading test images that were used to choose settings."""

LOOKED_AT_EVERY = 10
"""Stride of further test images that were used during development."""

MNIST_FLIPS = (1, 100, 300, 500, 800, 1000, 1400)

MNIST: Mapping[str, str] = {
    "mnist": "nearest 3,000 on spectral features",
    "mnist_partitions": "3,000 parts, same features",
    "mnist_clusters": "clusters, same features",
    "mnist_bagging": "bagging, same features",
    "mnist_paper": "30 independent components, the paper's lambda",
}

CIFAR10_FLIPS = (1, 50, 100, 200, 300, 400, 600, 750)

CIFAR10: Mapping[str, str] = {
    "cifar10_transfer": "nearest 4,000 on spectral features",
    "cifar10_transfer_ridge": "ridge",
    "cifar10_transfer_partitions": "2,500 parts on spectral features",
}

TOGETHER: Mapping[str, str] = {
    "mnist17_collective": "MNIST, 1 against 7",
    "mnist_collective": "MNIST",
    "cifar10_transfer": "CIFAR-10",
    "cifar10_transfer_every_5": "CIFAR-10",
    "imdb_collective": "IMDB",
}


def together(run: Path, name: str) -> str:
    """Return what one attacker leaves of the answers of a run, by budget.

    Raises:
        ValueError: If an attack leaves fewer answers than the collective certificates.
    """
    table = CollectiveTable.read_csv(run / "collective.csv")
    bounds = table.of("together")
    lines: list[tuple[object, ...]] = [
        ("certified one by one", *(row.pointwise for row in bounds)),
        ("certified together", *(row.certified for row in bounds)),
    ]
    for attack in sorted(table.attacks, reverse=True):
        left = [row.certified for row in table.of(attack)]
        if any(row.certified > value for row, value in zip(bounds, left, strict=True)):
            raise ValueError(f"{run}: {attack} leaves fewer answers than are certified; one of both is wrong")
        lines.append((f"left by {attack}", *left))
    return markdown((f"{name}, {bounds[0].examples:,} answers", *(f"{row.budget:,}" for row in bounds)), lines)


def rows(run: Path, name: str, flips: Sequence[int]) -> list[tuple[object, ...]]:
    """Return certified accuracy and median radius of every certifier of a run."""
    table = Table.read_csv(run / "certificates.csv")
    made: list[tuple[object, ...]] = []
    for certifier in table.certifiers:
        part = table.of(certifier)
        kept = (part["index"] >= CHOSEN_ON) & (part["index"] % LOOKED_AT_EVERY != 0)
        reached = np.where(part["correct"], part["radius"], -1)[kept]
        shares = [float(np.mean(reached >= number)) for number in flips]
        median = np.sort(reached)[len(reached) // 2]
        made.append((f"{name}: {certifier}", *shares, f"{median:.0f}"))
    return made


def main(runs: Path) -> None:
    """Fill the page."""
    tables = {"reported": (MNIST, MNIST_FLIPS), "reported CIFAR-10": (CIFAR10, CIFAR10_FLIPS)}
    for name, (named, flips) in tables.items():
        lines = [row for run, title in named.items() if (runs / run).is_dir() for row in rows(runs / run, title, flips)]
        if lines:
            table = markdown(("certified at", *flips, "median"), lines)
            fill(Path(__file__).with_name("README.md"), {name: table})
    for run, title in TOGETHER.items():
        if (runs / run / "collective.csv").is_file():
            fill(Path(__file__).with_name("README.md"), {f"together {run}": together(runs / run, title)})


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs"))
