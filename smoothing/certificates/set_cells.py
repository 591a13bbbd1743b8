"""Text form of certified sets in tables: the number of changes to each class, separated by spaces."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from smoothing.arguments import at_least
from smoothing.certificates.cells import NUMBER


def as_texts(flips_to: NDArray[np.float64]) -> NDArray[np.object_]:
    """Return numbers of changes ``(rows, K)`` as texts ``(rows,)``, such as ``"0 12 inf"``."""
    texts = np.empty(len(flips_to), object)
    texts[:] = [" ".join(map(NUMBER.format, row)) for row in flips_to.tolist()]
    return texts


def as_numbers(texts: Sequence[str]) -> NDArray[np.float64]:
    """Return the numbers of changes ``(rows, K)`` in texts of `as_texts`.

    Raises:
        ValueError: If a text is no list of numbers, or the texts have different lengths.
    """
    return np.array([[float(cell) for cell in text.split(" ")] for text in texts], np.float64)


def is_set(text: str, prediction: int, radius: float) -> bool:
    """Return whether a text has 0 for the prediction, and a whole number above the radius for each other class."""
    try:
        (numbers,) = as_numbers([text])
    except ValueError:
        return False
    if not (len(numbers) >= 2 and 0 <= prediction < len(numbers) and numbers[prediction] == 0):
        return False
    others = np.delete(numbers, prediction)
    return bool((others > radius).all() and (np.floor(others) == others).all() and text == as_texts(numbers[None])[0])


def within_budget(flips_to: NDArray[np.float64], budget: int) -> NDArray[np.bool_]:
    """Return which classes ``(rows, K)`` need at most a number of changes.

    Args:
        flips_to: ``(rows, K)`` numbers of changes.
        budget: Largest number of changes, at least 0.

    Raises:
        ValueError: If the budget is no whole number of at least 0.
    """
    at_least("sets", 0, budget=budget)
    return np.asarray(flips_to <= budget)
