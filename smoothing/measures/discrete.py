"""Discrete noise: every coordinate is kept or replaced by another value."""

from abc import abstractmethod
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from smoothing.arguments import at_least, is_generator, is_tensor, refuse
from smoothing.distance import FLIPS, Distance
from smoothing.measures.measure import Channel, SmoothingMeasure, exact_probability
from smoothing.numerics.random import uniform_integers
from smoothing.privacy_loss import PrivacyLoss, RepeatedLoss
from smoothing.privacy_loss.step import LEAST_PROBABILITY

if TYPE_CHECKING:
    import torch
    from torch import Tensor


MOST_CLASSES = 10_000
"""Largest number of classes of a channel, which has a number for each pair: 800 MB."""


class CategoricalMeasure(SmoothingMeasure):
    """A measure on vectors of values ``0 .. num_classes - 1`` that randomises every coordinate independently, l0.

    A subclass defines `randomise` and `privacy_loss`, and `channel` for use with analytic certifiers. Distance,
    diameter, input checks and `exact_samples` are inherited.

    Attributes:
        num_classes: Number of values K, at least 2.
    """

    coordinatewise = True
    exact_samples = True
    num_classes: int

    @abstractmethod
    def randomise(self, z: "Tensor", generator: "torch.Generator") -> "Tensor":
        """Randomise every coordinate of an int64 tensor of valid values; see `sample`."""

    def sample(self, z: "Tensor", generator: "torch.Generator") -> "Tensor":
        """Randomise every coordinate of ``z``; see `SmoothingMeasure.sample`.

        Raises:
            ValueError: If ``z`` has an invalid value, or its dtype cannot represent all values.
        """
        import torch

        is_tensor(self, z=z)
        is_generator(self, generator)
        if torch.tensor(self.num_classes - 1).to(z.dtype).item() != self.num_classes - 1:
            refuse(self, "z", z, f"of a dtype that represents all values 0 .. {self.num_classes - 1}")
        # Arithmetic in the dtype of z may overflow: 200 + 100 is 44 in uint8.
        values = z.long()
        off = (values < 0) | (values >= self.num_classes) | (values != z)
        if off.any():
            value = f"{z[off][0].item():.9g}"
            refuse(self, "value", value, f"a whole number within 0 .. {self.num_classes - 1}")
        return self.randomise(values, generator).to(z.dtype)

    @property
    def distance(self) -> Distance:
        """Number of changed coordinates, not strict."""
        return FLIPS


class Discrete(CategoricalMeasure):
    """Noise that changes each coordinate with probability ``q`` to another value, chosen uniformly.

    Coordinates on which ``z`` and ``z'`` agree cancel in the likelihood ratio, and all changed coordinates have the
    same law. The law at ``r`` therefore holds for every ``z'`` at distance ``r`` and dominates smaller distances (Lee
    et al. 2019; THEORY.md section 2). For images with values on a grid within [0, 1], use `Quantised`.

    Args:
        q: Probability of a change, within ``(0, (K-1)/K)``. A float stands for the decimal number that it prints as.
            Strings and fractions are exact.
        num_classes: Number of values K, at least 2.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(self, q: str | float | Fraction, num_classes: int) -> None:
        name = type(self).__name__
        at_least(self, 2, num_classes=num_classes)
        self.num_classes = num_classes
        limit = Fraction(num_classes - 1, num_classes)
        allowed = f"(0, {limit}), that is (0, (K-1)/K)"
        self.exact_q = exact_probability(name, "q", q, allowed)
        if not 0 < self.exact_q < limit:
            raise ValueError(f"{name}: q = {q}; must be a number within {allowed}")
        if self.exact_q / (num_classes - 1) < LEAST_PROBABILITY:
            raise ValueError(f"{name}: q = {q}; must be at least {float(LEAST_PROBABILITY)} for every other value")
        self.q = float(self.exact_q)

    def randomise(self, z: "Tensor", generator: "torch.Generator") -> "Tensor":
        """Keep or change every coordinate; see `CategoricalMeasure.randomise`."""
        import torch

        changed = torch.rand(z.shape, generator=generator, dtype=torch.float64, device=z.device) < self.q
        shift = 1 + uniform_integers(self.num_classes - 1, z.shape, generator, z.device)
        return torch.where(changed, (z + shift) % self.num_classes, z)

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        """Return the loss of ``radius`` coordinates, see `_loss_of_one`."""
        return _loss_of_one(self.exact_q, self.num_classes).repeated(int(radius))

    @property
    def channel(self) -> Channel:
        """``(K, K)`` transition probabilities, fractions.

        Raises:
            ValueError: If there are more classes than `MOST_CLASSES`.
        """
        check_size(self)
        keep, change = 1 - self.exact_q, self.exact_q / (self.num_classes - 1)
        matrix = np.full((self.num_classes, self.num_classes), change, dtype=object)
        np.fill_diagonal(matrix, keep)
        return matrix


def check_size(measure: CategoricalMeasure) -> None:
    """Raise if the channel of a measure would have more than `MOST_CLASSES` classes."""
    if measure.num_classes > MOST_CLASSES:
        refuse(measure, "num_classes", measure.num_classes, f"at most {MOST_CLASSES} for labels")


@lru_cache(maxsize=64)
def _loss_of_one(q: Fraction, num_classes: int) -> RepeatedLoss:
    """Return the loss of one changed coordinate, with three outcomes: new value, old value, another value."""
    change = q / (num_classes - 1)
    keep, other = 1 - q, q - change
    return RepeatedLoss((change, keep, other), (keep, change, other), 1)


class LabelFlip(Discrete):
    """Noise that flips each training label with probability ``q`` to a uniform other class (Rosenfeld et al. 2020)."""
