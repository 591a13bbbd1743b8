"""Everything that an attack crafts poisons from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from datamodules.base import DataModule
from datamodules.poisoning.budget import Budget
from datamodules.poisoning.setup import Setup
from datamodules.poisoning.trigger import Trigger
from smoothing.numerics.random import generator

SOURCES, START, STEPS, RETRAINING = range(4)
"""Keys of independent random streams: source images, initial poisons, steps, retraining."""


@dataclass(frozen=True, eq=False)
class Problem:
    """Target, bases, budget and networks of one attack, on the device of the networks.

    Attributes:
        data: The clean data, on the CPU.
        setup: Target, intended class and bases.
        budget: Number of poisons and size of their changes.
        networks: The networks, in evaluation mode, which are not changed.
        seed: Seed of all random draws.
        trigger: Patch on the target; None if it is attacked unchanged.
        target: The target, ``(1, ...)``, with the trigger if there is one.
        positions: Positions of the bases in the training set.
        bases: Clean images at these positions, like ``positions``, ``(n, ...)``.
    """

    data: DataModule
    setup: Setup
    budget: Budget
    networks: tuple[nn.Module, ...]
    seed: int
    trigger: Trigger | None
    target: Tensor
    positions: tuple[int, ...]
    bases: Tensor

    @property
    def device(self) -> torch.device:
        """Device of all images."""
        return self.bases.device

    def generator(self, *key: int) -> torch.Generator:
        """Return a generator on the CPU that is a function of the seed and a key."""
        return generator((self.seed, *key))

    def restricted(self, chosen: Sequence[int]) -> "Problem":
        """Return the same problem with some of its bases, by their index among them."""
        kept = list(chosen)
        return replace(self, positions=tuple(self.positions[index] for index in kept), bases=self.bases[kept])

    def labels(self, number: int) -> Tensor:
        """Return the intended class, ``number`` times, int64."""
        return torch.full((number,), self.setup.intended, device=self.device)

    def project(self, images: Tensor) -> Tensor:
        """Return images within the budget; see `Budget.project`."""
        return self.budget.project(images, self.bases)

    def random(self, generator: torch.Generator) -> Tensor:
        """Return the bases, each pixel changed by a uniform random number within ``[-eps, eps]``.

        Args:
            generator: Source of randomness, on the CPU.
        """
        uniform = torch.rand(self.bases.shape, generator=generator).to(self.device)
        return self.bases + self.budget.eps * (2 * uniform - 1)

    def sources(self, number: int, trigger: Trigger, anywhere: bool = False) -> Tensor:
        """Return random training images of the class of the target, with a trigger, ``(number, ...)``.

        If the class has fewer images, they are repeated.

        Args:
            number: Number of images, at least 1.
            trigger: The trigger.
            anywhere: Whether the trigger is at a random place of each image.
        """
        x, labels = self.data.training_set()
        source = self.generator(SOURCES)
        members = (labels == self.setup.target_class).nonzero().flatten()
        order = members[torch.randperm(len(members), generator=source)]
        chosen = x[order[torch.arange(number) % len(order)]]
        return trigger(chosen, source if anywhere else None).to(self.device)
