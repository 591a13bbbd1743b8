"""Denoising of all training images."""

from collections.abc import Sequence

from torch import Tensor

from lightning_modules.defences.classifiers import DefendedClassifier, Majority, TrainedNetwork
from lightning_modules.defences.defence import DEFENCE, Defence
from lightning_modules.defences.training import Training
from smoothing.arguments import at_least, instance
from smoothing.measures import SmoothingMeasure
from smoothing.numerics.random import generator
from smoothing.provenance.origin import Origin


class DenoiseTrainingImages(Defence):
    """Adds noise to every training image and removes it with a denoiser, then trains (Hong et al. 2024).

    With several models, each is trained on its own sample of the training set, and the majority decides: the vote that
    `RetrainedVotes` certifies. A denoiser that was trained on the poisoned images protects less.

    Args:
        measure: Distribution of the training images: a `DenoisedMeasure`, or plain noise.
        models: Number of models, at least 1.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self, measure: SmoothingMeasure, models: int = 1) -> None:
        instance(self, SmoothingMeasure, measure=measure)
        at_least(self, 1, models=models)
        self.measure = measure
        self.models = models

    @property
    def trains_one_network(self) -> bool:
        """See `Defence.trains_one_network`."""
        return self.models == 1

    @property
    def trained_on(self) -> tuple[Origin, ...]:
        """See `Defence.trained_on`."""
        return self.measure.trained_on

    def classifier(
        self, x: Tensor, labels: Tensor, num_classes: int, training: Training, key: Sequence[int]
    ) -> DefendedClassifier:
        """Train each model on its own sample; see `Defence.classifier`."""
        trained = []
        for model in range(self.models):
            own = (*key, DEFENCE, model)
            sample = self.measure.sample(x, generator(own, x.device))
            trained.append(TrainedNetwork(training.train(sample, labels, num_classes, own)))
        return trained[0] if self.models == 1 else Majority(trained, num_classes)
