"""Learners: training procedures for the models of retrained votes.

Add here subclasses of `smoothing.votes.Learner`. Everything that they fit must come from the randomised training set.
"""

from lightning_modules.learners.fast_cifar import FastCifar
from lightning_modules.learners.networks import Networks
from lightning_modules.learners.perceptrons import Perceptrons
from lightning_modules.learners.ridge_head import RidgeHead

__all__ = ["FastCifar", "Networks", "Perceptrons", "RidgeHead"]
