"""Privacy loss of uniform noise: 0 on the common support, infinite outside."""

import numpy as np

from smoothing.numerics.rounding import Float, step_up
from smoothing.privacy_loss.privacy_loss import PrivacyLoss


class OverlapLoss(PrivacyLoss):
    """The loss with ``G(f) = f + lost``; ``lost`` is the ``rho`` mass outside ``mu``'s support (THEORY.md section 2).

    Args:
        lost: Mass outside the support, within [0, 1], rounded up.
    """

    def __init__(self, lost: float) -> None:
        self.lost = lost

    def log_gain(self, log_f: Float) -> Float:
        """Return an upper bound on ``log G(f)``; see `PrivacyLoss.log_gain`."""
        with np.errstate(divide="ignore"):
            gain = np.log(step_up(np.exp(log_f), 2) + self.lost)
        return np.minimum(np.maximum(step_up(gain, 3), log_f), 0)

    def kl(self) -> float:
        """Return infinity unless the supports agree; see `PrivacyLoss.kl`."""
        return np.inf if self.lost > 0 else 0.0
