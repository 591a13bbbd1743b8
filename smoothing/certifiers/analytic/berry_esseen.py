"""A tighter analytic tail bound: Chernoff's tilt, then the normal law with the Berry-Esseen error."""

import numpy as np
import torch
from scipy.special import log_ndtr
from torch import Tensor

from smoothing.certifiers.analytic.analytic_certifier import AnalyticCertifier
from smoothing.certifiers.analytic.margin import BLOCK, CACHED, EPS, Margin, row_sums
from smoothing.numerics.rounding import Float, step_up
from smoothing.votes.labels.linear import SCORE_BITS

BERRY_ESSEEN_CONSTANT = 0.56
"""For sums of independent terms with different laws (Shevtsova 2010)."""

LARGEST_ERROR = 1e-6
"""Largest relative error for which the refinement is used; it is then raised by ten times as much."""

GRID = 2.0**-24
"""Refinements are rounded up to multiples of this, so that rounding noise does not change certificates."""


class BerryEsseen(AnalyticCertifier):
    """The smaller of Chernoff's bound and the tilted Berry-Esseen bound of THEORY.md 4.4.

    It certifies only the majority vote (THEORY.md 4.2). The radius can exceed that of the mean vote.

    Args:
        guarantee: Turns the bound into a radius. Default: `NeymanPearson`, which is tight.
    """

    def log_bound(self, margin: Margin, tilt: Tensor, log_mgf: Float) -> Float:
        """Return Chernoff's bound times the refinement, if that is below one."""
        return step_up(log_mgf + log_refinement(margin, tilt), 1)


def log_refinement(margin: Margin, tilt: Tensor) -> Float:
    """Return the log of the factor by which the normal law improves on ``exp K(t)``, rounded up.

    It is 0 if rounding errors are too large.

    Under the law tilted by ``t``, minus the margin has mean ``-m``, variance ``s^2`` and third absolute central
    moments ``rho_j``; the factor is ``e^(t m + t^2 s^2 / 2) Phi(-m/s - t s) + 1.12 sum rho_j / s^3``.
    """
    mean, variance, third = (moment.numpy() for moment in _tilted_moments(margin, tilt))
    t, largest = tilt.numpy(), margin.largest_weight().numpy()
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        s = np.sqrt(variance)
        normal = t * mean + t**2 * variance / 2 + log_ndtr(-mean / s - t * s)
        factor = np.exp(normal) + 2 * BERRY_ESSEEN_CONSTANT * third / s**3
        # Each term has an error of a few units of 1 + |t w|; summation in blocks adds a few hundred units.
        error = 8 * EPS * (1 + t * largest + BLOCK + margin.terms / BLOCK)
        blur = error * (2.0**SCORE_BITS * (t + 1 / s) + 4 * (1 + (t * s) ** 2) + np.abs(normal))
        good = (t > 0) & (s > 0) & (blur < LARGEST_ERROR)
        log_factor = np.ceil(np.log(factor * (1 + 10 * LARGEST_ERROR)) / GRID) * GRID
    return np.where(good, np.minimum(log_factor, 0), 0.0)


def _tilted_moments(margin: Margin, tilt: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the mean of the margin and the sums of its variances and third absolute central moments, tilted."""
    mean, variance, third = margin.offset.clone(), torch.zeros_like(tilt), torch.zeros_like(tilt)
    for group in margin.groups:
        height = max(1, CACHED // max(1, group.w.shape[1]))
        for rows in (slice(top, top + height) for top in range(0, len(tilt), height)):
            w, up, down, same = (field[rows] for field in group)
            grown = w * tilt[rows, None]
            with np.errstate(over="ignore"):
                np.exp(grown.numpy(), out=grown.numpy())
            won, lost = up / grown, grown.mul_(down)
            total = (lost + won).add_(same)
            kept = same / total
            lost.div_(total)
            won.div_(total)
            centre = won - lost
            below, above = 1 - centre, 1 + centre
            mean[rows] += row_sums(w * centre)
            squares, cubes = won.mul_(below).mul_(below), lost.mul_(above).mul_(above)
            size = w.abs()
            spread = (squares + cubes).add_(kept * centre * centre)
            variance[rows] += row_sums(spread.mul_(size).mul_(size))
            spread = squares.mul_(below).add_(cubes.mul_(above)).add_(kept.mul_(centre.abs_().pow_(3)))
            third[rows] += row_sums(spread.mul_(size).mul_(size).mul_(size))
    return mean, variance, third
