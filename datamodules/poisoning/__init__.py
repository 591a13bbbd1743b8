"""Poisoned training sets: attacks that change training images, without changing labels, to have a target misclassified.

A new attack is a subclass of `PoisoningAttack`, exported here. An attack shows what a defence is worth against it. It
proves no certificate.
"""

from typing import TYPE_CHECKING

from smoothing.lazy import attach

if TYPE_CHECKING:
    from datamodules.poisoning.attack import PoisoningAttack
    from datamodules.poisoning.benchmark import read_setups, write_setups
    from datamodules.poisoning.budget import Budget
    from datamodules.poisoning.poisoned import PoisonedDataModule
    from datamodules.poisoning.poisons import Poisons
    from datamodules.poisoning.problem import Problem
    from datamodules.poisoning.setup import Setup, draw_setups
    from datamodules.poisoning.trigger import Trigger

__getattr__, __dir__ = attach(__name__, __file__)

__all__ = [
    "Budget",
    "PoisonedDataModule",
    "PoisoningAttack",
    "Poisons",
    "Problem",
    "Setup",
    "Trigger",
    "draw_setups",
    "read_setups",
    "write_setups",
]
