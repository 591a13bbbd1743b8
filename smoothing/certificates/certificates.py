"""What a certifier answers for one batch."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

SmoothedClassifier = Literal["mean", "majority", "run-off", "attacked mean", "attacked base"]

ATTACKED = frozenset[str]({"attacked mean", "attacked base"})
"""What is said of an attacked classifier certifies nothing: its radius is an upper bound on what can be."""


@dataclass(frozen=True)
class Certificates:
    """Certificates of one certifier for one batch.

    Attributes:
        prediction: ``(batch,)`` int64 class, -1 where the certifier abstains.
        radius: ``(batch,)`` float64, rounded down, 0 where nothing is certified; for an attack, the largest distance at
            which it is without effect.
        classifier: Which smoothed classifier is certified, the noise's mean or the majority (THEORY.md 4.2), or
            the run-off between the two classes with most votes; or which one is attacked, the mean or the base
            classifier, without noise.
        deterministic: Whether the certificate holds with probability one; otherwise with ``1 - alpha``.
        sound: Whether every rounding on the path goes outward.
        assumptions: What the certificate takes for granted, one phrase each.
        log_fail: ``(batch,)`` float64 bound on log of the votes lost, where the certifier has one.
        log_rival: ``(batch,)`` float64 bound on log of the best rival's votes, where the certifier has one.
        n_a: ``(batch,)`` int64 count of the predicted class among ``n`` draws, for sampled votes.
        n_b: ``(batch,)`` int64 count of the most frequent other class among ``n`` draws, for sampled votes.
        n: ``(batch,)`` int64 number of draws that bound the vote, for sampled votes.
        n0: Number of draws that select the class.
        alpha: Failure probability of each certificate.
    """

    prediction: NDArray[np.int64]
    radius: NDArray[np.float64]
    classifier: SmoothedClassifier
    deterministic: bool
    sound: bool
    assumptions: tuple[str, ...] = ()
    log_fail: NDArray[np.float64] | None = None
    log_rival: NDArray[np.float64] | None = None
    n_a: NDArray[np.int64] | None = None
    n_b: NDArray[np.int64] | None = None
    n: NDArray[np.int64] | None = None
    n0: int | None = None
    alpha: float | None = None
