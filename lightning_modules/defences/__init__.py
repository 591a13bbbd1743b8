"""Defences against poisoned training sets: from a training set and a training recipe to a classifier.

Add here subclasses of `Defence`, or of `Filter` if they remove or change training examples before the training. What a
defence does during the training is an `Intervention`.
"""

from typing import TYPE_CHECKING

from smoothing.lazy import attach

if TYPE_CHECKING:
    from lightning_modules.defences.adversarial_training import AdversarialTraining
    from lightning_modules.defences.certified_vote import CertifiedVote
    from lightning_modules.defences.classifiers import CertifiedClassifier, DefendedClassifier, Majority, TrainedNetwork
    from lightning_modules.defences.deep_knn import DeepKNN
    from lightning_modules.defences.defence import Defence, Filter, NoDefence
    from lightning_modules.defences.denoise_training_images import DenoiseTrainingImages
    from lightning_modules.defences.dp_sgd import DPSGD
    from lightning_modules.defences.epic import EPIC
    from lightning_modules.defences.friendly_noise import FriendlyNoise
    from lightning_modules.defences.intervention import Intervention, TrainingState
    from lightning_modules.defences.surrogate import Surrogate
    from lightning_modules.defences.training import Training
    from lightning_modules.defences.trials import DefenceTrials

__getattr__, __dir__ = attach(__name__, __file__)

__all__ = [
    "DPSGD",
    "EPIC",
    "AdversarialTraining",
    "CertifiedClassifier",
    "CertifiedVote",
    "DeepKNN",
    "Defence",
    "DefenceTrials",
    "DefendedClassifier",
    "DenoiseTrainingImages",
    "Filter",
    "FriendlyNoise",
    "Intervention",
    "Majority",
    "NoDefence",
    "Surrogate",
    "TrainedNetwork",
    "Training",
    "TrainingState",
]
