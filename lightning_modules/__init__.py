"""What composes measures, votes and certifiers for Lightning."""

from lightning_modules.certification import Certification
from lightning_modules.denoiser_training import DenoiserTraining
from lightning_modules.encoders import Encoder, FeatureClassifier, FrozenEncoder
from lightning_modules.pretrained_classifier import PretrainedClassifier
from lightning_modules.trainer import Trainer
from lightning_modules.training import BaseClassifier, FrozenClassifier

__all__ = [
    "BaseClassifier",
    "Certification",
    "DenoiserTraining",
    "Encoder",
    "FeatureClassifier",
    "FrozenClassifier",
    "FrozenEncoder",
    "PretrainedClassifier",
    "Trainer",
]
