"""The contract of poisoning attacks, and the loop that crafts poisons."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from math import inf
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from datamodules.base import DataModule
from datamodules.poisoning.budget import Budget
from datamodules.poisoning.poisoned import PoisonedDataModule
from datamodules.poisoning.poisons import Poisons
from datamodules.poisoning.problem import START, Problem
from datamodules.poisoning.setup import Setup
from datamodules.poisoning.trigger import Trigger
from smoothing.arguments import at_least, finite, instance, positive, refuse, refuse_words, sequence
from smoothing.attacks import standing_still
from smoothing.provenance.identity import state_hashes
from smoothing.representation import Represented

Loss = Callable[[Tensor, int], Tensor]
"""Maps poisons ``(count, ...)`` and the number of a step to losses: one, or one per poison."""


class PoisoningAttack(Represented, ABC):
    """A search for small changes of training images, after which a trained network predicts a class for a target.

    Labels are not changed. A new attack is a subclass with `objective`, which `craft` minimises by gradient steps
    within the budget. It overrides `start`, `factor`, `optimiser` or `optimise` if it starts or moves in another way,
    and `choose` if it selects the images to change.

    Args:
        steps: Number of gradient steps, at least 0.
        learning_rate: Learning rate, above 0.
        restarts: Number of runs, at least 1, of which the one with the lowest loss counts.
        signed: Whether to replace gradients by the direction of steepest descent in the norm of the budget: signs in
            l-inf, and gradients of an image scaled to a root mean square of 1 in l2.
        enough: Loss, summed over poisons, below which the steps end, at least 0. Default: all steps are made.
        trigger: Patch on the target at test time; None if the target is attacked unchanged.

    Raises:
        ValueError: If an argument is out of its range.

    Attributes:
        crafts_on: What the networks compute: ``"bodies"`` map images to features, ``"classifiers"`` to logits.
    """

    crafts_on: ClassVar[Literal["bodies", "classifiers"]] = "bodies"

    def __init__(
        self,
        steps: int,
        learning_rate: float,
        restarts: int = 1,
        signed: bool = False,
        enough: float | None = None,
        trigger: Trigger | None = None,
    ) -> None:
        at_least(self, 0, steps=steps)
        positive(self, learning_rate=learning_rate)
        at_least(self, 1, restarts=restarts)
        instance(self, bool, signed=signed)
        if enough is not None:
            finite(self, 0, enough=enough)
        instance(self, (Trigger, type(None)), trigger=trigger)
        self.steps = steps
        self.learning_rate = learning_rate
        self.restarts = restarts
        self.signed = signed
        self.enough = enough
        self.trigger = trigger

    @abstractmethod
    def objective(self, problem: Problem) -> Loss:
        """Return the loss that is minimised.

        What does not depend on the poisons, such as features of the target, is computed here, once.

        Args:
            problem: Target, bases, budget and networks.

        Returns:
            Differentiable function of poisons, ``(count, ...)`` float32 on the device of the problem, and the number of
            the step, from 0, for random draws.
        """

    def choose(self, problem: Problem) -> Sequence[int]:
        """Return which bases to change: ``count`` of their indices. The default is the first ones."""
        return range(problem.budget.count)

    def start(self, problem: Problem, generator: torch.Generator) -> Tensor:
        """Return initial poisons like ``problem.bases``, which are projected afterwards. The default is the bases."""
        return problem.bases.clone()

    def optimiser(self, images: Tensor) -> torch.optim.Optimizer:
        """Return the optimiser of the poisons. The default is Adam."""
        return torch.optim.Adam([images], lr=self.learning_rate)

    def factor(self, step: int) -> float:
        """Return the factor of the learning rate in a step. The default is 1."""
        return 1.0

    def optimise(self, problem: Problem, loss: Loss, generator: torch.Generator) -> Tensor:
        """Return the poisons of one run, ``(count, ...)``, without gradient.

        Args:
            problem: Target, bases, budget and networks.
            loss: Result of `objective`.
            generator: Source of the initial poisons, on the CPU.
        """
        images = problem.project(self.start(problem, generator)).requires_grad_()
        optimiser = self.optimiser(images)
        for step in range(self.steps):
            losses = loss(images, step)
            if self.enough is not None and float(losses.detach().sum()) < self.enough:
                break
            (gradient,) = torch.autograd.grad(losses.sum(), images)
            images.grad = _steepest(gradient, problem.budget) if self.signed else gradient
            optimiser.param_groups[0]["lr"] = self.learning_rate * self.factor(step)
            optimiser.step()
            with torch.no_grad():
                images.copy_(problem.project(images))
        return images.detach()

    def craft(
        self, data: DataModule, setup: Setup, budget: Budget, networks: Sequence[nn.Module], seed: int = 0
    ) -> Poisons:
        """Craft poisons. Equal arguments give equal bytes on equal hardware.

        Args:
            data: The clean data, of which `setup` was called, with images on the scale [0, 1].
            setup: Target, intended class and bases. Bases beyond ``budget.count`` are candidates; see `choose`.
            budget: Number of poisons and size of their changes, which is held exactly.
            networks: Networks to craft on, on one device: the victim's, or others of which the poisons are expected to
                transfer. Each attack states what they compute.
            seed: Seed of all random draws, at least 0.

        Raises:
            ValueError: If the setup does not fit the data, or an argument is out of its range.
        """
        problem = self._problem(data, setup, budget, networks, seed)
        with ExitStack() as stack, torch.enable_grad():
            for network in networks:
                stack.enter_context(standing_still(network))
            chosen = list(self.choose(problem))
            problem = problem.restricted(chosen)
            loss = self.objective(problem)
            best, least = problem.bases, inf
            for restart in range(self.restarts):
                images = problem.project(self.optimise(problem, loss, problem.generator(START, restart)))
                found = _value(loss, images)
                if found < least or restart == 0:
                    best, least = images, found
            before = _value(loss, problem.bases)
            described = [_description(network, data) for network in networks]
        images = best.cpu()
        budget.check(images, problem.bases.cpu())
        return Poisons(
            images=images,
            positions=problem.positions,
            setup=setup,
            budget=budget,
            attack=repr(self),
            seed=seed,
            data=data.fingerprint(),
            networks=described,
            loss_before=before,
            loss_after=least,
            trigger=self.trigger,
        )

    def poison(
        self, data: DataModule, setup: Setup, budget: Budget, networks: Sequence[nn.Module], seed: int = 0
    ) -> PoisonedDataModule:
        """Return the data with crafted poisons in the training set; see `craft`."""
        poisoned = PoisonedDataModule(data, self.craft(data, setup, budget, networks, seed))
        poisoned.setup()
        return poisoned

    def _problem(
        self, data: DataModule, setup: Setup, budget: Budget, networks: Sequence[nn.Module], seed: int
    ) -> Problem:
        instance(self, DataModule, data=data)
        instance(self, Setup, setup=setup)
        instance(self, Budget, budget=budget)
        sequence(self, networks=networks)
        for network in networks:
            instance(self, nn.Module, networks=network)
        if not networks:
            refuse(self, "networks", [], "at least one network")
        at_least(self, 0, seed=seed)
        setup.check(data)
        if budget.count > len(setup.bases):
            refuse(self, "count", budget.count, f"at most {len(setup.bases)}, the number of bases")
        x, _ = data.training_set()
        if not (x.min() >= 0 and x.max() <= 1):
            refuse_words(self, "data", type(data).__name__, "images on the scale [0, 1]")
        device = _device(networks)
        _, target, _ = data.test_set()[setup.target]
        target = target[None] if self.trigger is None else self.trigger(target[None])
        bases = x[list(setup.bases)].to(device)
        return Problem(data, setup, budget, (*networks,), seed, self.trigger, target.to(device), (*setup.bases,), bases)


def _value(loss: Loss, images: Tensor) -> float:
    """Return the mean loss in the first step."""
    return float(loss(images.detach().requires_grad_(), 0).detach().mean())


def _steepest(gradient: Tensor, budget: Budget) -> Tensor:
    """Return gradients like signs: of size 1 per pixel in l-inf, and in root mean square in l2."""
    return budget.ball.uphill(gradient) * (1.0 if budget.norm == "linf" else gradient[0].numel() ** 0.5)


def _tensors(network: nn.Module) -> Iterable[Tensor]:
    yield from network.parameters()
    yield from network.buffers()


def _device(networks: Sequence[nn.Module]) -> torch.device:
    return next((tensor.device for network in networks for tensor in _tensors(network)), torch.device("cpu"))


def _description(network: nn.Module, data: DataModule) -> dict[str, object]:
    trained_on = getattr(network, "trained_on", None)
    saw = None if trained_on is None else any(origin.overlaps(data.origin) for origin in trained_on)
    identity = state_hashes({"network": network})["network"]
    return {"class": type(network).__name__, "sha256": identity, "saw_training_set": saw}
