"""Adversarial examples of a smoothed classifier, for training against them."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from smoothing.attacks import Draws


class Attacker(ABC):
    """Looks for a small change of an image that the mean prediction under given draws does not survive."""

    @abstractmethod
    def attack(self, network: nn.Module, draws: Draws, x: Tensor, labels: Tensor, strength: float) -> Tensor:
        """Attack one batch.

        Args:
            network: From noisy images to logits ``(n, K)``.
            draws: The noise, the same at every image that is tried.
            x: Images ``(batch, ...)`` within [0, 1].
            labels: ``(batch,)`` int64.
            strength: Share of the attacker's radius that it may use, within (0, 1].

        Returns:
            Images like ``x``, within [0, 1], that carry no gradient.
        """


def shorten(change: Tensor, radius: float) -> Tensor:
    """Changes ``(batch, ...)``, none longer than ``radius`` in l2."""
    return change.renorm(2, 0, radius)
