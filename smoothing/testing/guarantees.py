"""Conformance suite for guarantees."""

from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from smoothing.guarantees.guarantee import Guarantee, VoteBound
from smoothing.guarantees.neyman_pearson import NeymanPearson, exact_thresholds, thresholds
from smoothing.measures import (
    Gaussian,
    GaussianMixture,
    LabelFlip,
    Laplace,
    SmoothingMeasure,
    SparseDiscrete,
    Uniform,
    UniformLinf,
)
from smoothing.testing.brute_force import Float, best_event, noise

LOG_F = np.log(np.concatenate([np.logspace(-12, -2, 41), np.linspace(0.02, 0.98, 97) * 0.9931]))
"""Bounds on ``log(1 - p_A)``, ascending. None of them lies at the threshold of a radius."""

SLACK = 1e-9

REAL_AND_SPARSE = (
    Gaussian(0.5),
    GaussianMixture([0.25, 1.0]),
    Laplace(0.5),
    Uniform(0.5),
    UniformLinf(0.5),
    SparseDiscrete("0.01", "0.6"),
)
"""Measures that are not covered by brute force over label vectors."""


class GuaranteeConformance:
    """Tests of a guarantee. Subclass it, name the subclass ``Test...`` and define the fixture `guarantee`.

    For measures without a channel, also define `measures`, and override `outcomes` and `exact_limits`.

    Attributes:
        tight: Whether radii are claimed to be tight. If True, larger radii must be refuted.
    """

    tight: ClassVar[bool] = False

    @pytest.fixture
    def guarantee(self) -> Guarantee:
        """Guarantee under test."""
        raise NotImplementedError("define the fixture `guarantee`")

    @pytest.fixture
    def measures(self, guarantee: Guarantee) -> Sequence[SmoothingMeasure]:
        """Measures with a channel and few classes."""
        noises = [LabelFlip(q, 2) for q in (0.02, 0.1, 0.3, 0.45)] + [LabelFlip(q, 3) for q in (0.1, 0.4, 0.6)]
        return [measure for measure in noises if guarantee.supports(measure) is None]

    @pytest.fixture
    def places(self) -> int:
        """Number of labels of the object, with at most 4,096 label vectors."""
        return 6

    def outcomes(self, measure: SmoothingMeasure, changes: int, places: int) -> tuple[Float, Float]:
        """Return the probabilities of all outcomes before and after a worst change; see `label_outcomes`."""
        return label_outcomes(measure, changes, places)

    def exact_limits(self, measure: SmoothingMeasure, places: int) -> list[float]:
        """Return for each radius up to ``places`` the exact ``1 - p_A`` from which on it cannot be certified."""
        return [float(f) for f in exact_thresholds(measure, places, (places,))]

    def test_radius_is_a_column_within_the_diameter(
        self, guarantee: Guarantee, measures: Sequence[SmoothingMeasure], places: int
    ) -> None:
        """Radii are float64, one per row, within [0, diameter], and whole numbers if distances are."""
        assert measures, "the guarantee supports none of the measures"
        for measure in measures:
            radius = guarantee.radius(measure, VoteBound.one_sided(LOG_F), (places,))
            assert radius.shape == LOG_F.shape
            assert radius.dtype == np.float64
            assert ((radius >= 0) & (radius <= measure.diameter((places,)))).all()
            assert not measure.distance.integer or (radius == np.round(radius)).all()

    def test_radius_falls_as_the_bound_rises(
        self, guarantee: Guarantee, measures: Sequence[SmoothingMeasure], places: int
    ) -> None:
        """Radii are nonincreasing in the bound, and 0 without a majority."""
        for measure in measures:
            radius = guarantee.radius(measure, VoteBound.one_sided(LOG_F), (places,))
            assert (radius[1:] <= radius[:-1]).all()
            assert (radius[np.exp(LOG_F) >= 0.5] == 0).all()

    def test_knowing_the_rivals_never_hurts(
        self, guarantee: Guarantee, measures: Sequence[SmoothingMeasure], places: int
    ) -> None:
        """A smaller bound on rivals never decreases a radius."""
        for measure in measures:
            one = guarantee.radius(measure, VoteBound.one_sided(LOG_F), (places,))
            for less in (0.1, 1.0, 10.0):
                assert (guarantee.radius(measure, VoteBound(LOG_F, LOG_F - less), (places,)) >= one).all()

    def test_radius_is_sound(self, guarantee: Guarantee, measures: Sequence[SmoothingMeasure], places: int) -> None:
        """No pair of events refutes a one- or two-sided certificate, by brute force over all label vectors."""
        for measure in measures:
            for less in (0.0, 0.5, 3.0):
                bound = VoteBound(LOG_F, LOG_F - less)
                never_refuted(measure, bound, guarantee.radius(measure, bound, (places,)), places, self.outcomes)

    def test_boundaries_are_not_certified(
        self, guarantee: Guarantee, measures: Sequence[SmoothingMeasure], places: int
    ) -> None:
        """A radius is not certified just above its exact threshold."""
        for measure in measures:
            exact = self.exact_limits(measure, places)
            above = np.log(exact) + 1e-12 * np.abs(np.log(exact))
            if measure.channel is not None:
                assert (thresholds(measure, places, (places,)) < above).all()
            radius = guarantee.radius(measure, VoteBound.one_sided(above), (places,))
            assert (radius < np.maximum(np.arange(len(exact)), 1)).all()

    def test_tight_radius_is_never_exceeded(self, guarantee: Guarantee, places: int) -> None:
        """Radii are at most those of `NeymanPearson`, also for real-valued noise."""
        for measure in REAL_AND_SPARSE:
            if guarantee.supports(measure) is None:
                for less in (0.0, 0.5, 3.0):
                    bound = VoteBound(LOG_F, LOG_F - less)
                    tight = NeymanPearson().radius(measure, bound, (places,))
                    assert (guarantee.radius(measure, bound, (places,)) <= tight * (1 + SLACK)).all()

    def test_tiny_failure_probabilities_are_not_rounded_to_zero(self, guarantee: Guarantee) -> None:
        """Check that no radius is above the tight one for bounds far below the precision of ``1 - p_A``."""
        bound = VoteBound.one_sided(np.array([-700.0, -100.0, -40.0, -30.0]))
        for measure, shape in ((Gaussian(1.0), (1,)), (LabelFlip("0.1", 2), (500,)), (LabelFlip("0.4", 3), (500,))):
            if guarantee.supports(measure) is None:
                tight = NeymanPearson().radius(measure, bound, shape)
                assert (guarantee.radius(measure, bound, shape) <= tight * (1 + SLACK)).all(), measure

    def test_radius_does_not_depend_on_the_batch(
        self, guarantee: Guarantee, measures: Sequence[SmoothingMeasure], places: int
    ) -> None:
        """The radius of a row does not depend on other rows or earlier calls."""
        bound = VoteBound(LOG_F[::12], LOG_F[::12] - 0.5)
        for measure in measures:
            together = guarantee.radius(measure, bound, (places,))
            for row in reversed(range(len(together))):
                alone = VoteBound(bound.log_fail[row : row + 1], bound.log_rival[row : row + 1])
                assert guarantee.radius(measure, alone, (places,))[0] == together[row]

    def test_larger_radius_is_refuted(
        self, guarantee: Guarantee, measures: Sequence[SmoothingMeasure], places: int
    ) -> None:
        """At the radius plus one, an explicit event has half of the votes."""
        if not self.tight:
            pytest.skip("not claimed to be tight")
        for measure in measures:
            bound = VoteBound.one_sided(LOG_F)
            radius = guarantee.radius(measure, bound, (places,))
            below = radius < measure.diameter((places,))
            assert below.any()
            assert not survives(measure, bound, radius + 1, places, self.outcomes)[below].any()


