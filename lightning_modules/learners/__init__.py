"""Learners: how the models of retrained votes are trained."""

from lightning_modules.learners.fast_cifar import FastCifar
from lightning_modules.learners.networks import Networks
from lightning_modules.learners.perceptrons import Perceptrons
from lightning_modules.learners.ridge_head import RidgeHead

__all__ = ["FastCifar", "Networks", "Perceptrons", "RidgeHead"]
