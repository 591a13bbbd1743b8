"""Fills the tables of README.md in the same folder: ``python -m results.product.make [RUNS]``, in the root."""

import sys
from collections.abc import Sequence
from pathlib import Path

from results.pages import accuracy, fill, markdown

FLIPS = (0, 1, 5, 10, 20, 25)


def frontier(run: Path, radii: Sequence[float]) -> str:
    """Return the certified accuracy at some norms, one row for each number of flips."""
    rows = ((name.partition("-")[2].partition("_")[0], *values) for name, values in accuracy(run, radii).items())
    return markdown(("flips", *radii), rows)


def labels(runs: Path) -> str:
    """Return the certified accuracy by number of flips of networks and of ridge votes."""
    rows = []
    for name, text in (("mnist17_cnn", "500 networks"), ("mnist17_ridge", "ridge vote")):
        rows += [(f"{text}, {key}", *values) for key, values in accuracy(runs / name, FLIPS).items()]
    return markdown(("flips", *FLIPS), rows)


def main(runs: Path) -> None:
    """Fill the page from the finished runs in a folder."""
    blocks = {
        "mnist": lambda: frontier(runs / "mnist", (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)),
        "spambase": lambda: frontier(runs / "spambase", (0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.25)),
        "labels": lambda: labels(runs),
    }
    needed = {"mnist": ["mnist"], "spambase": ["spambase"], "labels": ["mnist17_cnn", "mnist17_ridge"]}
    finished = {
        name: make()
        for name, make in blocks.items()
        if all((runs / run / "certificates.csv").is_file() for run in needed[name])
    }
    fill(Path(__file__).with_name("README.md"), finished)


if __name__ == "__main__":
    main(Path(*sys.argv[1:2] or ["runs"]))
