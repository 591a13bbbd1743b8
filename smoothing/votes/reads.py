"""What pieces of votes read of a training set, and whether a changed example moves them beyond its part."""

from typing import Literal

from smoothing.distance import CHANGED, INSERTED, Distance

Reads = Literal["nothing", "own example only", "own part only", "positions only", "labels only", "all inputs"]
"""Examples of the training set that a result depends on.

- ``"nothing"``: none, for example a fixed transform or an encoder that was trained on other examples.
- ``"own example only"``: for each example that example alone, for example a hash of the input.
- ``"own part only"``: the examples of one part or bag.
- ``"positions only"``: the positions of examples in the training set.
- ``"labels only"``: the labels of all examples.
- ``"all inputs"``: the inputs of all examples, and possibly more.
"""

_MOVED: dict[Distance, frozenset[Reads]] = {
    CHANGED: frozenset[Reads](("labels only", "all inputs")),
    INSERTED: frozenset[Reads](("positions only", "labels only", "all inputs")),
}
"""Values of `Reads` for which one change of a training example moves results beyond its own part."""


def moves(reads: Reads, distance: Distance) -> bool:
    """Return whether one change moves a piece beyond the part of the changed example (THEORY.md section 8).

    Args:
        reads: What the piece reads of the training set.
        distance: Distance in which changes are counted. Label flips are not covered: see ``assumptions``.
    """
    return reads in _MOVED.get(distance, ())


def leak(parameter: str, piece: object, reads: Reads, distance: Distance) -> str | None:
    """Return why a piece voids certificates in a distance, or None if it does not.

    Args:
        parameter: Name of the parameter or role of the piece, such as ``"transforms"``.
        piece: The piece, which is named in the reason.
        reads: What it reads of the training set.
        distance: Distance in which changes are counted.
    """
    if not moves(reads, distance):
        return None
    return (
        f"{parameter} = {type(piece).__name__}, which reads {reads} of the training set: one change can move more than "
        f"its own part; must read nothing or one part only, for radii in {distance.unit}"
    )
