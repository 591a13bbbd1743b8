"""SmoothMix: mixtures of images and adversarial examples of the smoothed classifier."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, kl_div

from lightning_modules.objectives.attacker import shorten
from lightning_modules.objectives.noise import Noise
from lightning_modules.objectives.objective import Objective, ramp
from smoothing.arguments import at_least, finite, instance, positive
from smoothing.attacks import ascend, mean_log_probability, smoothed_loss, standing_still
from smoothing.numerics.random import generator


class SmoothMix(Objective):
    """Cross-entropy, plus a divergence that makes predictions more uniform towards adversarial examples.

    Jeong et al. (2021), eq. 7-10: the adversarial example ``x~`` is ``steps`` normalised gradient steps away, not
    restricted to a ball. With ``l`` uniform on [0, 1/2], the target of the mixture ``(1-l) x + l x~`` is
    ``(1-l) F(x) + l / K``, where ``F(x)`` is the mean prediction under noise. Images with a wrong ``F(x)`` have no
    divergence term.

    Args:
        weight: Weight eta of the divergence, at least 0; 1 or 5 in the paper.
        draws: Number of draws m per image, at least 1.
        steps: Number of steps T, at least 1.
        step: Length alpha of a step in l2, above 0; in the paper, 0.5, 1 and 2 on CIFAR-10 at sigma
            0.25, 0.5 and 1.
        one_step: Whether to mix from the image after one step instead of the image itself.
        warm_up: Number of epochs over which the divergence grows to its full weight, at least 0.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        weight: float = 5.0,
        draws: int = 2,
        steps: int = 4,
        step: float = 1.0,
        one_step: bool = False,
        warm_up: int = 10,
    ) -> None:
        finite(self, 0, weight=weight)
        at_least(self, 0, warm_up=warm_up)
        at_least(self, 1, draws=draws, steps=steps)
        positive(self, step=step)
        instance(self, bool, one_step=one_step)
        self.weight = weight
        self.draws = draws
        self.steps = steps
        self.step = step
        self.one_step = one_step
        self.warm_up = warm_up

    def loss(self, network: nn.Module, noise: Noise, x: Tensor, labels: Tensor, epoch: int) -> Tensor:
        """See `Objective.loss`."""
        draws, strength = noise.draws(self.draws), ramp(epoch, self.warm_up)

        def climb(start: Tensor, steps: int) -> Tensor:
            return ascend(lambda moved: smoothed_loss(network, draws, moved, labels), start, steps, self.step, _clip)

        with standing_still(network):
            near = climb(x, 1 if self.one_step else 0)
            far = climb(near, self.steps - (1 if self.one_step else 0))
        near = x + shorten(near - x, strength * self.step)

        logits = network(draws(near))
        mean = mean_log_probability(logits, self.draws).exp()
        share = torch.rand(len(x), generator=generator((*draws.key, 1)), dtype=x.dtype).to(x.device) / 2
        mixed = torch.lerp(near, far, share.view(-1, *[1] * (x.dim() - 1)))
        target = torch.lerp(mean, torch.full_like(mean, 1 / mean.shape[1]), share[:, None])
        predicted = network(draws(mixed)).log_softmax(1)
        divergence = kl_div(predicted, target.repeat(self.draws, 1), reduction="none").sum(1)
        right = (mean.argmax(1) == labels).repeat(self.draws)
        return cross_entropy(logits, labels.repeat(self.draws)) + self.weight * strength * (right * divergence).mean()


def _clip(x: Tensor) -> Tensor:
    return x.clamp(0, 1)
