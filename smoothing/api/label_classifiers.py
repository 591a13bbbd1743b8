"""Classifiers for scikit-learn with certificates against flipped training labels."""

import sys
import warnings
from abc import abstractmethod
from copy import deepcopy
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from smoothing.arguments import at_least
from smoothing.certificates.certificates import Certificates
from smoothing.certifiers import Certifier, ExactVote, Plurality
from smoothing.measures import LabelFlip, SmoothingMeasure, UnchangedLabels
from smoothing.votes import Ballots, LabelVotes, LinearVotes, Partition, Partitions, Ridge, SklearnLearner
from smoothing.votes.arrays import as_tensor

BATCH = 64
"""Number of inputs that are certified at a time."""

ATTACKED_CHOICE = (
    "hyperparameters are chosen by scores on training labels. An adversary who flips labels can change the choice, so "
    "certificates do not hold for the chosen classifier. Choose on labels that are not under attack, or fix the "
    "hyperparameters"
)
"""Warning of a search over hyperparameters."""


class LabelClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Base class of classifiers that are certified against flipped training labels.

    Certificates hold if the adversary changes labels only, within the classes in ``y``.
    """

    @abstractmethod
    def _parts(self, num_classes: int) -> tuple[SmoothingMeasure, LabelVotes, Certifier]:
        """Return measure, votes and certifier for a number of classes.

        Raises:
            ValueError: If a parameter is out of its range.
        """

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:  # noqa: N803  # the name that scikit-learn uses
        """Fit to a training set.

        Args:
            X: Features, ``(n, k)``, finite.
            y: Class labels, ``(n,)``, of at least two classes.

        Returns:
            The classifier.

        Raises:
            ValueError: If the training set is invalid, or a parameter is out of its range.
        """
        features, labels = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        check_classification_targets(labels)
        self.classes_, targets = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"{type(self).__name__}: y has 1 class; must have at least two classes")
        self.measure_, votes, self.certifier_ = self._parts(len(self.classes_))
        self.votes_ = deepcopy(votes)
        # Copies: the training set must not change with the caller's arrays.
        training = as_tensor("X", features), as_tensor("y", targets)
        self.votes_.fit(*training, len(self.classes_))
        if reason := self.certifier_.supports(self.measure_, self.votes_):
            raise ValueError(f"{type(self).__name__}: {reason}")
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:  # noqa: N803
        """Return the class label of each input, ``(m,)``.

        Args:
            X: Features, ``(m, k)``.
        """
        predicted, _ = self._certificates(X)
        return np.asarray(self.classes_[predicted])

    def certify(self, X: ArrayLike) -> NDArray[np.int64]:  # noqa: N803
        """Return the number of flips of training labels that cannot change the prediction of each input, ``(m,)``.

        Args:
            X: Features, ``(m, k)``.
        """
        return self._certificates(X)[1]

    def certified_score(self, X: ArrayLike, y: ArrayLike, flips: int = 0) -> float:  # noqa: N803
        """Return the fraction of inputs that are predicted correctly whatever ``flips`` training labels are changed.

        Args:
            X: Features, ``(m, k)``.
            y: True class labels, ``(m,)``.
            flips: Number of flips, at least 0.

        Raises:
            ValueError: If ``flips`` is no whole number of at least 0, or the number of labels differs.
        """
        at_least(self, 0, flips=flips)
        predicted, certified = self._certificates(X)
        truth = np.asarray(y)
        if truth.shape != predicted.shape:
            raise ValueError(f"{type(self).__name__}: y = shape {truth.shape}; must be {predicted.shape}")
        return float(np.mean((self.classes_[predicted] == truth) & (certified >= flips)))

    @property
    def assumptions(self) -> tuple[str, ...]:
        """Assumptions under which certificates hold, one phrase each, after `fit`."""
        check_is_fitted(self)
        own = f"label flips stay within the {len(self.classes_)} classes in y"
        return (own, *self.votes_.assumptions, *self.votes_.assumptions_under(self.measure_))

    def _certificates(self, x: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return class numbers ``(m,)`` and flips ``(m,)``."""
        check_is_fitted(self)
        found = self._batches(x, self.certifier_)
        predicted = np.concatenate([each.prediction for each in found])
        return predicted, np.concatenate([each.radius for each in found]).astype(np.int64)

    def _batches(self, x: ArrayLike, certifier: Certifier) -> list[Certificates]:
        """Return the certificates of inputs in batches."""
        features = as_tensor("X", validate_data(self, x, dtype=np.float64, reset=False))
        parts = torch.arange(len(features)).split(BATCH)
        return [certifier.certify(Ballots(self.measure_, self.votes_, features[some], some, seed=0)) for some in parts]

    def __sklearn_clone__(self) -> Self:
        """Return an unfitted copy. Warn if a search over hyperparameters makes it."""
        if _in_search():
            warnings.warn(f"{type(self).__name__}: {ATTACKED_CHOICE}", UserWarning, stacklevel=2)
        return super().__sklearn_clone__()  # type: ignore[no-any-return]


