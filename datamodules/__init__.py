"""Data modules: a training set, which may be under attack, and a test set to certify."""

from typing import TYPE_CHECKING

from smoothing.lazy import attach

if TYPE_CHECKING:
    from datamodules.base import DataModule
    from datamodules.cifar10 import CIFAR10
    from datamodules.digits import Digits
    from datamodules.dogfish import Dogfish
    from datamodules.fashion_mnist import FashionMNIST
    from datamodules.feature_file import FeatureFile
    from datamodules.features import FeatureModule
    from datamodules.given_examples import GivenExamples
    from datamodules.image_files import ImageFiles
    from datamodules.image_folder import ImageFolder
    from datamodules.imdb import IMDB
    from datamodules.mnist import MNIST
    from datamodules.spambase import Spambase
    from datamodules.table_file import TableFile
    from datamodules.texts import TextModule
    from datamodules.tiny_imagenet import TinyImageNet

__getattr__, __dir__ = attach(__name__, __file__)

__all__ = [
    "CIFAR10",
    "IMDB",
    "MNIST",
    "DataModule",
    "Digits",
    "Dogfish",
    "FashionMNIST",
    "FeatureFile",
    "FeatureModule",
    "GivenExamples",
    "ImageFiles",
    "ImageFolder",
    "Spambase",
    "TableFile",
    "TextModule",
    "TinyImageNet",
]
