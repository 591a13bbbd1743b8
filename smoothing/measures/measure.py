"""The contract of every smoothing measure."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from fractions import Fraction
from math import inf, prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from smoothing.distance import Distance
from smoothing.numerics.rounding import Float
from smoothing.privacy_loss import PrivacyLoss
from smoothing.provenance.origin import Origin
from smoothing.representation import Represented

Channel = NDArray[np.float64] | NDArray[np.object_]
"""A ``(K, K)`` matrix of float64 numbers or of fractions."""


class SmoothingMeasure(Represented, ABC):
    """A distribution over randomised versions of an object ``z`` (THEORY.md section 1).

    A new kind of noise is a subclass with `distance`, `sample` and `privacy_loss`. Noise on labels or other categories
    is best a subclass of `CategoricalMeasure`, noise that is added one of `AdditiveNoise`. A measure on labels may also
    give `channel`; analytic certifiers of linear votes work with any channel.

    Laws of independent coordinates with finitely many outcomes are `RepeatedLoss`; coordinates of several laws, for
    example added and deleted ones, are combined by its argument ``beside``. Laws of added noise are `ShiftLoss`,
    `OverlapLoss` and `NormalMixtureLoss`.

    All randomness comes from the ``generator`` that a method is given. Callers key it by root seed, stream, object and
    block of draws (`smoothing.numerics.random.generator`), so that every draw is a function of its number. Stream 0
    selects the class, stream 1 bounds its votes (`smoothing.certifiers.sampled.sampled_certifier`); draws of one stream
    are independent of those of the other. A measure never sees these numbers and keeps no state of its own.

    Measures are immutable: constructors validate, and say class, parameter, value and allowed range.

    Attributes:
        coordinatewise: Whether `sample` randomises every coordinate by itself, so that many objects can be drawn as
            one. Where anything is drawn once for a whole object, it must stay False.
        exact_samples: Whether samples lie on a grid that ``z`` has no part in, and are found there without rounding.
            Otherwise the last bits of a sum ``z + noise`` tell of ``z``, which a network may hear (Voracek & Hein
            2023), and certificates of sampled votes are not sound.
        assumptions: What a certificate under this measure takes for granted, one phrase each.
        checkpoint: SHA-256 of the weights that it draws with, in hexadecimal; None where there are none.
        trained_on: What those weights were learned from; empty where nothing was.
    """

    coordinatewise: bool = False
    exact_samples: bool = False
    assumptions: tuple[str, ...] = ()
    checkpoint: str | None = None
    trained_on: tuple[Origin, ...] = ()

    @property
    @abstractmethod
    def distance(self) -> Distance:
        """The distance in which radii of this measure are given."""

    @property
    def resembles(self) -> "SmoothingMeasure":
        """The measure whose samples its own are meant to look like: what a network for them may be trained under."""
        return self

    def check(self, z: Tensor) -> None:
        """Refuse what is no object of this measure.

        Args:
            z: The object, any shape.

        Raises:
            ValueError: If it cannot be randomised, saying why.
        """

    @abstractmethod
    def sample(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Draw one randomised version of ``z``.

        Args:
            z: The object, any shape. Leading dimensions are coordinates like all others.
            generator: Source of all randomness, on the device of ``z``.

        Returns:
            A tensor like ``z``.
        """

    def sample_each(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Draw one randomised version of each of many objects, independently.

        Args:
            z: The objects, ``(objects, ...)``.
            generator: Source of all randomness, on the device of ``z``.

        Returns:
            A tensor like ``z``.
        """
        if self.coordinatewise:
            return self.sample(z, generator)
        return torch.stack([self.sample(one, generator) for one in z])

    def sample_many(self, z: Tensor, draws: int, generator: torch.Generator) -> Tensor:
        """Draw independent randomised versions of ``z``.

        Args:
            z: The object, any shape.
            draws: Number of draws, at least 1.
            generator: Source of all randomness, on the device of ``z``.

        Returns:
            ``(draws, *z.shape)``, of the type and on the device of ``z``.
        """
        return self.sample_each(z.expand(draws, *z.shape), generator)

    @abstractmethod
    def privacy_loss(self, radius: float, shape: Sequence[int]) -> "PrivacyLoss | list[PrivacyLoss]":
        """The law of ``log(d mu_z' / d mu_z)`` at distance ``radius`` (THEORY.md section 2).

        The law must dominate **every** ``z'`` with ``d(z, z') <= radius``: its ``G(f)`` is at least theirs for every
        ``f``. Where no single law does, return several that cover all ``z'`` between them.

        Args:
            radius: Distance, at least 0, in units of `distance`.
            shape: Shape of ``z``.
        """

    def closed_form_radius(self, log_fail: Float, log_rival: Float, shape: Sequence[int]) -> Float | None:
        """The tight radius where there is a formula for it, else None: a shortcut that agrees with the generic path.

        Args:
            log_fail: ``(batch,)`` upper bounds on the log of the votes that the winner does not get.
            log_rival: ``(batch,)`` the same for every rival's votes.
            shape: Shape of ``z``.

        Returns:
            ``(batch,)`` float64 radii rounded down, 0 where nothing is certified.
        """
        return None

    def diameter(self, shape: Sequence[int]) -> float:
        """Return the largest distance between two objects of this shape; no radius needs to be larger.

        The default is the number of coordinates for ``"l0"``, which counts changed coordinates, and infinity otherwise.
        """
        return prod(shape) if self.distance.norm == "l0" else inf

    @property
    def channel(self) -> Channel | None:
        """For measures that change each label independently: ``(K, K)``, row = label, column = randomised label.

        Float64 numbers, or fractions: exact certifiers take either for the rational numbers that they are.
        """
        return None


def exact_probability(owner: str, parameter: str, value: str | float | Fraction, allowed: str = "[0, 1]") -> Fraction:
    """The probability as the decimal that it prints as, or exactly from a string or a fraction.

    Raises:
        ValueError: If it is not a number within [0, 1]; ``allowed`` says how much of that is.
    """
    try:
        exact = Fraction(str(value))
    except ValueError:
        exact = Fraction(-1)
    if not 0 <= exact <= 1:
        raise ValueError(f"{owner}: {parameter} = {value}; must be a number within {allowed}")
    return exact
