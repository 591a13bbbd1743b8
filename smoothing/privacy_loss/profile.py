"""Hockey-stick curves, from which the Neyman-Pearson function of a finite law is computed."""

from dataclasses import dataclass

import numpy as np

from smoothing.numerics.rounding import Float, step_up


@dataclass(frozen=True)
class Profile:
    """The hockey-stick curve ``H(s) = max_A rho(A) - e^s mu(A)`` at the values ``s`` of a finite privacy loss.

    For every ``s``, ``G(f) <= e^s f + H(s)``. The minimum over ``s`` equals ``G(f)``.

    Attributes:
        log_slope: ``(m,)`` values ``s``, ascending, rounded up.
        excess: ``(m,)`` ``H(s)``, rounded up.
        log_mass: ``(m,)`` ``log mu(L > s)``, descending. It selects the minimising ``s`` for a given ``f``.
    """

    log_slope: Float
    excess: Float
    log_mass: Float

    def log_gain(self, log_f: Float) -> Float:
        """Return an upper bound on ``log G(f)`` for float64 ``log_f`` of any shape."""
        log_f = np.asarray(log_f, np.float64)
        best = len(self.log_mass) - np.searchsorted(self.log_mass[::-1], log_f, side="right")
        best = np.minimum(best, len(self.log_mass) - 1)
        gain = np.exp(np.minimum(step_up(self.log_slope[best] + log_f, 2), 0)) * (1 + 1e-15) + self.excess[best]
        with np.errstate(divide="ignore"):
            return np.minimum(step_up(np.log(step_up(gain, 2)), 2), 0)
