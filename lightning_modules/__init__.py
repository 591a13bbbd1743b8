"""Lightning modules: training, certification, and the networks that they train or load.

Add a class to the room inside that fits: networks, training, objectives, learners, encoders, denoisers, defences,
architectures.
Imports run downwards to `smoothing` only; `certifying` also imports callbacks and loggers.
"""

from typing import TYPE_CHECKING

from smoothing.lazy import attach

if TYPE_CHECKING:
    from lightning_modules.certifying.certification import Certification
    from lightning_modules.certifying.trainer import Trainer
    from lightning_modules.encoders import Encoder, FeatureClassifier, FrozenEncoder
    from lightning_modules.networks.pretrained_classifier import PretrainedClassifier
    from lightning_modules.training.base_classifier import BaseClassifier, FrozenClassifier
    from lightning_modules.training.denoiser_training import DenoiserTraining

__getattr__, __dir__ = attach(__name__, __file__)

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
