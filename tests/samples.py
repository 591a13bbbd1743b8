"""Small certificates to test with."""

from collections.abc import Sequence
from typing import Any

from smoothing.certificates import Row, Table
from smoothing.distance import Distance

FLIPS = Distance("l0", "flips", integer=True, strict=False)
L2 = Distance("l2", "input units", integer=False, strict=True)


def row(index: int = 0, prediction: int = 1, radius: float = 0.0, label: int = 1, **cells: Any) -> Row:
    """A row whose remaining cells are ordinary."""
    ordinary: dict[str, Any] = {
        "certifier": "exact",
        "correct": prediction == label,
        "classifier": "mean",
        "deterministic": True,
        "sound": True,
    }
    return Row(index=index, prediction=prediction, radius=radius, label=label, **ordinary | cells)


def table(*answers: tuple[int, float], certifiers: Sequence[str] = ("exact",)) -> Table:
    """Certificates from (prediction, radius), one example after the other; every true class is 1."""
    return Table(
        row(index, prediction, radius, certifier=certifier)
        for index, (prediction, radius) in enumerate(answers)
        for certifier in certifiers
    )
