"""What composes measures, votes and certifiers for Lightning."""

from lightning_modules.certifying.certification import Certification
from lightning_modules.certifying.trainer import Trainer
from lightning_modules.encoders import Encoder, FeatureClassifier, FrozenEncoder
from lightning_modules.networks.pretrained_classifier import PretrainedClassifier
from lightning_modules.training.base_classifier import BaseClassifier, FrozenClassifier
from lightning_modules.training.denoiser_training import DenoiserTraining

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
