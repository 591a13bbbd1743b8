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
    from datamodules.poisoning.bullseye_polytope import BullseyePolytope
    from datamodules.poisoning.convex_polytope import ConvexPolytope
    from datamodules.poisoning.gradient_matching import GradientMatching
    from datamodules.poisoning.hidden_trigger import HiddenTrigger
    from datamodules.poisoning.label_consistent import LabelConsistent
    from datamodules.poisoning.poison_frogs import PoisonFrogs
    from datamodules.poisoning.poisoned import PoisonedDataModule
    from datamodules.poisoning.poisons import Poisons
    from datamodules.poisoning.problem import Problem
    from datamodules.poisoning.setup import Setup, draw_setups
    from datamodules.poisoning.sleeper_agent import SleeperAgent
    from datamodules.poisoning.trials import PoisoningTrials
    from datamodules.poisoning.trigger import ImageTrigger, RandomTrigger, Trigger
    from datamodules.poisoning.witches_brew import WitchesBrew

__getattr__, __dir__ = attach(__name__, __file__)

__all__ = [
    "Budget",
    "BullseyePolytope",
    "ConvexPolytope",
    "GradientMatching",
    "HiddenTrigger",
    "ImageTrigger",
    "LabelConsistent",
    "PoisonFrogs",
    "PoisonedDataModule",
    "PoisoningAttack",
    "PoisoningTrials",
    "Poisons",
    "Problem",
    "RandomTrigger",
    "Setup",
    "SleeperAgent",
    "Trigger",
    "WitchesBrew",
    "draw_setups",
    "read_setups",
    "write_setups",
]
