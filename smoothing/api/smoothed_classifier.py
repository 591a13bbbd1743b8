"""A classifier for scikit-learn with certificates against changes of the input."""

from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from smoothing.arguments import finite, instance
from smoothing.certifiers import ClopperPearson
from smoothing.measures import Gaussian, SmoothingMeasure
from smoothing.votes import Ballots, SklearnVotes
from smoothing.votes.arrays import as_tensor


class SmoothedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Majority vote of a classifier under noise on its input, for numeric tables (Cohen et al. 2019).

    All inputs share the draws, so that the result for an input does not depend on the other inputs.

    Args:
        estimator: The classifier or pipeline, fitted to the training set without noise; by default logistic regression.
        measure: Measure that randomises the inputs, in the units of ``X``; by default ``Gaussian(0.25)``. Put a scaler
            before this classifier in a pipeline if columns have different units. Then radii are in scaled units.
        n: Number of draws that bound the vote.
        alpha: Failure probability of each certificate, within (0, 1).
        n0: Number of draws that select the class, at least 1.
        abstain: Label that `predict` returns where the certifier abstains, such as ``-1`` or ``"unsure"``; it must not
            be a class label. By default `predict` never abstains: it returns the most frequent class of ``n0`` draws,
            and `certify` returns 0 where the certifier abstains.
        random_state: Root seed of all draws, at least 0.

    Attributes:
        classes_: Class labels, ``(K,)``.
        estimator_: The fitted classifier.
    """

    def __init__(
        self,
        estimator: Any = None,
        measure: SmoothingMeasure | None = None,
        n: int = 1000,
        alpha: float = 0.001,
        n0: int = 100,
        abstain: Any = None,
        random_state: int = 0,
    ) -> None:
        self.estimator = estimator
        self.measure = measure
        self.n = n
        self.alpha = alpha
        self.n0 = n0
        self.abstain = abstain
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:  # noqa: N803  # the name that scikit-learn uses
        """Fit the classifier to a training set, without noise.

        Args:
            X: Features, ``(n, k)``, finite.
            y: Class labels, ``(n,)``, of at least two classes.

        Returns:
            The classifier.

        Raises:
            ValueError: If the training set is invalid, or a parameter is out of its range.
        """
        features, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        self.classes_ = np.unique(labels)
        if len(self.classes_) < 2:
            raise ValueError("SmoothedClassifier: y has 1 class; must have at least two classes")
        if self.abstain is not None and self.abstain in self.classes_.tolist():
            raise ValueError(f"SmoothedClassifier: abstain = {self.abstain!r}; must be no class label")
        self.measure_ = Gaussian(0.25) if self.measure is None else self.measure
        instance(self, SmoothingMeasure, measure=self.measure_)
        self.certifier_ = ClopperPearson(n0=self.n0, n=self.n, alpha=self.alpha)
        if self.estimator is None:
            from sklearn.linear_model import LogisticRegression

            self.estimator_ = LogisticRegression().fit(features, labels)
        else:
            self.estimator_ = clone(self.estimator).fit(features, labels)
        self.votes_ = SklearnVotes(self.estimator_)
        if reason := self.certifier_.supports(self.measure_, self.votes_):
            raise ValueError(f"SmoothedClassifier: {reason}")
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:  # noqa: N803
        """Return the class label of each input, ``(m,)``, or ``abstain`` where the certifier abstains.

        Args:
            X: Features, ``(m, k)``.
        """
        ballots = self._ballots(X)
        if self.abstain is None:
            return np.asarray(self.classes_[self.certifier_.select(ballots)])
        numbers = self.certifier_.certify(ballots).prediction
        labels = self.classes_.tolist()
        return np.array([self.abstain if number < 0 else labels[number] for number in numbers])

    def certify(self, X: ArrayLike) -> NDArray[np.float64]:  # noqa: N803
        """Return the certified radius of each input, ``(m,)``, 0 where the certifier abstains.

        No change of the input within the radius changes the majority vote, with probability at least ``1 - alpha``.

        Args:
            X: Features, ``(m, k)``.
        """
        return np.asarray(self.certifier_.certify(self._ballots(X)).radius)

    def certified_score(self, X: ArrayLike, y: ArrayLike, radius: float = 0.0) -> float:  # noqa: N803
        """Return the fraction of inputs that are predicted correctly and certified at a radius.

        Args:
            X: Features, ``(m, k)``.
            y: True class labels, ``(m,)``.
            radius: The radius, at least 0.

        Raises:
            ValueError: If the radius is negative, or the number of labels differs.
        """
        finite(self, 0, radius=radius)
        made = self.certifier_.certify(self._ballots(X))
        truth = np.asarray(y)
        if truth.shape != made.prediction.shape:
            raise ValueError(f"SmoothedClassifier: y = shape {truth.shape}; must be {made.prediction.shape}")
        correct = (made.prediction >= 0) & (self.classes_[made.prediction] == truth)
        return float(np.mean(correct & self.measure_.distance.certified_at(made.radius, radius)))

    def _ballots(self, x: ArrayLike) -> Ballots:
        check_is_fitted(self)
        features = as_tensor("X", validate_data(self, x, dtype=np.float64, reset=False))
        for row in features:
            self.votes_.check(self.measure_, row)
        # One position for all: the draws of an input do not depend on its place.
        return Ballots(self.measure_, self.votes_, features, torch.zeros(len(features)), self.random_state)
