"""Votes with a certificate as a defence: partitions, run-off election, bagging."""

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor

from lightning_modules.defences.classifiers import CertifiedClassifier
from lightning_modules.defences.defence import Defence
from lightning_modules.defences.features import apply
from lightning_modules.defences.training import Training
from smoothing.arguments import instance, refuse, refuse_words
from smoothing.certifiers import Certifier
from smoothing.distance import CHANGED, INSERTED
from smoothing.measures import SmoothingMeasure
from smoothing.votes import TrainedPartitions, Votes


class CertifiedVote(Defence):
    """Predicts by certified votes, and states how many changed training examples each prediction survives.

    The votes have learners of their own, so that only the body of the recipe is used, if it has one. Examples:
    `Partitions` or `TrainedPartitions` with `Plurality` (Levine and Feizi 2021) or `RunOff` (Rezaei et al. 2023) under
    `UnchangedExamples`. A certificate holds if the body was trained on other examples.

    Args:
        votes: The votes, on training examples. `TrainedPartitions` start from random weights, and are trained for each
            set of test images. `RetrainedVotes` are certified by ``smoothing certify`` instead.
        certifier: The certifier, which predicts.
        measure: The measure of the votes, in numbers of changed, or of inserted or deleted, training examples.

    Raises:
        ValueError: If an argument is of another type or not allowed. `defend` raises it if the certifier does not
            support the votes under the measure.
    """

    def __init__(self, votes: Votes, certifier: Certifier, measure: SmoothingMeasure) -> None:
        instance(self, Votes, votes=votes)
        instance(self, Certifier, certifier=certifier)
        instance(self, SmoothingMeasure, measure=measure)
        if votes.trained or (votes.kept and not isinstance(votes, TrainedPartitions)):
            refuse(self, "votes", type(votes).__name__, "votes that are fitted at once, or TrainedPartitions")
        if isinstance(votes, TrainedPartitions) and votes.learner.trained_on:
            seen = f"trained on {votes.learner.trained_on[0]}"
            refuse_words(self, "votes", f"models whose weights were {seen}", "models that start from random weights")
        if measure.distance not in (CHANGED, INSERTED):
            allowed = f"a measure in {CHANGED.unit}, or in {INSERTED.unit}"
            refuse(self, "measure", type(measure).__name__, allowed)
        self.votes = votes
        self.certifier = certifier
        self.measure = measure

    @property
    def trains_one_network(self) -> bool:
        """See `Defence.trains_one_network`."""
        return False

    def classifier(
        self, x: Tensor, labels: Tensor, num_classes: int, training: Training, key: Sequence[int]
    ) -> CertifiedClassifier:
        """Fit the votes to the training set; see `Defence.classifier`.

        Raises:
            ValueError: If the certifier does not support the votes under the measure.
        """
        votes = deepcopy(self.votes)
        body = training.body
        # Encoded one by one, so that the bits of features do not depend on the other images.
        inputs = x if body is None else torch.cat([apply(body.to(x.device).eval(), one) for one in x.split(1)])
        votes.fit(inputs.cpu(), labels.cpu(), num_classes)
        if reason := self.certifier.supports(self.measure, votes):
            raise ValueError(f"CertifiedVote: {type(self.certifier).__name__} cannot be used: {reason}")
        return CertifiedClassifier(votes, self.certifier, self.measure, int(key[0]), body)
