"""Fills README.md in the same folder: full MNIST on test examples that were not used to choose settings.

``python -m results.label_flip.reported [RUNS]``, in the root of the repository.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from results.pages import fill, markdown
from smoothing.certificates import Table

FLIPS = (1, 100, 300, 500, 800, 1000, 1400)

CHOSEN_ON = 5000
"""Number of leading test images that were used to choose settings."""

LOOKED_AT_EVERY = 10
"""Stride of further test images that were used during development."""

RUNS: Mapping[str, str] = {
    "mnist": "nearest 3,000 on spectral features",
    "mnist_partitions": "3,000 parts, same features",
    "mnist_clusters": "clusters, same features",
    "mnist_bagging": "bagging, same features",
    "mnist_paper": "30 independent components, the paper's lambda",
}


def rows(run: Path, name: str) -> list[tuple[object, ...]]:
    """Return certified accuracy and median radius of every certifier of a run."""
    table = Table.read_csv(run / "certificates.csv")
    made: list[tuple[object, ...]] = []
    for certifier in table.certifiers:
        part = table.of(certifier)
        kept = (part["index"] >= CHOSEN_ON) & (part["index"] % LOOKED_AT_EVERY != 0)
        reached = np.where(part["correct"], part["radius"], -1)[kept]
        shares = [float(np.mean(reached >= flips)) for flips in FLIPS]
        median = np.sort(reached)[len(reached) // 2]
        made.append((f"{name}: {certifier}", *shares, f"{median:.0f}"))
    return made


def main(runs: Path) -> None:
    """Fill the page."""
    lines = [row for run, name in RUNS.items() if (runs / run).is_dir() for row in rows(runs / run, name)]
    table = markdown(("certified at", *FLIPS, "median"), lines)
    fill(Path(__file__).with_name("README.md"), {"reported": table})


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs"))
