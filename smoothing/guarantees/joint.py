"""The tight guarantee for several objects that change together."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from smoothing.arguments import refuse
from smoothing.guarantees.guarantee import Guarantee, VoteBound
from smoothing.guarantees.neyman_pearson import NeymanPearson
from smoothing.guarantees.search import largest_radius
from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.rounding import Float
from smoothing.privacy_loss import PrivacyLoss


class JointNeymanPearson(Guarantee):
    """Tight guarantee for a `Product`: the largest radius of its last part for given budgets of the others.

    One point of the frontier, such as the largest norm for 3 flips (THEORY.md section 9). Several certifiers of a run
    with different budgets share their draws. Their certificates follow from one bound on the vote, so they hold
    together. A row abstains if the budgets alone can change the prediction.

    Args:
        budgets: Distance of each part but the last, at least 0.

    Raises:
        ValueError: If a budget is negative, infinite or not a number.
    """

    def __init__(self, budgets: Sequence[float]) -> None:
        if not budgets or not all(np.isfinite(budget) and budget >= 0 for budget in budgets):
            refuse(self, "budgets", budgets, "finite numbers of at least 0, one for each part but the last")
        self.budgets = tuple(budgets)

    def supports(self, measure: SmoothingMeasure) -> str | None:
        """Return why the guarantee does not support ``measure``, or None; see `Guarantee.supports`."""
        beside = measure.beside
        if len(beside) != len(self.budgets):
            return f"budgets = {list(self.budgets)}; must be {len(beside)} numbers for {type(measure).__name__}"
        for budget, distance in zip(self.budgets, beside, strict=True):
            if distance.integer and not float(budget).is_integer():
                return f"budgets = {list(self.budgets)}; must be a whole number of {distance.unit}"
        return None

    def assumptions_under(self, measure: SmoothingMeasure) -> tuple[str, ...]:
        """Return the budgets with their units; see `Guarantee.assumptions_under`."""
        return tuple(
            f"besides, at most {budget:g} {distance.unit} ({distance.norm})"
            for budget, distance in zip(self.budgets, measure.beside, strict=True)
        )

    def leads(self, measure: SmoothingMeasure, bound: VoteBound, shape: Sequence[int]) -> NDArray[np.bool_]:
        """Return whether the prediction holds at the budgets; see `Guarantee.leads`."""
        ahead = bound.leads()
        if any(self.budgets):
            rows = np.flatnonzero(ahead)
            margin = _margin(self._laws(measure, 0.0, shape), bound.log_fail[rows], bound.log_rival[rows])
            ahead[rows] = margin > 0
        return ahead

    def radius(self, measure: SmoothingMeasure, bound: VoteBound, shape: Sequence[int]) -> Float:
        """Return certified radii, ``(batch,)`` float64; see `Guarantee.radius`."""
        if not any(self.budgets):
            return NeymanPearson().radius(measure, bound, shape)
        bounds, row_of = np.unique(np.stack([bound.log_fail, bound.log_rival]), axis=1, return_inverse=True)

        def margin(radius: float, rows: NDArray[np.intp]) -> Float:
            return _margin(self._laws(measure, radius, shape), *bounds[:, rows])

        radius = largest_radius(margin, bounds.shape[1], measure.diameter(shape), measure.distance.integer)
        return np.asarray(radius[row_of.ravel()])

    def _laws(self, measure: SmoothingMeasure, radius: float, shape: Sequence[int]) -> list[PrivacyLoss]:
        loss = measure.joint_loss([*self.budgets, radius], shape)
        return loss if isinstance(loss, list) else [loss]


def _margin(losses: Sequence[PrivacyLoss], log_fail: Float, log_rival: Float) -> Float:
    return np.asarray(np.min([loss.margin(log_fail, log_rival) for loss in losses], axis=0))
