"""Certified accuracy as a function of the radius, and summary statistics of a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smoothing.certificates.cells import NUMBER, read_header, read_records, write_records
from smoothing.certificates.certificates import ATTACKED
from smoothing.certificates.table import Table
from smoothing.distance import Distance

MAX_RADII = 200
"""Largest number of points of a curve. Loggers subsample longer curves."""

UPPER_BOUND = ", upper bound"
"""Suffix of the names of attacks in lists of certifiers."""

COLLECTIVE = ", collective"
"""Suffix of the names of collective certifiers in lists of certifiers."""


@dataclass(frozen=True)
class Curve:
    """Certified accuracy by radius: the fraction of requested examples that are correct and certified at the radius.

    Attributes:
        radii: ``(points,)`` float64, ascending, at most `MAX_RADII`.
        accuracy: ``(points,)`` float64 within [0, 1], by certifier.
        distance: Distance of the radii.
        attacks: Names in ``accuracy`` that are attacks. Their accuracy is an upper bound on certified accuracy.
        collective: Names in ``accuracy`` that are collective certifiers: the fraction of examples that are correct and
            stay correct if one attacker makes ``radius`` changes in total. NaN where it is unknown.
    """

    radii: NDArray[np.float64]
    accuracy: dict[str, NDArray[np.float64]]
    distance: Distance
    attacks: frozenset[str] = frozenset()
    collective: frozenset[str] = frozenset()

    def title(self, certifier: str) -> str:
        """Return the name of a certifier, with `UPPER_BOUND` or `COLLECTIVE` added if it is one of these."""
        upper, together = certifier in self.attacks, certifier in self.collective
        return certifier + COLLECTIVE * together + UPPER_BOUND * upper

    def write_csv(self, path: str | Path) -> None:
        """Write a CSV file with the column ``radius`` and one column per certifier."""
        columns = dict.fromkeys(("radius", *map(self.title, self.accuracy)), NUMBER)
        write_records(path, ",", columns, zip(self.radii, *self.accuracy.values(), strict=True))

    @classmethod
    def read_csv(cls, path: str | Path, distance: Distance) -> "Curve":
        """Read a curve that `write_csv` wrote.

        Raises:
            ValueError: If the file is damaged, naming the file, the line and the allowed values.
        """
        titles = read_header(path, ",")[1:]
        names = [title.removesuffix(UPPER_BOUND).removesuffix(COLLECTIVE) for title in titles]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{path}, line 1: {names.count(name)} columns have the name {name!r}; must be one")
        columns = dict.fromkeys(("radius", *titles), NUMBER)
        points = [list(point.values()) for _, point in read_records(path, ",", columns)]
        values = np.array(points, np.float64).reshape(-1, len(columns))
        accuracy = {name: values[:, i] for i, name in enumerate(names, 1)}
        attacks = frozenset(name for name, title in zip(names, titles, strict=True) if title.endswith(UPPER_BOUND))
        together = (title.removesuffix(UPPER_BOUND) for title in titles)
        collective = frozenset(name for name, title in zip(names, together, strict=True) if title.endswith(COLLECTIVE))
        return cls(values[:, 0], accuracy, distance, attacks, collective)


def certified_curve(table: Table, distance: Distance, radii: Sequence[float] | None = None) -> Curve:
    """Compute the certified accuracy of every certifier.

    Abstentions count as wrong. The denominator is the number of requested examples (THEORY.md section 5).

    Args:
        table: The certificates.
        distance: Their distance. Unless it is strict, a radius covers changes of exactly its size.
        radii: Radii of the curve: at most `MAX_RADII` different numbers of at least 0, whole numbers if the distance is
            whole-numbered. The default is a range from 0 to just above the largest finite radius.

    Raises:
        ValueError: If the table or a radius is not as described.
    """
    if not isinstance(table, Table):
        raise ValueError(f"certified_curve: table = {table!r}; must be a Table")
    at = radii_of(table, distance, radii)
    accuracy, attacks = {}, set()
    for certifier in table.certifiers:
        part = table.of(certifier)
        if is_attack(part):
            attacks.add(certifier)
        reached = np.sort(part["radius"][part["correct"]])
        certified = len(reached) - np.searchsorted(reached, [distance.covering(float(r)) for r in at])
        accuracy[certifier] = certified / len(part)
    return Curve(at, accuracy, distance, frozenset(attacks))


def is_attack(part: Table) -> bool:
    """Return whether the rows of one certifier belong to an attack, which certifies nothing."""
    return ATTACKED.issuperset(part["classifier"])


ENVELOPE = "upper envelope"
"""Name of the curve of the best certifier at every radius."""


def upper_envelope(curves: Sequence[Curve]) -> Curve:
    """Return the best certified accuracy at every radius over all certifiers.

    Args:
        curves: At least one curve, all at the same radii.

    Raises:
        ValueError: If the curves have different radii, or none is a curve of certificates.
    """
    if not curves:
        raise ValueError("upper envelope: no curve; must be at least one")
    if any(not np.array_equal(curve.radii, curves[0].radii) for curve in curves):
        raise ValueError("upper envelope: curves at different radii; must be the same")
    certified = [
        accuracy
        for curve in curves
        for name, accuracy in curve.accuracy.items()
        if name not in curve.attacks | curve.collective
    ]
    if not certified:
        raise ValueError("upper envelope: no curve of certificates; must be at least one")
    best = np.max(certified, axis=0)
    return Curve(curves[0].radii, {ENVELOPE: best}, curves[0].distance)


def summary(table: Table) -> dict[str, dict[str, float]]:
    """Compute summary statistics of every certifier over all requested examples.

    Returns:
        For every certifier:

        - ``accuracy``: fraction predicted correctly.
        - ``abstention``: fraction without a prediction.
        - ``median_radius``: largest radius that at least half of the examples reach. Wrong examples have radius 0.
        - ``average_certified_radius``: mean radius. Wrong examples have radius 0 (Zhai et al. 2020). A poor metric: it
          rewards large radii on easy examples and hides losses on hard ones.
    """
    numbers = {}
    for certifier in table.certifiers:
        part = table.of(certifier)
        reached = np.where(part["correct"], part["radius"], 0.0)
        numbers[certifier] = {
            "accuracy": float(np.mean(part["correct"])),
            "abstention": float(np.mean(part["prediction"] == -1)),
            "median_radius": float(np.sort(reached)[len(reached) // 2]),
            "average_certified_radius": float(np.mean(reached)),
        }
    return numbers


def common_distance(distances: Mapping[str, Distance]) -> Distance:
    """Return the distance that all runs share. Strict and other radii can be compared with each other.

    Args:
        distances: At least one distance, by name of its run.

    Returns:
        The first distance.

    Raises:
        ValueError: If there is no distance, or if two runs differ in norm, unit or kind of number, naming them.
    """
    if not distances:
        raise ValueError("common distance: no run; must be at least one")
    (first, shared), *others = distances.items()
    for run, distance in others:
        if replace(distance, strict=shared.strict) != shared:
            raise ValueError(
                f"{run}: {distance.norm} radii ({distance.unit}); must be {shared.norm} radii ({shared.unit}), "
                f"as in {first}"
            )
    return shared


def radii_of(table: Table, distance: Distance, radii: Sequence[float] | None) -> NDArray[np.float64]:
    """Return the radii of a curve, ascending; see `certified_curve`."""
    return _default_radii(table, distance) if radii is None else _checked(radii, distance)


def _default_radii(table: Table, distance: Distance) -> NDArray[np.float64]:
    top = np.max(table["radius"], where=np.isfinite(table["radius"]), initial=0.0)
    if distance.integer:
        return np.unique(np.linspace(0, np.floor(top) + 1, MAX_RADII).round())
    return np.linspace(0, np.nextafter(top, np.inf) if top > 0 else 1.0, MAX_RADII)


def _checked(radii: Sequence[float], distance: Distance) -> NDArray[np.float64]:
    given = np.asarray(radii)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iuf"):
        raise ValueError(f"radii: {radii!r}; must be a list of numbers")
    at, times = np.unique(given.astype(np.float64), return_counts=True)
    if not 0 < len(at) <= MAX_RADII:
        raise ValueError(f"radii: {len(at)} different radii; must be 1 .. {MAX_RADII}")
    for r, count in zip(at, times, strict=True):
        if not 0 <= r < np.inf:
            raise ValueError(f"radii: {r}; must be at least 0 and finite")
        if distance.integer and r != np.floor(r):
            raise ValueError(f"radii: {r}; must be a whole number of {distance.unit}")
        if count > 1:
            raise ValueError(f"radii: {r} is given {count} times; must be given once")
    return at
