"""Sleeper Agent: a backdoor by matching of gradients."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from datamodules.base import Examples
from datamodules.poisoning.attack import Loss
from datamodules.poisoning.gradient_matching import GradientMatching, trainable
from datamodules.poisoning.problem import RETRAINING, Problem
from datamodules.poisoning.trigger import Trigger
from smoothing.arguments import at_least, function, instance

Retrain = Callable[[Examples, torch.Generator], Sequence[nn.Module]]
"""Trains the networks anew on inputs ``(n, ...)`` and labels ``(n,)`` on the CPU, with a source of randomness."""


class SleeperAgent(GradientMatching):
    """Aligns the gradient of the poisons with that of images with the trigger (Souri et al. 2022).

    See `GradientMatching` for objective and networks. The sources are training images of the target's class with the
    trigger at random places. The changed images are the bases with the largest gradients. During crafting, the networks
    are trained anew on the training set with the poisons of that step.

    Args:
        trigger: Patch on the target at test time and on the sources; 8 x 8 pixels in the paper.
        steps: Number of steps of Adam on signed gradients, at least 0.
        learning_rate: Initial learning rate, above 0, on the scale of the images.
        sources: Number of sources, at least 1.
        retrain: Trains the networks anew: takes the training inputs ``(n, ...)`` and labels ``(n,)`` with the poisons,
            and a generator, and returns the networks, with parameters that require gradients. Default: the networks
            stay the same.
        retrain_every: Number of steps between trainings, at least 1.
        augmented: Whether poisons are augmented like training images.
        batch_size: Number of images per gradient, at least 1.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        trigger: Trigger,
        steps: int = 250,
        learning_rate: float = 0.025,
        sources: int = 1000,
        retrain: Retrain | None = None,
        retrain_every: int = 50,
        augmented: bool = True,
        batch_size: int = 512,
    ) -> None:
        instance(self, Trigger, trigger=trigger)
        at_least(self, 1, sources=sources, retrain_every=retrain_every)
        if retrain is not None:
            function(self, retrain=retrain)
        super().__init__(steps, learning_rate, 1, augmented, batch_size, trigger)
        self._trigger = trigger
        self.sources = sources
        self.retrain = retrain
        self.retrain_every = retrain_every

    def aims(self, problem: Problem) -> Tensor:
        """Return the sources."""
        return problem.sources(self.sources, self._trigger, anywhere=True)

    def choose(self, problem: Problem) -> Sequence[int]:
        """Return the bases with the largest gradients, in their order."""
        sizes = torch.zeros(len(problem.bases), dtype=torch.float64)
        for index, image in enumerate(problem.bases):
            for network in problem.networks:
                value = cross_entropy(network(image[None]), problem.labels(1))
                slopes = torch.autograd.grad(value, trainable(self, network))
                sizes[index] += float(torch.cat([slope.flatten() for slope in slopes]).norm())
        largest = sizes.sort(descending=True, stable=True).indices[: problem.budget.count]
        return sorted(largest.tolist())

    def objective(self, problem: Problem) -> Loss:
        """Return the mean cosine distance of gradients for the networks that were trained last."""
        aims = self.aims(problem)
        pairs = [(network, self.aim(network, aims, problem)) for network in problem.networks]

        def loss(images: Tensor, step: int) -> Tensor:
            if step and step % self.retrain_every == 0 and self.retrain is not None:
                networks = self._trained(problem, images, step)
                pairs[:] = [(network, self.aim(network, aims, problem)) for network in networks]
            return self.distance(pairs, images, step, problem)

        return loss

    def _trained(self, problem: Problem, images: Tensor, step: int) -> Sequence[nn.Module]:
        """Return networks in evaluation mode that were trained on the poisons of a step."""
        assert self.retrain is not None
        x, labels = problem.data.training_set()
        poisoned = x.clone()
        poisoned[list(problem.positions)] = images.detach().cpu()
        networks = self.retrain((poisoned, labels), problem.generator(RETRAINING, step))
        return [network.to(problem.device).eval() for network in networks]
