"""Learners: training procedures for the models of retrained votes.

Add here subclasses of `smoothing.votes.Learner`. Everything that they fit must come from the randomised training set.
"""

from typing import TYPE_CHECKING

from smoothing.lazy import attach

if TYPE_CHECKING:
    from lightning_modules.learners.fast_cifar import FastCifar
    from lightning_modules.learners.networks import Networks
    from lightning_modules.learners.perceptrons import Perceptrons
    from lightning_modules.learners.ridge_head import RidgeHead

__getattr__, __dir__ = attach(__name__, __file__)

__all__ = ["FastCifar", "Networks", "Perceptrons", "RidgeHead"]
