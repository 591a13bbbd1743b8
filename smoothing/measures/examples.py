"""Distances between training sets as an argument of measures."""

from collections.abc import Sequence

from smoothing.arguments import refuse
from smoothing.distance import CHANGED, INSERTED, Distance

_PHRASES = {
    CHANGED: ("the radius counts training examples changed in place; none is inserted, deleted or moved",),
    INSERTED: ("the radius counts inserted plus deleted training examples; a changed example counts 2",),
}


def counted(owner: object, change: str, distances: Sequence[Distance]) -> Distance:
    """Return the one of several distances with the unit ``change``.

    Raises:
        ValueError: If there is none.
    """
    units = {distance.unit: distance for distance in distances}
    if change not in units:
        refuse(owner, "change", change, f"one of: {', '.join(units)}")
    return units[change]


def phrase(distance: Distance) -> tuple[str, ...]:
    """Return what a radius in a distance counts, as assumptions of certificates; empty for label flips."""
    return _PHRASES.get(distance, ())
