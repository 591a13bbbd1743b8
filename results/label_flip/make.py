"""Fills README.md beside it from finished runs: ``python -m results.label_flip.make [RUNS]``, in the repository's root.

Tables whose runs are not there stay as they are.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from results.pages import accuracy, fill, markdown
from smoothing.guarantees import KL, VoteBound, thresholds
from smoothing.measures import LabelFlip


@dataclass(frozen=True)
class Comparison:
    """A table of the paper, and runs on the same data.

    Attributes:
        flips: Numbers of label flips.
        published: Certified accuracy there, by row (Rosenfeld et al. 2020, appendix D).
        runs: What to call each run, by its name.
    """

    flips: tuple[int, ...]
    published: Mapping[str, tuple[float, ...]]
    runs: Mapping[str, str]


COMPARISONS = {
    "mnist": Comparison(
        (1, 10, 100, 200, 300, 400, 500, 800, 1000, 2000),
        {
            "paper, q = 0.0125": (0.5693, 0.5689, 0.5212, 0.4292, 0.3333, 0.2446, 0.1706),
            "paper, q = 0.025": (0.5713, 0.5701, 0.5053, 0.4040, 0.2999, 0.2096, 0.1407),
            "paper, q = 0.05": (0.5495, 0.5486, 0.4954, 0.4160, 0.3400, 0.2633, 0.2012),
        },
        {
            "mnist": "nearest 3,000 on spectral features",
            "mnist_ridge": "ridge on spectral features",
            "mnist_paper": "as in the paper, q = 0.0125",
        },
    ),
    "cifar10": Comparison(
        (1, 10, 50, 100, 200, 300, 400),
        {
            "paper, q = 0.012": (0.7180, 0.7158, 0.6800, 0.6234, 0.4493, 0.2520, 0.1201),
            "paper, q = 0.025": (0.7068, 0.7017, 0.6597, 0.5949, 0.4051, 0.1870, 0.0548),
            "paper, q = 0.1": (0.7040, 0.6876, 0.6230, 0.5384, 0.3019, 0.0981, 0.0213),
        },
        {
            "cifar10_simclr": "SimCLR",
            **{f"cifar10_patches_{f}": f"k-means patches, factor {f}" for f in ("0.01", "0.1", "1", "10")},
        },
    ),
    "imdb": Comparison(
        (1, 10, 25, 50, 100, 200, 300, 500, 1000),
        {
            "paper, q = 0.01": (0.6275, 0.5980, 0.5882, 0.5686, 0.5392, 0.4804, 0.4412),
            "paper, q = 0.025": (0.6364, 0.6154, 0.5944, 0.5594, 0.5105, 0.4406, 0.3287),
            "paper, q = 0.05": (0.5878, 0.5344, 0.5038, 0.4656, 0.4160, 0.3206, 0.2519),
            "paper, q = 0.1": (0.7585, 0.7034, 0.6469, 0.5806, 0.4788, 0.3263, 0.2135),
        },
        {
            **{f"imdb_{f}": f"TF-IDF, factor {f}" for f in ("0.1", "1", "10", "100")},
            "imdb_paper": "word vectors, factor 1",
        },
    ),
    "unregularised": Comparison(
        (1, 10, 100, 500, 1000, 1500, 2000),
        {},
        {"mnist17_unregularised": "lambda 0, q = 0.3", "mnist17_label_free_q0.3": "lambda 1 mean eigenvalue, q = 0.3"},
    ),
    "spambase": Comparison((1, 10, 50, 100, 200, 300, 500), {}, {"spambase": "57 counts"}),
    "attacks": Comparison(
        (1, 10, 100, 500, 1000, 1500, 2000, 4000),
        {"paper, undefended, best attack": (0.9903, 0.9815, 0.9163, 0.4674, 0.1503, 0.0388, 0.0065)},
        {"mnist17_attacked": "ridge", "mnist17_undefended": "undefended"},
    ),
}
"""By the marks of README.md."""


def table(comparison: Comparison, runs: Path) -> str:
    """Published rows, then those of the runs that are there, certifier by certifier."""
    missing = len(comparison.flips)
    rows: list[tuple[object, ...]] = [
        (name, *values, *[""] * (missing - len(values))) for name, values in comparison.published.items()
    ]
    for run, text in comparison.runs.items():
        if (runs / run / "certificates.csv").is_file():
            found = accuracy(runs / run, comparison.flips)
            rows += [(f"{text}: {certifier}", *values) for certifier, values in found.items()]
    return markdown(("certified at", *comparison.flips), rows)


def tight_against_kl(path: Path, q: str = "0.4", flips: int = 200) -> None:
    """The vote that is needed to certify a number of flips, by either guarantee (Rosenfeld et al. 2020, Figure E.3)."""
    measure = LabelFlip(q, 2)
    needed = thresholds(measure, flips, (flips,))
    reached = KL().radius(measure, VoteBound.one_sided(needed), (flips,))
    made = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = made.add_subplot()
    axes.plot(-np.expm1(needed), np.arange(flips + 1), label="tight")
    axes.plot(-np.expm1(needed), reached, label="KL")
    axes.set_xlabel("votes won")
    axes.set_ylabel("flips certified")
    axes.legend(frameon=False)
    made.savefig(path, dpi=150)


def main(runs: Path) -> None:
    """Fill the page and draw the figure."""
    here = Path(__file__)
    done = {path.parent.name for path in runs.glob("*/certificates.csv")}
    there = {name: made for name, made in COMPARISONS.items() if done & made.runs.keys()}
    fill(here.with_name("README.md"), {name: table(made, runs) for name, made in there.items()})
    tight_against_kl(here.with_name("tight_against_kl.png"))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs"))
