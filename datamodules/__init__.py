"""Data sets: a training set that may be under attack, and a test set to certify."""

from datamodules.base import DataModule
from datamodules.digits import Digits
from datamodules.mnist import MNIST

__all__ = ["MNIST", "DataModule", "Digits"]
