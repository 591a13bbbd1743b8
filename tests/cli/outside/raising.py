"""A measure with a defect."""

from collections.abc import Sequence

from redraw import Redraw

from smoothing.privacy_loss import PrivacyLoss


class Raising(Redraw):
    """Redraw with a privacy loss that raises."""

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss:
        raise TypeError("no such law")
