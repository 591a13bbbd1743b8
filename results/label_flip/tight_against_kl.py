"""Draws Figure E.3 of Rosenfeld et al. (2020): ``python -m results.label_flip.tight_against_kl``."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from smoothing.guarantees import KL, VoteBound, thresholds
from smoothing.measures import LabelFlip


def tight_against_kl(path: Path, q: str = "0.4", flips: int = 200) -> None:
    """Draw the vote that certifies a number of flips, for both guarantees."""
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


if __name__ == "__main__":
    tight_against_kl(Path(__file__).with_name("tight_against_kl.png"))