Outcomes = Callable[[SmoothingMeasure, int, int], tuple[Float, Float]]
"""Function of a measure, a number of changes and the number of places; see `label_outcomes`."""


def label_outcomes(measure: SmoothingMeasure, changes: int, places: int) -> tuple[Float, Float]:
    """Return the probabilities of all label vectors before and after some labels change from 0 to 1.

    Args:
        measure: Measure with a channel that is symmetric in the classes.
        changes: Number of changed labels, at most ``places``.
        places: Number of labels.
    """
    channel = measure.channel
    assert channel is not None, "brute force requires a measure with a channel"
    return noise(channel, [0] * places), noise(channel, [1] * changes + [0] * (places - changes))


def survives(
    measure: SmoothingMeasure, bound: VoteBound, radius: Float, places: int, outcomes: Outcomes = label_outcomes
) -> NDArray[np.bool_]:
    """Return whether no events of the bounded probabilities can tie when ``radius`` labels change, by brute force.

    Args:
        measure: The measure.
        bound: ``(batch,)`` bounds on the votes.
        radius: ``(batch,)`` numbers of changed labels, at most ``places``.
        places: Number of labels.
        outcomes: Probabilities of all outcomes before and after a change; see `label_outcomes`.

    Returns:
        ``(batch,)`` booleans; True where a rounding error decides.
    """
    survived = []
    for fail, rival, r in zip(np.exp(bound.log_fail), np.exp(bound.log_rival), radius, strict=True):
        mu, rho = outcomes(measure, min(int(r), places), places)
        taken = float((best_event(mu, rho, fail) + best_event(mu, rho, rival)) @ rho)
        survived.append(taken <= 1 + SLACK)
    return np.array(survived)


def never_refuted(
    measure: SmoothingMeasure, bound: VoteBound, radius: Float, places: int, outcomes: Outcomes = label_outcomes
) -> None:
    """Raise if events of the bounded probabilities can tie at a claimed radius.

    Args:
        measure: The measure.
        bound: ``(batch,)`` bounds on the votes.
        radius: ``(batch,)`` claimed radii; 0 claims nothing.
        places: Number of labels.
        outcomes: Probabilities of all outcomes before and after a change; see `label_outcomes`.

    Raises:
        AssertionError: Names the bound and the radius.
    """
    for row in np.flatnonzero((radius > 0) & ~survives(measure, bound, radius, places, outcomes)):
        raise AssertionError(
            f"radius {radius[row]:g} is refuted: events of mass exp({bound.log_fail[row]:g}) and "
            f"exp({bound.log_rival[row]:g}) can tie there"
        )
