"""Fills README.md in the same folder: MNIST and CIFAR-10 on test examples that were not used to choose settings.

``python -m results.label_flip.reported [RUNS]``, in the root of the repository. Tables without a finished run stay.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from results.pages import fill, markdown
from smoothing.certificates import Table

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


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs"))
