"""Label-consistent backdoor: adversarial images with the trigger."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from datamodules.poisoning.attack import Loss, PoisoningAttack
from datamodules.poisoning.problem import Problem
from datamodules.poisoning.trigger import Trigger
from smoothing.arguments import instance


class LabelConsistent(PoisoningAttack):
    """Makes the bases hard to classify, then adds the trigger, so that training relies on it (Turner et al. 2019).

    The bases are moved by projected gradient descent, untargeted, to raise the cross-entropy of their own class; then
    they get the trigger. The whole change, trigger included, is projected onto the budget, as in the benchmark. The
    loss is minus the cross-entropy, averaged over networks. Networks are classifiers: they map images to logits
    ``(n, K)``, and should be adversarially trained.

    Args:
        trigger: Patch on the target at test time and on the poisons.
        steps: Number of steps, at least 0.
        learning_rate: Size of a step, above 0: per pixel in l-inf, and as root mean square over pixels in l2.

    Raises:
        ValueError: If an argument is out of its range.
    """

    crafts_on = "classifiers"

    def __init__(self, trigger: Trigger, steps: int = 20, learning_rate: float = 2 / 255) -> None:
        instance(self, Trigger, trigger=trigger)
        super().__init__(steps, learning_rate, signed=True, trigger=trigger)
        self._trigger = trigger

    def objective(self, problem: Problem) -> Loss:
        """Return minus the cross-entropy of the intended class, one loss per poison."""

        def loss(images: Tensor, step: int) -> Tensor:
            labels = problem.labels(len(images))
            terms = [cross_entropy(network(images), labels, reduction="none") for network in problem.networks]
            return -torch.stack(terms).mean(0)

        return loss

    def start(self, problem: Problem, generator: torch.Generator) -> Tensor:
        """Return random images within the budget."""
        return problem.random(generator)

    def optimiser(self, images: Tensor) -> torch.optim.Optimizer:
        """Return gradient descent."""
        return torch.optim.SGD([images], lr=self.learning_rate)

    def optimise(self, problem: Problem, loss: Loss, generator: torch.Generator) -> Tensor:
        """Return adversarial images with the trigger."""
        return self._trigger(super().optimise(problem, loss, generator))
