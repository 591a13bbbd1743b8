"""Laws of the privacy loss: how far one smoothing distribution is from another."""

from smoothing.privacy_loss.privacy_loss import PrivacyLoss
from smoothing.privacy_loss.repeated import RepeatedLoss

__all__ = ["PrivacyLoss", "RepeatedLoss"]
