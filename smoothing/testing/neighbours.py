"""Changed objects in random, axis and diagonal directions, with their distances from the object."""

from collections.abc import Iterator
from math import inf

import numpy as np
import torch
from torch import Tensor

from smoothing.guarantees import NeymanPearson, VoteBound
from smoothing.measures import Part, Product
from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.random import generator

Neighbours = list[tuple[Tensor, float]]
"""Changed objects and their distances from the object."""

JointNeighbours = list[tuple[Tensor, tuple[float, ...]]]
"""Changed objects and the distance of each part of a product."""

JOINT = 12
"""Number of joint changes."""

ORDERS = {"l1": 1.0, "l2": 2.0, "linf": inf}
"""Orders of norms."""

MASSES = (0.4, 0.1, 0.01)
"""Values of ``1 - p_A``. Monte Carlo tests are most powerful at the radii that are certified for them."""


def default_neighbours(measure: SmoothingMeasure, z: Tensor) -> Neighbours:
    """Return changed objects for a measure with a channel, or with an l0, l1, l2 or l-inf distance in input units.

    Of a `Product`, the last part changes.

    Args:
        measure: The measure.
        z: The object.

    Raises:
        NotImplementedError: If the measure has another distance.
    """
    distance = measure.distance
    if isinstance(measure, Product):
        last = measure.parts[-1]
        return [(_with_columns(z, last, own), length) for own, length in _own_neighbours(last, z)]
    if measure.channel is not None:
        return list(changed_labels(z, len(measure.channel)))
    if distance.norm == "l0":
        return list(_changed_values(z))
    if distance.norm in ORDERS and distance.unit == "input units" and z.is_floating_point():
        return [
            (changed, length)
            for length in _lengths(measure, z)
            for changed, length in _pushed(z, length, ORDERS[distance.norm])
        ]
    raise NotImplementedError(f"define the fixture `neighbours`: there is no default for {distance}")


def default_joint_neighbours(measure: SmoothingMeasure, z: Tensor) -> JointNeighbours:
    """Return objects in which all parts of a `Product` change, with the distance of each part.

    Args:
        measure: The measure.
        z: The object.

    Raises:
        NotImplementedError: If the measure is not a `Product`, or a part has a distance without a default.
    """
    if not isinstance(measure, Product):
        raise NotImplementedError("define the fixture `joint_neighbours`: there is a default only for a Product")
    rng, own = np.random.default_rng(0), [_own_neighbours(part, z) for part in measure.parts]
    found: JointNeighbours = []
    for _ in range(JOINT):
        changed, distances = z, []
        for part, options in zip(measure.parts, own, strict=True):
            values, distance = options[rng.integers(len(options))]
            changed = _with_columns(changed, part, values)
            distances.append(distance)
        found.append((changed, tuple(distances)))
    return found


def _own_neighbours(part: Part, z: Tensor) -> Neighbours:
    return default_neighbours(part.measure, z if part.columns is None else z[part.columns])


def _with_columns(z: Tensor, part: Part, values: Tensor) -> Tensor:
    if part.columns is None:
        return values
    changed = z.clone()
    changed[part.columns] = values
    return changed


def changed_labels(z: Tensor, num_classes: int) -> Iterator[tuple[Tensor, float]]:
    """Yield axis, diagonal and random changes of labels, each with its number of flips."""
    rng = np.random.default_rng(0)
    places = z.numel()
    for count in sorted({1, places, *rng.integers(1, places + 1, 6).tolist()}):
        shift = np.zeros(places, np.int64)
        shift[rng.permutation(places)[:count]] = rng.integers(1, num_classes, count)
        yield (z + torch.from_numpy(shift).reshape(z.shape).to(z)) % num_classes, float(count)


def _changed_values(z: Tensor) -> Iterator[tuple[Tensor, float]]:
    """Yield objects in which some coordinates take values of other coordinates."""
    values, codes = z.unique(return_inverse=True)
    if len(values) == 1:
        values = torch.cat([values, values + 1])
    for changed, count in changed_labels(codes, len(values)):
        yield values[changed], count


def _lengths(measure: SmoothingMeasure, z: Tensor) -> list[float]:
    """Return radii that the measure certifies, a much smaller radius and a larger one."""
    radii = NeymanPearson().radius(measure, VoteBound.one_sided(np.log(MASSES)), z.shape)
    found = sorted({float(radius) for radius in radii if 0 < radius < inf}) or [0.1, 0.5]
    return [found[0] / 1000, *found, 2 * found[-1]]


def _pushed(z: Tensor, length: float, order: float) -> Iterator[tuple[Tensor, float]]:
    """Yield ``z`` moved along an axis, the diagonal, a random direction and a random subset of axes."""
    axis, flat = torch.zeros(z.numel()), torch.ones(z.numel())
    axis[-1] = 1
    source = generator((0,))
    anywhere, half = torch.randn(z.numel(), generator=source), torch.randint(0, 2, (z.numel(),), generator=source)
    for direction in (axis, flat, anywhere, (axis - 0.5) * half + axis):
        unit = (direction / torch.linalg.vector_norm(direction, order)).reshape(z.shape).to(z)
        changed = z + length * unit
        # The sum is rounded, so its distance is computed.
        yield changed, float(torch.linalg.vector_norm((changed.double() - z.double()).flatten(), order))
