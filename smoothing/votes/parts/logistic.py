"""A logistic head on fixed features, without any defence."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from torch import Tensor
from torch.nn.functional import one_hot

from smoothing.arguments import at_least, positive
from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.random import generator
from smoothing.numerics.threads import one_thread
from smoothing.votes.arrays import Arrays, checked_batch
from smoothing.votes.features.transforms import Transform, features_of, fit_all
from smoothing.votes.labels.training_set import checked_training_set
from smoothing.votes.parts.part_learner import PartLearner
from smoothing.votes.votes import Votes

Weights = NDArray[np.float64]
"""Weights of a head, ``(num_classes, k + 1)``; the last column is the bias."""


class LogisticHead(Votes, PartLearner):
    """Multinomial logistic regression on fixed features: the last layer of an undefended network.

    It is not a linear vote, since its weights depend on all labels. It serves as the target of attacks (Rosenfeld et
    al. 2020, C.1). Under label noise it can be sampled, with one training run per draw. As a learner it is trained on
    a part or a bag of a training set.

    Args:
        penalty: Factor of half the squared norm of the weights, which is added to the mean loss, above 0.
        transforms: Feature transforms, fitted on the training inputs.
        iterations: Maximum number of steps of L-BFGS, at least 1.

    Raises:
        ValueError: If an argument is out of its range.

    Attributes:
        features: Transformed training features and a column of ones, ``(n, k + 1)``, after `fit`.
        labels: Training labels, ``(n,)`` int64, after `fit`.
        weights: Weights trained on them, after `fit`.
    """

    object: ClassVar[str] = "training labels"
    all_labels: ClassVar[bool] = True
    features: NDArray[np.float64]
    labels: NDArray[np.int64]
    weights: Weights

    def __init__(self, penalty: float = 1e-3, transforms: Sequence[Transform] = (), iterations: int = 200) -> None:
        positive(self, penalty=penalty)
        at_least(self, 1, iterations=iterations)
        self.penalty = penalty
        self.transforms = list(transforms)
        self.iterations = iterations

    def fit(self, x: Arrays, labels: Arrays, num_classes: int) -> None:
        """Fit the transforms and train the head; see `Votes.fit`."""
        self.learn(*checked_training_set(x, labels, num_classes), num_classes)

    def learn(self, x: Tensor, labels: Tensor, num_classes: int) -> None:
        """Fit the transforms and train the head on a part of a training set; see `PartLearner.learn`."""
        self.num_classes = num_classes
        self.features = with_bias(fit_all(self.transforms, x.flatten(1).double()))
        self.labels = labels.numpy()
        self.width = x.shape[1:].numel()
        self.weights = self.retrained(self.labels, np.zeros((num_classes, self.features.shape[1])))

    def retrained(self, labels: NDArray[np.int64], start: Weights) -> Weights:
        """Return the weights of the head trained on other labels ``(n,)``, from initial weights."""
        rows = np.arange(len(labels))

        def cost(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            weights = flat.reshape(start.shape)
            logs = log_softmax(self.features @ weights.T, axis=1)
            error = np.exp(logs)
            error[rows, labels] -= 1
            slope = error.T @ self.features / len(labels) + self.penalty * weights
            return float(self.penalty / 2 * (flat @ flat) - logs[rows, labels].mean()), slope.ravel()

        options = {"maxiter": self.iterations}
        return np.asarray(minimize(cost, start.ravel(), jac=True, method="L-BFGS-B", options=options).x).reshape(
            start.shape
        )

    def class_scores(self, x: Tensor) -> Tensor:
        """Return the logits of the trained head, ``(batch, num_classes)``; see `PartLearner.class_scores`."""
        with one_thread():
            # Row by row: the bits of a product may depend on the number of rows.
            return torch.from_numpy(np.stack([self.weights @ row for row in self.features_of(x)]))

    def hessian(self) -> NDArray[np.float64]:
        """Return the Hessian of the training objective at the weights, ``(K (k + 1), K (k + 1))``."""
        chances = softmax(self.features @ self.weights.T, axis=1)
        classes, width = self.weights.shape
        out = np.empty((classes, width, classes, width))
        for one in range(classes):
            for other in range(one + 1):
                share = chances[:, one] * ((one == other) - chances[:, other])
                out[one, :, other] = out[other, :, one] = (self.features * share[:, None]).T @ self.features
        flat = out.reshape(classes * width, -1) / len(self.labels)
        return flat + self.penalty * np.eye(len(flat))

    def features_of(self, x: Tensor) -> NDArray[np.float64]:
        """Return transformed features ``(batch, k + 1)`` of inputs ``(batch, ...)``; see `transforms.features_of`."""
        return with_bias(features_of(self.transforms, x, torch.device("cpu"), self.width))

    def object_shape(self, x: Tensor) -> Sequence[int]:
        """Return the shape of the training labels, ``(n,)``."""
        return self.labels.shape

    def counts(
        self, measure: SmoothingMeasure, x: Tensor, index: Tensor, draws: int, seed: Sequence[int], first: int = 0
    ) -> Tensor:
        """Count the votes of heads that are trained on sampled label vectors. All inputs share the draws."""
        x, _ = checked_batch(x, index)
        inputs, labels = self.features_of(x), torch.from_numpy(self.labels)
        votes = torch.zeros(len(x), self.num_classes, dtype=torch.long)
        for draw in range(first, first + draws):
            noisy = measure.sample(labels, generator((*seed, draw)))
            # Not from the fitted weights, which depend on the labels under attack (THEORY.md section 6).
            weights = self.retrained(noisy.numpy(), np.zeros_like(self.weights))
            votes += one_hot(torch.from_numpy((inputs @ weights.T).argmax(1)), self.num_classes)
        return votes


def with_bias(x: Tensor) -> NDArray[np.float64]:
    """Return features ``(batch, k)`` with a column of ones, ``(batch, k + 1)``."""
    return np.concatenate([x.numpy(), np.ones((len(x), 1))], 1)
