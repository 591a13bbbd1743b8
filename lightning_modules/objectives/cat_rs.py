"""CAT-RS: confidence-aware training."""

from types import NoneType

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, kl_div

from lightning_modules.networks.frozen_classifier import FrozenClassifier
from lightning_modules.objectives.attacker import shorten
from lightning_modules.objectives.noise import Noise
from lightning_modules.objectives.objective import Objective
from smoothing.arguments import at_least, finite, instance, positive
from smoothing.attacks import Draws, ascend, mean_log_probability, standing_still
from smoothing.numerics.random import generator


class CATRS(Objective):
    """Confidence-aware training: drops the worst draws of hard images, and attacks the noise of easy ones.

    Jeong et al. (2023), eq. 7-10. For each image, ``K ~ Bin(m, p)`` with ``p`` its accuracy over the m draws, at least
    1. The loss is the sum of the K least cross-entropies over m, plus, where ``K = m``, ``weight`` times the largest
    divergence ``KL(t || F(x + noise_i'))``. There each ``noise_i'`` lies within an l2 ball around ``noise_i``, keeps
    its mean and square mean, and ``t`` is a smoothed prediction.

    Args:
        weight: Weight lambda of the second term, at least 0; 0.5, 1 and 2 in the paper at sigma 0.25, 0.5 and 1.
        draws: Number of draws m per image, at least 1.
        radius: Radius of the ball, above 0.
        steps: Number of attack steps, at least 1; each is ``2 radius / steps`` long.
        teacher: Classifier with the smoothed prediction ``t``; in the paper, one trained by noise augmentation at sigma
            0.25. Default: the network under training itself.
        teacher_draws: Number of draws for the teacher's prediction, under the measure of its training, at least 1.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        weight: float = 1.0,
        draws: int = 4,
        radius: float = 1.0,
        steps: int = 4,
        teacher: FrozenClassifier | None = None,
        teacher_draws: int = 32,
    ) -> None:
        finite(self, 0, weight=weight)
        at_least(self, 1, draws=draws, steps=steps, teacher_draws=teacher_draws)
        positive(self, radius=radius)
        instance(self, (FrozenClassifier, NoneType), teacher=teacher)
        self.weight = weight
        self.draws = draws
        self.radius = radius
        self.steps = steps
        self.teacher = teacher
        self.teacher_draws = teacher_draws

    def loss(self, network: nn.Module, noise: Noise, x: Tensor, labels: Tensor, epoch: int) -> Tensor:
        """See `Objective.loss`."""
        draws = noise.draws(self.draws)
        noisy = draws(x)
        logits = network(noisy)
        right = (logits.argmax(1) == labels.repeat(self.draws)).unflatten(0, (self.draws, -1))
        source = generator((*draws.key, 1), x.device)
        kept = torch.binomial(torch.full_like(labels, self.draws).float(), right.float().mean(0), generator=source)
        kept = kept.clamp(min=1)

        losses: Tensor = cross_entropy(logits, labels.repeat(self.draws), reduction="none")
        losses = losses.unflatten(0, (self.draws, -1))
        rank = torch.arange(self.draws, device=x.device)[:, None]
        low = (losses.sort(0).values * (rank < kept)).sum(0) / self.draws

        target = self._target(logits.detach(), noise, x)
        worst = self._attack(network, noisy, x, target)
        high: Tensor = _divergence(network(worst), target).unflatten(0, (self.draws, -1))
        return (low + self.weight * (kept == self.draws) * high.amax(0)).mean()

    def _target(self, logits: Tensor, noise: Noise, x: Tensor) -> Tensor:
        if self.teacher is None:
            return mean_log_probability(logits, self.draws).exp()
        requested = noise.draws(self.teacher_draws)
        predicted = self.teacher.to(x.device)(Draws(self.teacher.measure, requested.number, requested.key)(x))
        return mean_log_probability(predicted, self.teacher_draws).exp()

    def _attack(self, network: nn.Module, noisy: Tensor, x: Tensor, target: Tensor) -> Tensor:
        clean = x.repeat(self.draws, *[1] * (x.dim() - 1))
        mean, size = _moments(noisy - clean)

        def project(moved: Tensor) -> Tensor:
            drawn = noisy + shorten(moved - noisy, self.radius) - clean
            middle, length = _moments(drawn)
            return clean + (drawn - middle) / length * size + mean

        with standing_still(network):
            return ascend(
                lambda moved: _divergence(network(moved), target),
                noisy,
                self.steps,
                2 * self.radius / self.steps,
                project,
            )


def _divergence(logits: Tensor, target: Tensor) -> Tensor:
    """Return ``KL(t || F)``, ``(draws * batch,)``."""
    predicted = logits.log_softmax(1)
    return kl_div(predicted, target.repeat(len(predicted) // len(target), 1), reduction="none").sum(1)


def _moments(noise: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and root mean square over the coordinates of each object, with broadcastable shape."""
    within = tuple(range(1, noise.dim()))
    return noise.mean(within, keepdim=True), noise.square().mean(within, keepdim=True).sqrt()
