"""Results of certifiers and attacks for one batch."""

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from smoothing.certificates.set_cells import as_texts, within_budget

SmoothedClassifier = Literal["mean", "majority", "run-off"]
"""Smoothed classifiers of certificates."""

AttackedClassifier = Literal["attacked mean", "attacked base"]
"""Classifiers of attacks: the mean vote, or the base classifier without noise."""

ATTACKED = frozenset[str](get_args(AttackedClassifier))
"""Entries of the table's column ``classifier`` in rows of attacks, where ``radius`` is an upper bound."""


BESIDES = "besides, at most "
"""Beginning of the assumption of a certificate that holds only for a budget of another object, such as flips."""


@dataclass(frozen=True)
class Certificates:
    """Certificates of one certifier for one batch.

    Attributes:
        prediction: ``(batch,)`` int64 class, -1 where the certifier abstains.
        radius: ``(batch,)`` float64, rounded down, 0 where nothing is certified.
        classifier: The certified classifier: the mean vote, the majority vote (THEORY.md 4.2), or the run-off between
            the two classes with most votes.
        deterministic: Whether the certificate holds with probability one; otherwise with ``1 - alpha``.
        sound: Whether all rounding errors make the radius smaller, never larger.
        assumptions: Assumptions under which the certificates hold, one phrase each.
        log_fail: ``(batch,)`` float64 upper bound on log of the probability that the predicted class loses, if
            the certifier computes it.
        log_rival: ``(batch,)`` float64 upper bound on log of the probability of the strongest rival, if the
            certifier computes it.
        n_a: ``(batch,)`` int64 count of the predicted class among ``n`` draws, for sampled votes.
        n_b: ``(batch,)`` int64 count of the most frequent other class among ``n`` draws, for sampled votes.
        n: ``(batch,)`` int64 number of draws that bound the vote, for sampled votes.
        n0: Number of draws that select the class.
        alpha: Failure probability of each certificate.
        flips_to: ``(batch, K)`` float64 lower bound on the number of changes after which each class is the answer, 0
            for the prediction, infinite where no changes lead to a class; see `sets`. None if not computed.

    Raises:
        ValueError: If ``classifier`` is not a smoothed classifier.
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
    flips_to: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        """Raise for the classifiers of attacks."""
        _check_classifier(self, get_args(SmoothedClassifier))

    def columns(self) -> dict[str, Any]:
        """Return the values of the table's columns of the same names."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "assumptions"}
        return values | {"flips_to": None if self.flips_to is None else as_texts(self.flips_to)}

    def sets(self, budget: int) -> NDArray[np.bool_]:
        """Return the certified sets: the classes that an attack with a budget may make the answer.

        Args:
            budget: Largest number of changes, at least 0.

        Returns:
            ``(batch, K)`` whether each class is in the set of each example.

        Raises:
            ValueError: If the budget is not as described, or the certifier does not compute ``flips_to``.
        """
        if self.flips_to is None:
            raise ValueError("Certificates: flips_to = None; must be computed, as by ExactVote(sets=True)")
        return within_budget(self.flips_to, budget)


@dataclass(frozen=True)
class Attacked:
    """Upper bounds found by one attack for one batch. They certify nothing.

    Attributes:
        prediction: ``(batch,)`` int64 class that the attack tries to change.
        upper_bound: ``(batch,)`` float64 upper bound on every radius that can be certified: the largest distance below
            the closest change found that alters the prediction, or the diameter if none is found.
        classifier: The attacked classifier.
        exact: Whether each attack is carried out in exact arithmetic; otherwise rounding may have altered a prediction.
        assumptions: Assumptions of the votes and the measure, one phrase each.

    Raises:
        ValueError: If ``classifier`` is not an attacked classifier.
    """

    prediction: NDArray[np.int64]
    upper_bound: NDArray[np.float64]
    classifier: AttackedClassifier
    exact: bool
    assumptions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise for the classifiers of certificates."""
        _check_classifier(self, get_args(AttackedClassifier))

    def columns(self) -> dict[str, Any]:
        """Return the values of the table's columns; ``classifier`` marks the radius as an upper bound."""
        return {
            "prediction": self.prediction,
            "radius": self.upper_bound,
            "classifier": self.classifier,
            "deterministic": True,
            "sound": self.exact,
        }


def _check_classifier(result: Certificates | Attacked, allowed: tuple[str, ...]) -> None:
    if result.classifier not in allowed:
        name = type(result).__name__
        raise ValueError(f"{name}: classifier = {result.classifier}; must be one of {', '.join(allowed)}")
