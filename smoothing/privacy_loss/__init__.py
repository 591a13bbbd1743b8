"""Laws of the privacy loss ``log(d rho / d mu)`` of two smoothing distributions.

A law for a new measure is a subclass of `PrivacyLoss`. A one-dimensional noise law is a subclass of `NoiseLaw`.
"""

from typing import TYPE_CHECKING

from smoothing.lazy import attach

if TYPE_CHECKING:
    from smoothing.privacy_loss.finite_and_normal import FiniteAndNormalLoss, total_loss
    from smoothing.privacy_loss.mixture import NormalMixtureLoss
    from smoothing.privacy_loss.noise_law import GeneralisedNormalLaw, LaplaceLaw, NoiseLaw, NormalLaw, UniformLaw
    from smoothing.privacy_loss.overlap import OverlapLoss
    from smoothing.privacy_loss.privacy_loss import PrivacyLoss
    from smoothing.privacy_loss.repeated import RepeatedLoss
    from smoothing.privacy_loss.shift import ShiftLoss, shift_radius

__getattr__, __dir__ = attach(__name__, __file__)

__all__ = [
    "FiniteAndNormalLoss",
    "GeneralisedNormalLaw",
    "LaplaceLaw",
    "NoiseLaw",
    "NormalLaw",
    "NormalMixtureLoss",
    "OverlapLoss",
    "PrivacyLoss",
    "RepeatedLoss",
    "ShiftLoss",
    "UniformLaw",
    "shift_radius",
    "total_loss",
]
