"""The tilt: the ``t`` at which Chernoff's bound is evaluated. Any gives a valid bound; a good one is sought cheaply."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from smoothing.certifiers.margin import Margin

STEPS = 24
TOLERANCE = 0.01
"""Relative accuracy of the tilt. The bound loses only its square."""

TILT_BITS = 12
"""Bits of a tilt: enough for the bound, and so few that noise in the last bits of the search cannot show."""


@dataclass(frozen=True)
class Sketch:
    """A margin seen through a sample of its terms, with the mean and the spread of all.

    Attributes:
        sample: The margin of the sampled terms, their weights scaled to the spread of all.
        scale: How many terms each sampled one stands for.
        shift: ``(batch,)`` what is missing in the derivative of ``K``, at 0 and so everywhere.
        start: ``(batch,)`` the tilt of a normal law; 0 where the mean margin is not above 0.
    """

    sample: Margin
    scale: float
    shift: Tensor
    start: Tensor

    @classmethod
    def of(cls, sample: Margin, terms: int, squares: Tensor, slope: Tensor) -> "Sketch":
        """A sketch of a margin.

        Args:
            sample: The margin of some of its terms.
            terms: Number of all terms.
            squares: ``(batch,)`` sums of the squares of all weights.
            slope: ``(batch,)`` derivative of ``K`` at 0.
        """
        scale = terms / sample.terms
        seen = torch.stack([group.w.square().sum(1) for group in sample.groups]).sum(0) * scale
        spread = torch.where(seen > 0, squares / seen, 1).sqrt()[:, None]
        groups = [group._replace(w=group.w * spread) for group in sample.groups]
        whole = Margin(groups, torch.zeros_like(slope))
        sampled_slope, curvature = whole.derivatives(torch.zeros_like(slope))
        start = -slope / (scale * curvature).clamp(min=1e-300)
        return cls(whole, scale, slope - scale * sampled_slope, torch.where(slope < 0, start, 0))

    def best_tilt(self) -> Tensor:
        """Nearly the ``t`` that makes the sketched ``K`` least, ``(batch,)``; 0 unless the mean margin is above 0."""

        def derivatives(tilt: Tensor) -> tuple[Tensor, Tensor]:
            slope, curvature = self.sample.derivatives(tilt)
            return self.scale * slope + self.shift, self.scale * curvature

        return short(minimise(derivatives, self.start, self.sample.largest_tilt()))

    def log_mgf(self, tilt: Tensor) -> Tensor:
        """What the sketch takes ``K(tilt)`` to be, ``(batch,)``."""
        sampled = torch.from_numpy(self.sample.log_mgf(torch.minimum(tilt, self.sample.largest_tilt())))
        return self.scale * sampled + tilt * self.shift


def best_tilt(margin: Margin, start: Tensor) -> Tensor:
    """Nearly the ``t`` that makes ``K`` least, ``(batch,)``, sought on all terms from ``start``, above 0."""
    return short(minimise(margin.derivatives, start, margin.largest_tilt()))


def minimise(derivatives: Callable[[Tensor], tuple[Tensor, Tensor]], start: Tensor, largest: Tensor) -> Tensor:
    """Minimise convex functions of one variable on ``0 .. largest``, one a row, by Newton's method within brackets.

    A row's result does not depend on the other rows.

    Args:
        derivatives: First and second derivatives at ``(batch,)`` points.
        start: ``(batch,)`` first guesses; a row that starts at 0 stays there.
        largest: ``(batch,)`` ends of the brackets.

    Returns:
        ``(batch,)`` minimisers, to within `TOLERANCE`.
    """
    tilt = torch.minimum(start, largest)
    low, high = torch.zeros_like(tilt), largest
    settled = tilt == 0
    for _ in range(STEPS):
        if settled.all():
            break
        slope, curvature = derivatives(tilt)
        low, high = torch.where(slope < 0, tilt, low), torch.where(slope < 0, high, tilt)
        newton = tilt - slope / curvature.clamp(min=1e-300)
        middle = torch.where(low > 0, (low * high).sqrt(), high / 8)
        following = torch.where((newton > low) & (newton < high), newton, middle)
        arrived = (following - tilt).abs() <= TOLERANCE * tilt
        tilt = torch.where(settled, tilt, following)
        settled = settled | arrived
    return tilt


def short(tilt: Tensor) -> Tensor:
    """The tilt cut down to its leading bits."""
    mantissa, exponent = torch.frexp(tilt)
    return torch.ldexp((mantissa * 2**TILT_BITS).floor(), exponent - TILT_BITS)
