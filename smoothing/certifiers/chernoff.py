"""Chernoff's bound on a linear vote: the certificate of Rosenfeld et al. (2020)."""

from torch import Tensor

from smoothing.certifiers.analytic import AnalyticCertifier
from smoothing.certifiers.margin import Margin
from smoothing.rounding import Float


class Chernoff(AnalyticCertifier):
    """``log Pr[s_i <= s_i'] <= min_t K(t)`` (Rosenfeld et al. 2020, eq. 6 and B.2; THEORY.md 4.1).

    The tilt ``t`` is sought cheaply and the bound then evaluated once on all points, every rounding outward.
    """

    def log_bound(self, margin: Margin, tilt: Tensor, log_mgf: Float) -> Float:
        """Chernoff's bound as it is."""
        return log_mgf
