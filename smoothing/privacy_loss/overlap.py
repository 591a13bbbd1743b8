"""Privacy loss of uniform distributions: constant on the common support, infinite outside."""

import numpy as np

from smoothing.numerics.rounding import Float, step_up
from smoothing.privacy_loss.privacy_loss import PrivacyLoss


class OverlapLoss(PrivacyLoss):
    """The loss with ``G(f) = ratio f + lost``, at most 1 (THEORY.md section 2).

    Args:
        lost: Mass of ``rho`` outside the support of ``mu``, within [0, 1], rounded up.
        ratio: Likelihood ratio ``d rho / d mu`` on the common support, above 0, rounded up. It is 1 if both
            distributions are uniform on sets of one size.
    """

    def __init__(self, lost: float, ratio: float = 1.0) -> None:
        self.lost = lost
        self.ratio = ratio

    def log_gain(self, log_f: Float) -> Float:
        """Return an upper bound on ``log G(f)``; see `PrivacyLoss.log_gain`."""
        with np.errstate(divide="ignore"):
            kept = step_up(self.ratio * step_up(np.exp(log_f), 2), int(self.ratio != 1))
            gain = np.log(step_up(kept + self.lost, int(self.lost != 0)))
        return np.minimum(np.maximum(step_up(gain, 3), log_f), 0)

    def kl(self) -> float:
        """Return infinity if ``rho`` has mass outside the support of ``mu``; see `PrivacyLoss.kl`."""
        if self.lost > 0:
            return np.inf
        return 0.0 if self.ratio == 1 else max(0.0, float(step_up(np.log(self.ratio), 2)))
