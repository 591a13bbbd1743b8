"""The contract of attackers: adversarial examples of a smoothed classifier, for training."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from smoothing.attacks import Draws


class Attacker(ABC):
    """Search for a small change of an image that alters the mean prediction under given draws."""

    @abstractmethod
    def attack(self, network: nn.Module, draws: Draws, x: Tensor, labels: Tensor, strength: float) -> Tensor:
        """Attack one batch.

        Args:
            network: Maps noisy images to logits ``(n, K)``.
            draws: The noise; the same for every candidate image.
            x: Images ``(batch, ...)`` within [0, 1].
            labels: ``(batch,)`` int64.
            strength: Fraction of the radius to use, within (0, 1].

        Returns:
            Images like ``x``, within [0, 1], without gradient.
        """


def shorten(change: Tensor, radius: float) -> Tensor:
    """Scale changes ``(batch, ...)`` down to an l2 length of at most ``radius``."""
    return change.renorm(2, 0, radius)
