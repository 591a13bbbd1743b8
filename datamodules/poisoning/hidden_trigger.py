"""Hidden-trigger backdoor: poisons with the features of images with the trigger."""

import torch
from torch import Tensor

from datamodules.poisoning.attack import Loss, PoisoningAttack
from datamodules.poisoning.features import features
from datamodules.poisoning.problem import Problem
from datamodules.poisoning.trigger import Trigger
from smoothing.arguments import finite, instance


class HiddenTrigger(PoisoningAttack):
    """Moves poisons to images with the trigger in feature space; no poison has the trigger (Saha et al. 2020).

    The objective of a poison is ``|f(s) - f(p)|^2``, averaged over bodies. The sources ``s`` are as many training
    images of the target's class, with the trigger; images of a small class are used again. In each step, poisons and
    sources are paired greedily, nearest first. Networks are bodies: they map images to features ``(n, ...)``.

    Args:
        trigger: Patch on the target at test time and on the sources.
        steps: Largest number of steps of gradient descent, at least 0.
        learning_rate: Learning rate, above 0, which is multiplied by 0.95 after every 2000 steps.
        enough: Loss, summed over poisons, below which the steps end, at least 0.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self, trigger: Trigger, steps: int = 5000, learning_rate: float = 0.001, enough: float = 10.0) -> None:
        instance(self, Trigger, trigger=trigger)
        finite(self, 0, enough=enough)
        super().__init__(steps, learning_rate, enough=enough, trigger=trigger)
        self._trigger = trigger

    def objective(self, problem: Problem) -> Loss:
        """Return the squared distances from the paired sources in feature space, one per poison."""
        sources = problem.sources(len(problem.bases), self._trigger)
        aims = features(problem.networks, sources)

        def loss(images: Tensor, step: int) -> Tensor:
            terms = []
            for body, aim in zip(problem.networks, aims, strict=True):
                found = body(images).flatten(1)
                pairs = nearest_first(torch.cdist(found.detach(), aim))
                terms.append((found - aim[pairs]).square().sum(1))
            return torch.stack(terms).mean(0)

        return loss

    def optimiser(self, images: Tensor) -> torch.optim.Optimizer:
        """Return gradient descent."""
        return torch.optim.SGD([images], lr=self.learning_rate)

    def factor(self, step: int) -> float:
        """Return the factor of the learning rate in a step."""
        return float(0.95 ** (step // 2000))


def nearest_first(distances: Tensor) -> Tensor:
    """Return a column for each row, each once, chosen greedily: the pair of least distance first.

    Args:
        distances: ``(n, n)``.

    Returns:
        ``(n,)`` int64 on the device of the distances.
    """
    left = distances.cpu().clone()
    columns = torch.zeros(len(left), dtype=torch.int64)
    for _ in range(len(left)):
        row, column = divmod(int(left.argmin()), left.shape[1])
        columns[row] = column
        left[row], left[:, column] = torch.inf, torch.inf
    return columns.to(distances.device)
