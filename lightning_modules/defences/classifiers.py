"""Classifiers that defences return."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import one_hot

from lightning_modules.defences.features import apply
from smoothing.certificates.certificates import Certificates
from smoothing.certifiers import Certifier
from smoothing.distance import INSERTED
from smoothing.measures import SmoothingMeasure
from smoothing.votes import Ballots, Draw, KeptVotes, MissingDrawsError, Predictions, Votes


class DefendedClassifier(ABC):
    """A classifier that was trained on a training set that may be poisoned."""

    @abstractmethod
    def predict(self, x: Tensor) -> Tensor:
        """Return the predicted classes ``(m,)`` int64 of inputs ``(m, ...)``; -1 where it abstains."""

    def radius(self, x: Tensor) -> NDArray[np.float64] | None:
        """Return how many changed training examples cannot change each prediction, ``(m,)``; None if not certified."""
        return None


class TrainedNetwork(DefendedClassifier):
    """A network.

    Args:
        network: Maps inputs ``(m, ...)`` to logits ``(m, K)``, in evaluation mode.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network

    def predict(self, x: Tensor) -> Tensor:
        """See `DefendedClassifier.predict`."""
        return apply(self.network, x).argmax(1)


class Majority(DefendedClassifier):
    """The class that most of several classifiers predict, the first one in a tie.

    Args:
        classifiers: The classifiers, at least one. They do not abstain.
        num_classes: Number of classes K.
    """

    def __init__(self, classifiers: Sequence[DefendedClassifier], num_classes: int) -> None:
        self.classifiers = list(classifiers)
        self.num_classes = num_classes

    def predict(self, x: Tensor) -> Tensor:
        """See `DefendedClassifier.predict`."""
        votes = torch.stack([one_hot(classifier.predict(x), self.num_classes) for classifier in self.classifiers])
        return votes.sum(0).argmax(1)


class CertifiedClassifier(DefendedClassifier):
    """Votes that a certifier certifies.

    Args:
        votes: The votes, fitted to the training set.
        certifier: The certifier.
        measure: The smoothing measure.
        seed: Root seed of all draws, at least 0.
        body: Frozen map from inputs to what the votes use; None if they use inputs.
    """

    def __init__(
        self, votes: Votes, certifier: Certifier, measure: SmoothingMeasure, seed: int, body: nn.Module | None = None
    ) -> None:
        self.votes = votes
        self.certifier = certifier
        self.measure = measure
        self.seed = seed
        self.body = body
        self._last: tuple[Tensor, NDArray[np.int64], NDArray[np.float64]] | None = None

    def predict(self, x: Tensor) -> Tensor:
        """See `DefendedClassifier.predict`."""
        return torch.from_numpy(self._certified(x)[0])

    def radius(self, x: Tensor) -> NDArray[np.float64]:
        """Return the radii in changed examples; see `DefendedClassifier.radius`."""
        radius = self._certified(x)[1]
        # A changed example is a deleted and an inserted one.
        return np.floor(radius / 2) if self.measure.distance == INSERTED else radius

    def _certified(self, x: Tensor) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return predictions and radii. Those of the last inputs are cached, since votes may be trained for them."""
        given = x.cpu()
        if self._last is None or not torch.equal(self._last[0], given):
            # Encoded one by one, so that features do not depend on the batch.
            inputs = x if self.body is None else torch.cat([apply(self.body, one) for one in x.split(1)])
            found = self._certificates(inputs.cpu(), x.device)
            # A copy, since the caller may change the inputs in place.
            self._last = given.clone(), found.prediction, found.radius
        return self._last[1].copy(), self._last[2].copy()

    def _certificates(self, inputs: Tensor, device: torch.device) -> Certificates:
        index = torch.arange(len(inputs))
        ballots = Ballots(self.measure, self.votes, inputs, index, self.seed)
        if not isinstance(self.votes, KeptVotes):
            return self.certifier.certify(ballots)
        finished: dict[Draw, Predictions] = {}
        while True:
            self.votes.serve(None, inputs, index, finished)
            try:
                return self.certifier.certify(ballots)
            except MissingDrawsError as stopped:
                made = self.votes.draw(self.measure, stopped.draws, self.seed, device)
                finished |= zip(stopped.draws, made, strict=True)
