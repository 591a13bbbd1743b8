"""A scikit-learn classifier as a learner on parts and bags of a training set."""

from typing import Any

import torch
from sklearn.base import BaseEstimator
from torch import Tensor
from torch.nn.functional import one_hot

from smoothing.arguments import refuse_words
from smoothing.votes.parts.part_learner import PartLearner


class SklearnLearner(PartLearner):
    """A scikit-learn classifier that is trained on a part of a training set. Its scores are its predictions.

    If a part has one class only, that class is predicted without training.

    Args:
        estimator: The classifier or pipeline, which is cloned for each part. Every ``random_state`` that is None is set
            to 0, so that the result is a function of the examples.

    Raises:
        ValueError: If the estimator is not a classifier.
    """

    def __init__(self, estimator: BaseEstimator) -> None:
        from sklearn.base import is_classifier

        if isinstance(estimator, type) or not hasattr(estimator, "fit") or not is_classifier(estimator):
            refuse_words(self, "estimator", type(estimator).__name__, "a scikit-learn classifier")
        self.estimator = estimator
        self.assumptions = (
            f"training {type(estimator).__name__} is a function of its examples",
            f"{type(estimator).__name__} predicts each row independently of the others",
        )

    def learn(self, x: Tensor, labels: Tensor, num_classes: int) -> None:
        """Train a clone; see `PartLearner.learn`."""
        from sklearn.base import clone

        self.num_classes = num_classes
        self._only = int(labels[0]) if len(labels.unique()) == 1 else None
        if self._only is None:
            self._fitted = seeded(clone(self.estimator)).fit(x.flatten(1).numpy(), labels.numpy())

    def class_scores(self, x: Tensor) -> Tensor:
        """Return 1 for the predicted class and 0 for the others; see `PartLearner.class_scores`."""
        if self._only is not None:
            predicted = torch.full((len(x),), self._only)
        else:
            predicted = torch.from_numpy(self._fitted.predict(x.flatten(1).numpy())).long()
        return one_hot(predicted, self.num_classes).double()


def seeded(estimator: Any) -> Any:
    """Set every ``random_state`` of an estimator that is None to 0, and return the estimator."""
    unset = {
        name: 0
        for name, value in estimator.get_params().items()
        if name.rpartition("__")[2] == "random_state" and value is None
    }
    return estimator.set_params(**unset)
