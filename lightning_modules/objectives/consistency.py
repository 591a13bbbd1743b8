"""Consistency regularisation."""

from torch import Tensor, nn
from torch.nn.functional import cross_entropy, kl_div

from lightning_modules.objectives.noise import Noise
from lightning_modules.objectives.objective import Objective
from smoothing.arguments import at_least, finite
from smoothing.attacks import mean_log_probability


class Consistency(Objective):
    """Cross-entropy, plus regularisers: predictions under noise are close to their mean, and the mean has low entropy.

    Jeong and Shin (2020), eq. 8: with ``F_i`` the prediction under draw ``i`` and ``F`` their mean,
    ``mean_i [CE(F_i, y) + weight * KL(F || F_i)] + entropy_weight * H(F)``.

    Args:
        weight: Weight lambda of the divergence, at least 0; 5 to 20 in the paper.
        entropy_weight: Weight eta of the entropy, at least 0.
        draws: Number of draws m per image, at least 2.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self, weight: float = 10.0, entropy_weight: float = 0.5, draws: int = 2) -> None:
        finite(self, 0, weight=weight, entropy_weight=entropy_weight)
        at_least(self, 2, draws=draws)
        self.weight = weight
        self.entropy_weight = entropy_weight
        self.draws = draws

    def loss(self, network: nn.Module, noise: Noise, x: Tensor, labels: Tensor, epoch: int) -> Tensor:
        """See `Objective.loss`."""
        logits = network(noise.draws(self.draws)(x))
        mean = mean_log_probability(logits, self.draws)
        divergence = kl_div(logits.log_softmax(1), mean.repeat(self.draws, 1), reduction="batchmean", log_target=True)
        entropy = -(mean.exp() * mean).sum(1).mean()
        return (
            cross_entropy(logits, labels.repeat(self.draws)) + self.weight * divergence + self.entropy_weight * entropy
        )