class LabelFlipClassifier(LabelClassifier):
    """Linear vote under label noise, certified by the number of label flips (Rosenfeld et al. 2020; THEORY.md 4.3).

    The classifier predicts the class with the largest expected score if each training label is flipped with probability
    ``q``. The expectation is exact, so that nothing is sampled. `ExactVote` computes the largest possible radius.

    Args:
        votes: The linear vote, such as ``NearestNeighbours(5)``; by default `Ridge`. It is copied.
        q: Probability that a training label is flipped to a uniform other class, within (0, (K - 1) / K).

    Attributes:
        classes_: Class labels, ``(K,)``.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> x, y = load_iris(return_X_y=True)
        >>> classifier = LabelFlipClassifier(q=0.1).fit(x[::2], y[::2])
        >>> flips = classifier.certify(x[1::2])  # flips of training labels that cannot change each prediction
    """

    def __init__(self, votes: LinearVotes | None = None, q: float = 0.1) -> None:
        self.votes = votes
        self.q = q

    def _parts(self, num_classes: int) -> tuple[SmoothingMeasure, LabelVotes, Certifier]:
        votes = Ridge() if self.votes is None else self.votes
        if not isinstance(votes, LinearVotes):
            raise ValueError(f"LabelFlipClassifier: votes = {type(votes).__name__}; must be LinearVotes")
        return LabelFlip(self.q, num_classes), votes, ExactVote()

    def predict_sets(self, X: ArrayLike, flips: int) -> NDArray[np.bool_]:  # noqa: N803
        """Return the certified set of each input: the classes that some flips of training labels may make the answer.

        If at most ``flips`` labels of ``y`` are wrong, the set contains the prediction that correct labels would give
        (THEORY.md 4.7).

        Args:
            X: Features, ``(m, k)``.
            flips: Number of flips, at least 0.

        Returns:
            ``(m, K)`` whether each class of ``classes_`` is in the set.

        Raises:
            ValueError: If ``flips`` is no whole number of at least 0.
        """
        at_least(self, 0, flips=flips)
        check_is_fitted(self)
        return np.concatenate([found.sets(flips) for found in self._batches(X, ExactVote(sets=True))])


class PartitionClassifier(LabelClassifier):
    """Plurality vote of classifiers that are each trained on a part of the training set (Levine & Feizi 2021).

    The inputs determine the parts. A flip changes the label of one example and thus one part. `Plurality` computes the
    number of flips that cannot change the vote.

    Args:
        estimator: Classifier or pipeline of scikit-learn, trained on each part; by default a decision tree.
        parts: Number of parts and of classifiers, from 1 to n.
        spread: Number of classifiers that use each part, from 1 to ``parts`` (Wang et al. 2022).
        partition: Rule that partitions the training set; by default `ByContent`.
        random_state: Seed of the assignment of parts to classifiers if ``spread`` is above 1, at least 0.

    Attributes:
        classes_: Class labels, ``(K,)``.
    """

    def __init__(
        self,
        estimator: Any = None,
        parts: int = 10,
        spread: int = 1,
        partition: Partition | None = None,
        random_state: int = 0,
    ) -> None:
        self.estimator = estimator
        self.parts = parts
        self.spread = spread
        self.partition = partition
        self.random_state = random_state

    def _parts(self, num_classes: int) -> tuple[SmoothingMeasure, LabelVotes, Certifier]:
        if self.estimator is None:
            from sklearn.tree import DecisionTreeClassifier

            estimator = DecisionTreeClassifier()
        else:
            estimator = self.estimator
        votes = Partitions(
            SklearnLearner(estimator), self.parts, self.spread, deepcopy(self.partition), seed=self.random_state
        )
        return UnchangedLabels(num_classes), votes, Plurality()


def _in_search() -> bool:
    """Return whether the caller is a search over hyperparameters."""
    frame = sys._getframe(1)
    while frame is not None:
        if isinstance(frame.f_locals.get("self"), BaseSearchCV):
            return True
        frame = frame.f_back  # type: ignore[assignment]  # None at the outermost frame
    return False
