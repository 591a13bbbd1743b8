"""Search for the tilt: the ``t`` at which Chernoff's bound is evaluated. Every tilt gives a valid bound."""

from collections.abc import Callable

import torch
from torch import Tensor

from smoothing.certifiers.analytic.margin import Margin

STEPS = 24
TOLERANCE = 0.01
"""Relative accuracy of the tilt. The bound is off by the order of its square."""

TILT_BITS = 12
"""Bits of a tilt. Few, so that rounding noise in the search does not change certificates."""


def best_tilt(margin: Margin, start: Tensor) -> Tensor:
    """Return an approximate minimiser of ``K`` over all terms, ``(batch,)``, from ``start`` above 0."""
    return short(minimise(margin.derivatives, start, margin.largest_tilt()))


def minimise(derivatives: Callable[[Tensor], tuple[Tensor, Tensor]], start: Tensor, largest: Tensor) -> Tensor:
    """Minimise convex functions of one variable on ``0 .. largest``, one a row, by Newton's method within brackets.

    The result of a row does not depend on other rows.

    Args:
        derivatives: First and second derivatives at ``(batch,)`` points.
        start: ``(batch,)`` initial values; a row that starts at 0 stays at 0.
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
    """Return the tilt truncated to its leading bits."""
    mantissa, exponent = torch.frexp(tilt)
    return torch.ldexp((mantissa * 2**TILT_BITS).floor(), exponent - TILT_BITS)
