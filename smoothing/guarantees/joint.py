"""The tight guarantee for several objects that change together."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from smoothing.arguments import numbers, refuse, sequence
from smoothing.certificates.certificates import BESIDES
from smoothing.distance import Distance
from smoothing.guarantees.guarantee import Guarantee, VoteBound
from smoothing.guarantees.neyman_pearson import NeymanPearson
from smoothing.guarantees.search import largest_radius
from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.rounding import Float
from smoothing.privacy_loss import PrivacyLoss

_ONE = "must be one for each certifier: `Certification` and `split` make several certifiers of one"


class JointNeymanPearson(Guarantee):
    """Tight guarantee for a `Product`: the largest radius of its last part for given budgets of the others.

    One budget gives one point of the frontier, such as the largest norm for 3 flips (THEORY.md section 9). Several
    budgets give several points: a run has one certifier for each of them, which all share their draws; see `split`.
    The certificates of an example follow from one bound on its vote, so they hold together. A row abstains if its
    budget alone can change the prediction.

    Args:
        budgets: Points of the frontier, at least one, all different. Each is a distance of the first of two parts, at
            least 0, or a list with one such number for each part but the last.

    Raises:
        ValueError: If a budget is negative, infinite or not a number, or is given twice.
    """

    def __init__(self, budgets: Sequence[float | Sequence[float]]) -> None:
        allowed = "finite numbers of at least 0, or lists of them, all different, at least one"
        sequence(self, budgets=budgets)
        points = [tuple(point) if isinstance(point, (list, tuple)) else (point,) for point in budgets]
        for point in points:
            numbers(self, allowed, budgets=point)
            if not point or min(point) < 0:
                refuse(self, "budgets", list(budgets), allowed)
        if not points or len(set(points)) < len(points):
            refuse(self, "budgets", list(budgets), allowed)
        self.budgets = tuple(budgets)
        self._points = points

    @property
    def _point(self) -> tuple[float, ...]:
        if len(self._points) > 1:
            raise ValueError(f"JointNeymanPearson: budgets = {list(self.budgets)}; {_ONE}")
        return self._points[0]

    def supports(self, measure: SmoothingMeasure) -> str | None:
        """Return why the guarantee does not support ``measure``, or None; see `Guarantee.supports`."""
        name, given = type(measure).__name__, f"budgets = {list(self.budgets)}"
        if not measure.beside:
            return f"{given} with {name}; must be a Product of several parts, or the guarantee NeymanPearson"
        for point in self._points:
            if len(point) != len(measure.beside):
                return f"{given}; must have {len(measure.beside)} numbers each, one per part of {name} but the last"
            for budget, distance in zip(point, measure.beside, strict=True):
                if distance.integer and not float(budget).is_integer():
                    return f"{given}; must be whole numbers of {distance.unit}"
        return f"{given}; {_ONE}" if len(self._points) > 1 else None

    def split(self, measure: SmoothingMeasure) -> "dict[str, Guarantee]":
        """Return one guarantee for each budget, such as ``3_flips``; see `Guarantee.split`."""
        if not measure.beside or any(len(point) != len(measure.beside) for point in self._points):
            return super().split(measure)
        names = ["_".join(map(_named, point, measure.beside)) for point in self._points]
        if len(names) == 1:
            return {names[0]: self}
        return {name: JointNeymanPearson([given]) for name, given in zip(names, self.budgets, strict=True)}

    def assumptions_under(self, measure: SmoothingMeasure) -> tuple[str, ...]:
        """Return the budgets with their units; see `Guarantee.assumptions_under`."""
        return tuple(
            f"{BESIDES}{budget:g} {distance.unit} ({distance.norm})"
            for budget, distance in zip(self._point, measure.beside, strict=True)
        )

    def leads(self, measure: SmoothingMeasure, bound: VoteBound, shape: Sequence[int]) -> NDArray[np.bool_]:
        """Return whether the prediction holds at the budgets; see `Guarantee.leads`."""
        ahead = bound.leads()
        if any(self._point):
            rows = np.flatnonzero(ahead)
            margin = _margin(self._laws(measure, 0.0, shape), bound.log_fail[rows], bound.log_rival[rows])
            ahead[rows] = margin > 0
        return ahead

    def radius(self, measure: SmoothingMeasure, bound: VoteBound, shape: Sequence[int]) -> Float:
        """Return certified radii, ``(batch,)`` float64; see `Guarantee.radius`."""
        if not any(self._point):
            return NeymanPearson().radius(measure, bound, shape)
        bounds, row_of = np.unique(np.stack([bound.log_fail, bound.log_rival]), axis=1, return_inverse=True)

        def margin(radius: float, rows: NDArray[np.intp]) -> Float:
            return _margin(self._laws(measure, radius, shape), *bounds[:, rows])

        radius = largest_radius(margin, bounds.shape[1], measure.diameter(shape), measure.distance.integer)
        return np.asarray(radius[row_of.ravel()])

    def _laws(self, measure: SmoothingMeasure, radius: float, shape: Sequence[int]) -> list[PrivacyLoss]:
        loss = measure.joint_loss([*self._point, radius], shape)
        return loss if isinstance(loss, list) else [loss]


def _named(budget: float, distance: Distance) -> str:
    """Return a budget as a part of a name, such as ``3_flips`` or ``0.5_l2``."""
    number = int(budget) if float(budget).is_integer() else float(budget)
    return f"{number}_{distance.unit if distance.integer else distance.norm}".replace(" ", "_")


def _margin(losses: Sequence[PrivacyLoss], log_fail: Float, log_rival: Float) -> Float:
    return np.asarray(np.min([loss.margin(log_fail, log_rival) for loss in losses], axis=0))
