"""The contract of every smoothing measure."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from fractions import Fraction
from math import inf, prod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from smoothing.distance import Distance
from smoothing.numerics.rounding import Float
from smoothing.privacy_loss import PrivacyLoss
from smoothing.provenance.origin import Origin
from smoothing.representation import Represented

if TYPE_CHECKING:
    import torch
    from torch import Tensor

OUTWARD = 1e-13
"""Relative amount by which masses are rounded up and radii are rounded down."""

TEST_INPUT, TRAINING_LABELS, TRAINING_INPUTS = "test input", "training labels", "training inputs"
"""Objects that votes randomise."""

Channel = NDArray[np.float64] | NDArray[np.object_]
"""A ``(K, K)`` matrix of float64 numbers or of fractions."""


class SmoothingMeasure(Represented, ABC):
    """A distribution over randomised versions of an object ``z`` (THEORY.md section 1).

    A new measure is a subclass with `distance`, `sample` and `privacy_loss`. Noise on labels or other categories should
    be a subclass of `CategoricalMeasure`, additive noise a subclass of `AdditiveNoise`. A measure on labels may also
    define `channel`: analytic certifiers of linear votes work with any channel.

    The privacy loss of independent coordinates with finitely many outcomes is a `RepeatedLoss`. Its argument ``beside``
    adds coordinates with a different law, for example added and deleted ones. The privacy loss of additive noise is a
    `ShiftLoss`, an `OverlapLoss` or a `NormalMixtureLoss`.

    All randomness comes from the argument ``generator``. Callers key it by root seed, stream, object and block of draws
    (`smoothing.numerics.random.generator`), so that every draw is a function of its number. Stream 0 selects the class
    and stream 1 bounds its vote (`smoothing.certifiers.sampled.sampled_certifier`). Different streams are independent.
    A measure does not receive these numbers and must not keep state between calls.

    Measures are immutable. Constructors validate their arguments and name class, parameter, value and allowed range.

    Attributes:
        coordinatewise: Whether `sample` randomises every coordinate independently, so that many objects can be drawn
            in one call. Must be False if anything is drawn once for a whole object.
        exact_samples: Whether samples lie on a grid that does not depend on ``z`` and are computed without rounding.
            If False, the last bits of a sum ``z + noise`` depend on ``z``, a network may use them (Voracek & Hein
            2023), and certificates of sampled votes are not sound.
        objects: Objects that the measure randomises, such as ``"training labels"``; the last one is that of `distance`.
            Empty if it randomises the object of any votes.
        beside: Distances of further objects that the measure randomises independently. Certificates then need a
            guarantee with a budget for each of them; see `Product`.
        assumptions: Assumptions of every certificate under this measure, one phrase each.
        checkpoint: SHA-256 of the weights used in sampling, in hexadecimal; None without weights.
        trained_on: Origins of the data that these weights were trained on; empty without weights.
    """

    coordinatewise: bool = False
    exact_samples: bool = False
    objects: tuple[str, ...] = ()
    beside: tuple[Distance, ...] = ()
    assumptions: tuple[str, ...] = ()
    checkpoint: str | None = None
    trained_on: tuple[Origin, ...] = ()

    @property
    @abstractmethod
    def distance(self) -> Distance:
        """Distance in which radii of this measure are given."""

    @property
    def resembles(self) -> "SmoothingMeasure":
        """Measure with similar samples, under which a network for this measure may be trained."""
        return self

    def check(self, z: "Tensor") -> None:
        """Raise if the measure cannot randomise an object.

        Args:
            z: The object, any shape.

        Raises:
            ValueError: If ``z`` is not a valid object. The message says why.
        """

    @abstractmethod
    def sample(self, z: "Tensor", generator: "torch.Generator") -> "Tensor":
        """Draw one randomised version of ``z``.

        Args:
            z: The object, any shape. There is no batch dimension.
            generator: Source of all randomness, on the device of ``z``.

        Returns:
            Tensor with the shape, dtype and device of ``z``.
        """

    def sample_each(self, z: "Tensor", generator: "torch.Generator") -> "Tensor":
        """Draw one randomised version of each object, independently.

        Args:
            z: The objects, ``(objects, ...)``.
            generator: Source of all randomness, on the device of ``z``.

        Returns:
            Tensor with the shape, dtype and device of ``z``.
        """
        import torch

        if self.coordinatewise:
            return self.sample(z, generator)
        return torch.stack([self.sample(one, generator) for one in z])

    def sample_many(self, z: "Tensor", draws: int, generator: "torch.Generator") -> "Tensor":
        """Draw several independent randomised versions of ``z``.

        Args:
            z: The object, any shape.
            draws: Number of draws, at least 1.
            generator: Source of all randomness, on the device of ``z``.

        Returns:
            ``(draws, *z.shape)``, with the dtype and device of ``z``.
        """
        return self.sample_each(z.expand(draws, *z.shape), generator)

    @abstractmethod
    def privacy_loss(self, radius: float, shape: Sequence[int]) -> "PrivacyLoss | list[PrivacyLoss]":
        """Return the law of ``log(d mu_z' / d mu_z)`` at distance ``radius`` (THEORY.md section 2).

        The law must dominate **every** ``z'`` with ``d(z, z') <= radius``: its ``G(f)`` is an upper bound for every
        ``f``. If no single law dominates all ``z'``, return a list such that each ``z'`` is dominated by one of them.

        Args:
            radius: Distance, at least 0, in units of `distance`.
            shape: Shape of ``z``.
        """

    def joint_loss(self, radii: Sequence[float], shape: Sequence[int]) -> "PrivacyLoss | list[PrivacyLoss]":
        """Return the law at a distance of each object: those of `beside`, then that of `distance`.

        Args:
            radii: ``len(beside) + 1`` distances, at least 0.
            shape: Shape of ``z``.
        """
        (radius,) = radii
        return self.privacy_loss(radius, shape)

    def on(self, randomised: str) -> "SmoothingMeasure | None":
        """Return the measure of one object; None if the object is not randomised.

        Args:
            randomised: Name of the object, one of `objects`. A measure without `objects` is returned as it is.
        """
        return self if not self.objects or randomised in self.objects else None

    def closed_form_radius(self, log_fail: Float, log_rival: Float, shape: Sequence[int]) -> Float | None:
        """Return the tight radius if there is a formula for it, else None.

        The formula is a shortcut. It must agree with the radius computed from `privacy_loss`.

        Args:
            log_fail: ``(batch,)`` upper bounds on ``log(1 - p_A)`` of the predicted class A.
            log_rival: ``(batch,)`` upper bounds on ``log p_c`` of every other class c.
            shape: Shape of ``z``.

        Returns:
            ``(batch,)`` float64 radii, rounded down; 0 where nothing is certified.
        """
        return None

    def diameter(self, shape: Sequence[int]) -> float:
        """Return the largest distance between two objects of this shape. Certified radii do not exceed it.

        The default is the number of coordinates for ``"l0"``, which counts changed coordinates, and infinity otherwise.
        """
        return prod(shape) if self.distance.norm == "l0" else inf

    @property
    def channel(self) -> Channel | None:
        """``(K, K)`` transition probabilities from label (row) to randomised label (column).

        None unless every label is randomised independently. Entries are float64 or fractions. Exact certifiers use the
        rational numbers that they represent.
        """
        return None


def exact_probability(owner: str, parameter: str, value: str | float | Fraction, allowed: str = "[0, 1]") -> Fraction:
    """Return a probability as an exact fraction.

    Args:
        owner: Name of the class that has the parameter.
        parameter: Name of the parameter.
        value: The probability. A float stands for the decimal number that it prints as.
        allowed: Allowed range, for the error message.

    Raises:
        ValueError: If the value is not a number within [0, 1].
    """
    try:
        exact = Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        exact = Fraction(-1)
    if not 0 <= exact <= 1:
        raise ValueError(f"{owner}: {parameter} = {value}; must be a number within {allowed}")
    return exact
