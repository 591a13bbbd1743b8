"""Data sets: a training set that may be under attack, and a test set to certify."""

from datamodules.base import DataModule
from datamodules.cifar10 import CIFAR10
from datamodules.digits import Digits
from datamodules.fashion_mnist import FashionMNIST
from datamodules.image_folder import ImageFolder
from datamodules.mnist import MNIST

__all__ = ["CIFAR10", "MNIST", "DataModule", "Digits", "FashionMNIST", "ImageFolder"]
