"""Certificates of one call from Python."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from smoothing.api.examples import Encode
from smoothing.certificates.curves import Curve, certified_curve
from smoothing.certificates.table import Table
from smoothing.distance import Distance

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from smoothing.api.session import Session

SHOWN_RADII = 5
"""Number of radii in the representations of a result."""


class Certified:
    """Certificates of a model for some examples, one per example.

    Attributes:
        prediction: Predicted class of each example, ``(n,)``, as a class number or a class label. Where the certifier
            abstains, it is -1, or None if class labels are no numbers of at least 0.
        abstained: Whether the certifier abstains, ``(n,)`` bool.
        radius: Certified radius of each example, ``(n,)`` float64, rounded down, 0 where nothing is certified.
        distance: Distance of the radii.
        assumptions: Assumptions under which the certificates hold, one phrase each.
        classes: Class labels; None if classes are numbers.
        labelled: Whether the true classes are known.
    """

    def __init__(
        self,
        table: Table,
        distance: Distance,
        labelled: bool,
        encode: Encode,
        classes: Sequence[Any] | None = None,
        session: "Session | None" = None,
    ) -> None:
        self._table = table
        self._encode = encode
        self._session = session
        self.distance = distance
        self.labelled = labelled
        self.classes = classes
        self.radius: NDArray[np.float64] = np.asarray(table["radius"], np.float64)
        self.abstained: NDArray[np.bool_] = table["prediction"] == -1
        self.assumptions = tuple(str(table["assumptions"][0]).split("; "))

    @property
    def prediction(self) -> NDArray[Any]:
        """Predicted class of each example, ``(n,)``; see the class."""
        return self._named(self._table["prediction"])

    @property
    def table(self) -> Table:
        """The certificate table, as in a run directory.

        Raises:
            ValueError: If the true classes are unknown.
        """
        if not self.labelled:
            raise ValueError("Certified: y is not given; must be given to certify, since the table has true classes")
        return self._table

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self._table)

    def certified_accuracy(
        self, y: ArrayLike | None = None, r: float | Sequence[float] | NDArray[np.float64] = 0.0
    ) -> Any:
        """Return the fraction of examples that are predicted correctly and certified at a radius.

        Args:
            y: True classes, ``(n,)``; by default those given to `certify`.
            r: Radius, or several, at least 0.

        Returns:
            A number within [0, 1]; an array for several radii.

        Raises:
            ValueError: If true classes are unknown or of another number, or a radius is not as described.
        """
        correct, radii = self._correct(y), np.asarray(r, np.float64)
        flat = np.atleast_1d(radii)
        if not (np.isfinite(flat) & (flat >= 0)).all():
            raise ValueError(f"certified_accuracy: r = {r}; must be at least 0 and finite")
        if self.distance.integer and (flat != np.floor(flat)).any():
            raise ValueError(f"certified_accuracy: r = {r}; must be a whole number of {self.distance.unit}")
        at = np.array([np.mean(correct & self.distance.certified_at(self.radius, float(one))) for one in flat.ravel()])
        return float(at[0]) if radii.ndim == 0 else at.reshape(radii.shape)

    def curve(self) -> Curve:
        """Return certified accuracy by radius; see `certified_curve`.

        Raises:
            ValueError: If the true classes are unknown.
        """
        return certified_curve(self.table, self.distance)

    def plot(self) -> "Figure":
        """Return a figure of certified accuracy by radius.

        Raises:
            ValueError: If the true classes are unknown.
        """
        from reporting.figure import figure

        return figure({"certify": self.curve()})

    def to_pandas(self) -> Any:
        """Return the table as a data frame, one row per example. Classes are shown by their labels.

        Columns are those of `smoothing.certificates.Row`; ``label`` and ``correct`` only if the true classes are known.
        """
        frame = frame_of(self._table)
        if self.classes is not None:
            frame["prediction"], frame["label"] = self.prediction, self._named(self._table["label"])
        return frame if self.labelled else frame.drop(columns=["label", "correct"])

    def save(self, run_dir: str | Path) -> None:
        """Write a run directory, as ``certify(..., run_dir=...)`` does: table, curve, figure and provenance.

        An unfinished run of the same model, data and settings is completed. A finished one is left as it is.

        Args:
            run_dir: The directory.

        Raises:
            ValueError: If the true classes are unknown, or the directory belongs to another run or cannot be written.
        """
        table = self.table
        if self._session is None:
            raise ValueError(
                f"Certified: save: run_dir = {run_dir}; must be unset: these certificates are not of a run"
            )
        self._session.save(run_dir, table)

    def __repr__(self) -> str:
        """Return a summary as text."""
        lines = [f"{name}: {value}" for name, value in self._facts()]
        return "\n".join([f"Certified {len(self)} examples", *(f"  {line}" for line in lines)])

    def _repr_html_(self) -> str:
        """Return a summary as a table in HTML."""
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(name)}</th><td style='text-align:left'>{escape(value)}</td></tr>"
            for name, value in self._facts()
        )
        return f"<table><caption>Certified {len(self)} examples</caption><tbody>{rows}</tbody></table>"

    def _facts(self) -> list[tuple[str, str]]:
        distance, row = self.distance, next(iter(self._table))
        facts = [("certifier", row.certifier), ("distance", f"{distance.norm} radius ({distance.unit})")]
        facts.append(("certificates", "deterministic" if row.deterministic else f"alpha {row.alpha:g}, n {row.n}"))
        facts.append(("abstentions", f"{self.abstained.mean():.1%}"))
        if self.labelled:
            finite = self.radius[np.isfinite(self.radius)]
            top = float(finite.max()) if len(finite) else 0.0
            radii = np.unique(np.linspace(0, top, SHOWN_RADII).round(0 if distance.integer else 3))
            accuracy = (f"{self.certified_accuracy(r=float(r)):.1%} at {r:g}" for r in radii)
            facts.append(("certified accuracy", ", ".join(accuracy)))
        else:
            facts.append(("median radius", f"{np.median(self.radius):.4g}"))
        if self.classes is not None:
            shown = [str(name) for name in list(self.classes)[:10]]
            facts.append(("classes", ", ".join(shown) + (", ..." if len(self.classes) > len(shown) else "")))
        return [*facts, ("assumptions", "; ".join(self.assumptions))]

    def _correct(self, y: ArrayLike | None) -> NDArray[np.bool_]:
        if y is None:
            return np.asarray(self.table["correct"], bool)
        truth = self._encode(y)
        if truth.shape != (len(self),):
            raise ValueError(f"certified_accuracy: y = {len(truth)} labels; must be {len(self)}, one per example")
        return np.asarray(self._table["prediction"] == truth)

    def _named(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """Return class labels of class numbers; see ``prediction``."""
        return named(numbers, self.classes)


def named(numbers: NDArray[Any], classes: Sequence[Any] | None) -> NDArray[Any]:
    """Return class labels ``(n,)`` of class numbers ``(n,)``, where -1 is no class.

    Args:
        numbers: Class numbers, or -1.
        classes: Class labels; None if classes are numbers.

    Returns:
        Class labels, with -1 for no class if all class labels are whole numbers of at least 0, else an array of objects
        with None for no class.
    """
    if classes is None:
        return np.asarray(numbers, np.int64)
    known = np.asarray(classes)
    if known.dtype.kind in "iu" and (known >= 0).all():
        return np.where(numbers < 0, -1, known[numbers].astype(np.int64))
    out = np.empty(len(numbers), object)
    labels = known.tolist()
    out[:] = [None if number < 0 else labels[number] for number in numbers]
    return out


def frame_of(table: Table) -> Any:
    """Return a table as a data frame of pandas. Missing values are empty."""
    import pandas as pd

    return pd.DataFrame({name: table[name].tolist() for name in table.columns})
