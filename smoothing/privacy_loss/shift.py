"""Privacy loss of noise under a shift along one line."""

import numpy as np

from smoothing.numerics.rounding import EPSILON, Float, step_up
from smoothing.privacy_loss.noise_law import TINIEST, NoiseLaw
from smoothing.privacy_loss.privacy_loss import PrivacyLoss


class ShiftLoss(PrivacyLoss):
    """The loss of symmetric log-concave noise under a shift: ``G(f) = F(F^-1(f) + shift)`` (THEORY.md section 2).

    Args:
        noise: Law of the noise along the line of the shift.
        shift: Length of the shift, at least 0.
    """

    def __init__(self, noise: NoiseLaw, shift: float) -> None:
        self.noise = noise
        self.shift = shift

    def normal_shift(self) -> float | None:
        """Return the shift in standard deviations if the noise is normal; see `PrivacyLoss.normal_shift`."""
        sigma = self.noise.normal_sigma
        return None if sigma is None else self.shift / sigma * (1 + EPSILON * (sigma != 1))

    def log_gain(self, log_f: Float) -> Float:
        """Return an upper bound on ``log G(f)``; see `PrivacyLoss.log_gain`."""
        log_f = np.asarray(log_f, np.float64)
        x = self.noise.quantile(np.clip(log_f, TINIEST, 0))
        # At f = 1 a quantile may be infinite. Its error is then infinite as well.
        error = 2 * self.noise.accuracy * (self.noise.scale + np.abs(x) + self.shift)
        gain = np.maximum(self.noise.log_cdf(x + self.shift + error), TINIEST)
        return np.minimum(np.maximum(step_up(gain, 2), log_f), 0)

    def kl(self) -> float:
        """Return an upper bound on the divergence; see `PrivacyLoss.kl`."""
        return self.noise.kl(self.shift)


def shift_radius(noise: NoiseLaw, log_fail: Float, log_rival: Float) -> Float:
    """Return the largest shift with ``G(fA) + G(fB) < 1``: ``-(F^-1(fA) + F^-1(fB)) / 2``, rounded down.

    Args:
        noise: Law of the noise.
        log_fail: ``(batch,)`` ``log fA``.
        log_rival: ``(batch,)`` ``log fB``.

    Returns:
        ``(batch,)`` float64, at least 0.
    """
    a, b = (noise.quantile(np.clip(log_f, TINIEST, 0)) for log_f in (log_fail, log_rival))
    error = (noise.accuracy / 2 + EPSILON) * (np.abs(a) + np.abs(b))
    return np.maximum(-(a + b) / 2 - error, 0)
