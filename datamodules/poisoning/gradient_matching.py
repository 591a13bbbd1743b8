"""Matching of gradients, the basis of Witches' Brew and Sleeper Agent."""

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from datamodules.poisoning.attack import Loss, PoisoningAttack
from datamodules.poisoning.problem import STEPS, Problem
from datamodules.poisoning.trigger import Trigger
from smoothing.arguments import at_least, instance, refuse_words

DROPS = (3 / 8, 5 / 8, 7 / 8)
"""Fractions of the steps after which the learning rate is divided by 10."""


class GradientMatching(PoisoningAttack):
    """Aligns the gradient of training on the poisons with the gradient of training on the target's intended label.

    The objective is ``1 - cos(a, p)``, averaged over networks: ``a`` is the gradient of the cross-entropy of the
    intended class at the images of `aims`, ``p`` the gradient of the cross-entropy of the poisons at their labels
    (Geiping et al. 2021, eq. 3). Poisons are augmented at random like training images, see `DataModule.augment`.

    Networks are classifiers: they map images to logits ``(n, K)``. Gradients are those of all parameters that require
    gradients: of the whole network for a victim that trains from scratch; or of the head alone, with a frozen body.
    Then no gradient of second order passes through the body.

    Args:
        steps: Number of steps of Adam on signed gradients, at least 0.
        learning_rate: Initial learning rate, above 0, on the scale of the images. It is divided by 10 after 3/8, 5/8
            and 7/8 of the steps.
        restarts: Number of runs from random images within the budget, at least 1, of which the best one counts.
        augmented: Whether poisons are augmented.
        batch_size: Number of poisons per gradient, at least 1.
        trigger: Patch on the target at test time; None if the target is attacked unchanged.

    Raises:
        ValueError: If an argument is out of its range.
    """

    crafts_on = "classifiers"

    def __init__(
        self,
        steps: int,
        learning_rate: float,
        restarts: int,
        augmented: bool,
        batch_size: int,
        trigger: Trigger | None = None,
    ) -> None:
        super().__init__(steps, learning_rate, restarts=restarts, signed=True, trigger=trigger)
        instance(self, bool, augmented=augmented)
        at_least(self, 1, batch_size=batch_size)
        self.augmented = augmented
        self.batch_size = batch_size

    @abstractmethod
    def aims(self, problem: Problem) -> Tensor:
        """Return the images that should be classified as the intended class, ``(n, ...)``."""

    def objective(self, problem: Problem) -> Loss:
        """Return the mean cosine distance of gradients.

        Raises:
            ValueError: If no parameter of a network requires a gradient.
        """
        aims = self.aims(problem)
        pairs = [(network, self.aim(network, aims, problem)) for network in problem.networks]

        def loss(images: Tensor, step: int) -> Tensor:
            return self.distance(pairs, images, step, problem)

        return loss

    def aim(self, network: nn.Module, aims: Tensor, problem: Problem) -> list[Tensor]:
        """Return the gradient that poisons should have, one tensor per parameter."""
        parameters = trainable(self, network)
        sums = [torch.zeros_like(parameter) for parameter in parameters]
        for part in aims.split(self.batch_size):
            value = cross_entropy(network(part), problem.labels(len(part)), reduction="sum") / len(aims)
            for total, slope in zip(sums, torch.autograd.grad(value, parameters), strict=True):
                total += slope
        return sums

    def distance(
        self, pairs: Sequence[tuple[nn.Module, list[Tensor]]], images: Tensor, step: int, problem: Problem
    ) -> Tensor:
        """Return the mean cosine distance of the gradient of the poisons from that of each network's aim."""
        terms = []
        for number, part in enumerate(images.split(self.batch_size)):
            seen = self._augmented(part, problem, step, number)
            for network, aim in pairs:
                value = cross_entropy(network(seen), problem.labels(len(seen)))
                slopes = torch.autograd.grad(value, trainable(self, network), create_graph=True)
                terms.append(cosine_distance(slopes, aim) * (len(part) / len(images)))
        return torch.stack(terms).sum() / len(pairs)

    def start(self, problem: Problem, generator: torch.Generator) -> Tensor:
        """Return random images within the budget."""
        return problem.random(generator)

    def factor(self, step: int) -> float:
        """Return the factor of the learning rate in a step."""
        return float(0.1 ** sum(step >= drop * self.steps for drop in DROPS))

    def _augmented(self, images: Tensor, problem: Problem, step: int, number: int) -> Tensor:
        if not self.augmented:
            return images
        # Augmentations draw from the global generator.
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(problem.generator(STEPS, step, number).get_state())
            return torch.stack([problem.data.augment(image) for image in images])


def trainable(owner: object, network: nn.Module) -> list[nn.Parameter]:
    """Return the parameters that require gradients.

    Args:
        owner: Attack that ``networks`` is an argument of.
        network: The network.

    Raises:
        ValueError: If there are none.
    """
    found = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if not found:
        refuse_words(owner, "networks", type(network).__name__, "a network with parameters that require gradients")
    return found


def cosine_distance(some: Sequence[Tensor], others: Sequence[Tensor]) -> Tensor:
    """Return one minus the cosine of the angle between two lists of tensors, each read as one vector."""
    first, second = (torch.cat([tensor.flatten() for tensor in tensors]) for tensors in (some, others))
    return 1 - torch.nn.functional.cosine_similarity(first, second, dim=0, eps=1e-20)
