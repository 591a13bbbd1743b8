"""Votes with a certificate as a defence: partitions, run-off election, bagging."""

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor

from lightning_modules.defences.classifiers import CertifiedClassifier
from lightning_modules.defences.defence import Defence
from lightning_modules.defences.features import apply
from lightning_modules.defences.training import Training
from smoothing.arguments import instance, refuse
from smoothing.certifiers import Certifier
from smoothing.measures import SmoothingMeasure
from smoothing.votes import Votes


class CertifiedVote(Defence):
    """Predicts by certified votes, and states how many changed training examples each prediction survives.

    The votes have learners of their own, so that only the body of the recipe is used, if it has one. Examples:
    `Partitions` with `Plurality` (Levine and Feizi 2021) or `RunOff` (Rezaei et al. 2023) under `UnchangedExamples`.
    A certificate holds if the body was trained on other examples.

    Args:
        votes: The votes, on training examples. Votes of training runs that are stored are certified by
            ``smoothing certify`` instead.
        certifier: The certifier, which predicts.
        measure: The measure of the votes.

    Raises:
        ValueError: If an argument is of another type, or the certifier does not support the votes under the measure.
    """

    def __init__(self, votes: Votes, certifier: Certifier, measure: SmoothingMeasure) -> None:
        instance(self, Votes, votes=votes)
        instance(self, Certifier, certifier=certifier)
        instance(self, SmoothingMeasure, measure=measure)
        if votes.kept or votes.trained:
            refuse(self, "votes", type(votes).__name__, "votes that are fitted at once to the training set")
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
