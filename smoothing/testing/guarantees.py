"""What every guarantee must do."""

from collections.abc import Sequence
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
"""Bounds on lost votes, ascending; not round, so that none lies on the edge of a radius."""

SLACK = 1e-9

REAL_AND_SPARSE = (
    Gaussian(0.5),
    GaussianMixture([0.25, 1.0]),
    Laplace(0.5),
    Uniform(0.5),
    UniformLinf(0.5),
    SparseDiscrete("0.01", "0.6"),
)
"""Measures that brute force over labels does not reach."""


class GuaranteeConformance:
    """Tests of a guarantee; subclass it, name the class ``Test...`` and give the fixture `guarantee`.

    Attributes:
        tight: Whether no larger radius holds, which is then tested as well.
    """

    tight: ClassVar[bool] = False

    @pytest.fixture
    def guarantee(self) -> Guarantee:
        """The guarantee."""
        raise NotImplementedError("give a fixture `guarantee`")

    @pytest.fixture
    def measures(self, guarantee: Guarantee) -> Sequence[SmoothingMeasure]:
        """Measures with a channel, of few classes."""
        noises = [LabelFlip(q, 2) for q in (0.02, 0.1, 0.3, 0.45)] + [LabelFlip(q, 3) for q in (0.1, 0.4, 0.6)]
        return [measure for measure in noises if guarantee.supports(measure) is None]

    @pytest.fixture
    def places(self) -> int:
        """How many labels the object has: at most 4,096 label vectors."""
        return 6

    def test_radius_is_a_column_within_the_diameter(
        self, guarantee: Guarantee, measures: Sequence[SmoothingMeasure], places: int
    ) -> None:
        """One float64 a row, whole where distances are, at least 0 and at most the diameter."""
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
        """More lost votes never certify more, and nothing is certified without a majority."""
        for measure in measures:
            radius = guarantee.radius(measure, VoteBound.one_sided(LOG_F), (places,))
            assert (radius[1:] <= radius[:-1]).all()
            assert (radius[np.exp(LOG_F) >= 0.5] == 0).all()

    def test_knowing_the_rivals_never_hurts(
        self, guarantee: Guarantee, measures: Sequence[SmoothingMeasure], places: int
    ) -> None:
        """A smaller bound on the rivals never certifies less."""
        for measure in measures:
            one = guarantee.radius(measure, VoteBound.one_sided(LOG_F), (places,))
            for less in (0.1, 1.0, 10.0):
                assert (guarantee.radius(measure, VoteBound(LOG_F, LOG_F - less), (places,)) >= one).all()

    def test_radius_is_sound(self, guarantee: Guarantee, measures: Sequence[SmoothingMeasure], places: int) -> None:
        """No pair of events beats a certificate, one- or two-sided: all label vectors are gone through."""
        for measure in measures:
            for less in (0.0, 0.5, 3.0):
                bound = VoteBound(LOG_F, LOG_F - less)
                never_refuted(measure, bound, guarantee.radius(measure, bound, (places,)), places)

    def test_boundaries_are_not_certified(
        self, guarantee: Guarantee, measures: Sequence[SmoothingMeasure], places: int
    ) -> None:
        """Just above the exact threshold of a radius, that radius is not certified."""
        for measure in measures:
            exact = [float(f) for f in exact_thresholds(measure, places, (places,))]
            above = np.log(exact) + 1e-12 * np.abs(np.log(exact))
            assert (thresholds(measure, places, (places,)) < above).all()
            radius = guarantee.radius(measure, VoteBound.one_sided(above), (places,))
            assert (radius < np.maximum(np.arange(places + 1), 1)).all()

    def test_tight_radius_is_never_exceeded(self, guarantee: Guarantee, places: int) -> None:
        """No guarantee certifies more than Neyman and Pearson's lemma, under real noise as well."""
        for measure in REAL_AND_SPARSE:
            if guarantee.supports(measure) is None:
                for less in (0.0, 0.5, 3.0):
                    bound = VoteBound(LOG_F, LOG_F - less)
                    tight = NeymanPearson().radius(measure, bound, (places,))
                    assert (guarantee.radius(measure, bound, (places,)) <= tight * (1 + SLACK)).all()

    def test_radius_does_not_depend_on_the_batch(
        self, guarantee: Guarantee, measures: Sequence[SmoothingMeasure], places: int
    ) -> None:
        """A row has the same radius alone, among others, and after others were computed."""
        bound = VoteBound(LOG_F[::12], LOG_F[::12] - 0.5)
        for measure in measures:
            together = guarantee.radius(measure, bound, (places,))
            for row in reversed(range(len(together))):
                alone = VoteBound(bound.log_fail[row : row + 1], bound.log_rival[row : row + 1])
                assert guarantee.radius(measure, alone, (places,))[0] == together[row]

    def test_larger_radius_is_refuted(
        self, guarantee: Guarantee, measures: Sequence[SmoothingMeasure], places: int
    ) -> None:
        """At the radius plus one an explicit event takes half of the votes."""
        if not self.tight:
            pytest.skip("not said to be tight")
        for measure in measures:
            bound = VoteBound.one_sided(LOG_F)
            radius = guarantee.radius(measure, bound, (places,))
            below = radius < places
            assert below.any()
            assert not survives(measure, bound, radius + 1, places)[below].any()


def survives(measure: SmoothingMeasure, bound: VoteBound, radius: Float, places: int) -> NDArray[np.bool_]:
    """Whether no events of the bounded masses can tie when ``radius`` labels change, by brute force.

    Args:
        measure: A measure with a channel that treats all changes of a label alike.
        bound: ``(batch,)`` bounds on the votes.
        radius: ``(batch,)`` numbers of changed labels, at most ``places``.
        places: Number of labels.

    Returns:
        ``(batch,)`` booleans; where a rounding error decides, True.
    """
    channel = measure.channel
    assert channel is not None, "brute force needs a measure with a channel"
    mu = noise(channel, [0] * places)
    survived = []
    for fail, rival, r in zip(np.exp(bound.log_fail), np.exp(bound.log_rival), radius, strict=True):
        count = min(int(r), places)
        rho = noise(channel, [1] * count + [0] * (places - count))
        taken = float((best_event(mu, rho, fail) + best_event(mu, rho, rival)) @ rho)
        survived.append(taken <= 1 + SLACK)
    return np.array(survived)


def never_refuted(measure: SmoothingMeasure, bound: VoteBound, radius: Float, places: int) -> None:
    """Refute radii at which events of the bounded masses can tie.

    Args:
        measure: A measure with a channel that treats all changes of a label alike.
        bound: ``(batch,)`` bounds on the votes.
        radius: ``(batch,)`` radii claimed for them; 0 promises nothing.
        places: Number of labels.

    Raises:
        AssertionError: Naming the bound and the radius.
    """
    for row in np.flatnonzero((radius > 0) & ~survives(measure, bound, radius, places)):
        raise AssertionError(
            f"radius {radius[row]:g} is refuted: events of mass exp({bound.log_fail[row]:g}) and "
            f"exp({bound.log_rival[row]:g}) can tie there"
        )
