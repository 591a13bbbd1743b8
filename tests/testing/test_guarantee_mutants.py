"""The conformance suite fails wrong guarantees."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from smoothing.guarantees import KL, Guarantee, NeymanPearson, VoteBound
from smoothing.guarantees.neyman_pearson import thresholds
from smoothing.measures import LabelFlip, SmoothingMeasure
from smoothing.numerics.rounding import Float
from smoothing.testing import GuaranteeConformance


class OneMoreAtBoundaries(NeymanPearson):
    """One flip more where a bound is all but at the threshold of the next radius."""

    def radius(self, measure: SmoothingMeasure, bound: VoteBound, shape: Sequence[int]) -> Float:
        nearer = VoteBound(bound.log_fail * (1 + 1e-11), bound.log_rival * (1 + 1e-11))
        return super().radius(measure, nearer, shape)


class Inclusive(Guarantee):
    """Certifies a tie."""

    def radius(self, measure: SmoothingMeasure, bound: VoteBound, shape: Sequence[int]) -> Float:
        if not measure.distance.integer:
            return NeymanPearson().radius(measure, bound, shape)
        limits = thresholds(measure, int(measure.diameter(shape)), shape)
        near = bound.log_fail[:, None] <= limits * (1 - 3e-12)
        return np.maximum(near.sum(1) - 1, 0).astype(np.float64)


class OneDimensional(NeymanPearson):
    """Takes every object for one number."""

    def radius(self, measure: SmoothingMeasure, bound: VoteBound, shape: Sequence[int]) -> Float:
        return np.minimum(super().radius(measure, bound, (1,)), measure.diameter(shape))


class WithoutTheWinner(NeymanPearson):
    """Bounds both sides by the rival's votes."""

    def radius(self, measure: SmoothingMeasure, bound: VoteBound, shape: Sequence[int]) -> Float:
        return super().radius(measure, VoteBound.one_sided(bound.log_rival), shape)


class OfTheBatch(NeymanPearson):
    """Certifies the best row's radius for all."""

    def radius(self, measure: SmoothingMeasure, bound: VoteBound, shape: Sequence[int]) -> Float:
        tight = super().radius(measure, bound, shape)
        return np.minimum(tight, np.median(tight))


class Remembering(NeymanPearson):
    """Reuses the radii of an earlier call of the same length."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, int], Float] = {}

    def radius(self, measure: SmoothingMeasure, bound: VoteBound, shape: Sequence[int]) -> Float:
        return self.kept.setdefault((repr(measure), len(bound.log_fail)), super().radius(measure, bound, shape))


class HalfTheDivergence(KL):
    """Allows twice the divergence, under real noise alone."""

    def radius(self, measure: SmoothingMeasure, bound: VoteBound, shape: Sequence[int]) -> Float:
        return super().radius(measure, bound, shape) * (1 if measure.distance.integer else 2)


class BeyondTheObject(NeymanPearson):
    """More flips than labels."""

    def radius(self, measure: SmoothingMeasure, bound: VoteBound, shape: Sequence[int]) -> Float:
        return super().radius(measure, bound, (2 * shape[0],))


class LinearArithmetic(NeymanPearson):
    """Computes ``p_A = 1 - f``, which rounds to 1 for small ``f``."""

    def radius(self, measure: SmoothingMeasure, bound: VoteBound, shape: Sequence[int]) -> Float:
        def back(log_f: Float) -> Float:
            with np.errstate(divide="ignore"):
                return np.minimum(np.log(np.maximum(1 - (1 - np.exp(log_f) * (1 + 1e-3)), 0)), 0)

        fail = back(bound.log_fail)
        return super().radius(measure, VoteBound(fail, np.minimum(back(bound.log_rival), fail)), shape)


SUITE = GuaranteeConformance()
MEASURES = [LabelFlip(0.1, 2), LabelFlip(0.3, 2), LabelFlip(0.4, 3)]

CHECKS: dict[str, Callable[[Guarantee], None]] = {
    "column": lambda g: SUITE.test_radius_is_a_column_within_the_diameter(g, MEASURES, 6),
    "sound": lambda g: SUITE.test_radius_is_sound(g, MEASURES, 6),
    "boundaries": lambda g: SUITE.test_boundaries_are_not_certified(g, MEASURES, 6),
    "tight": lambda g: SUITE.test_tight_radius_is_never_exceeded(g, 6),
    "tiny": SUITE.test_tiny_failure_probabilities_are_not_rounded_to_zero,
    "batch": lambda g: SUITE.test_radius_does_not_depend_on_the_batch(g, MEASURES, 6),
}


@pytest.mark.parametrize(
    ("mutant", "check"),
    [
        (OneMoreAtBoundaries(), "boundaries"),
        (Inclusive(), "boundaries"),
        (OneDimensional(), "tight"),
        (WithoutTheWinner(), "sound"),
        (WithoutTheWinner(), "tight"),
        (OfTheBatch(), "batch"),
        (Remembering(), "batch"),
        (HalfTheDivergence(), "tight"),
        (BeyondTheObject(), "column"),
        (LinearArithmetic(), "tiny"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_wrong_guarantees_are_caught(mutant: Guarantee, check: str) -> None:
    with pytest.raises(AssertionError):
        CHECKS[check](mutant)
