"""Votes of a scikit-learn classifier under noise on the test input."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import Tensor, nn
from torch.nn.functional import one_hot

from smoothing.arguments import refuse_words
from smoothing.votes.arrays import Arrays, as_tensor
from smoothing.votes.labels.training_set import checked_training_set
from smoothing.votes.network import NetworkVotes

ROWS_PER_PASS = 1024
"""Number of noisy versions of an example in one call of ``predict``, whose overhead is large."""


class SklearnVotes(NetworkVotes):
    """Predictions of a scikit-learn classifier under noise on its input; see `NetworkVotes`.

    The certified base classifier is the ``predict`` of the estimator on float64 rows, on the CPU. A fitted estimator is
    used as it is. An estimator that is not fitted is fitted to the training set of a run, to labels ``0 .. K-1``.

    Args:
        estimator: A classifier or a pipeline that ends in one, or the path of a file of ``joblib.dump`` with one. It is
            copied. Such a file can execute any code: give only files that you trust. ``predict`` must treat each row
            independently of the others.

    Raises:
        ValueError: If the estimator is not a classifier, or knows fewer than two classes.

    Attributes:
        classes: Class labels of the estimator, ``(K,)``, after it is fitted.
    """

    def __init__(self, estimator: BaseEstimator | str) -> None:
        from sklearn.base import clone, is_classifier

        if isinstance(estimator, str):
            estimator = _loaded(estimator)
        if isinstance(estimator, type) or not hasattr(estimator, "predict") or not is_classifier(estimator):
            refuse_words(self, "estimator", type(estimator).__name__, "a scikit-learn classifier")
        self.estimator = estimator
        self.trained = is_fitted(estimator)  # type: ignore[misc]
        if self.trained:
            self._serve(estimator)
        else:
            self._unfitted = clone(estimator)

    @property
    def classes(self) -> Any:
        """Class labels of the estimator, ``(K,)``."""
        return self.estimator.classes_

    def fit(self, x: Arrays, labels: Arrays, num_classes: int) -> None:
        """Fit the estimator, unless it is fitted already; see `NetworkVotes.fit`.

        Raises:
            ValueError: If the training set is invalid, or the number of classes differs from the estimator's.
        """
        if not self.trained:
            from sklearn.base import clone

            features, targets = checked_training_set(x, labels, num_classes)
            self.estimator = clone(self._unfitted).fit(features.flatten(1).double().numpy(), targets.numpy())
            self._serve(self.estimator)
            x = features[:0]
        super().fit(as_tensor("inputs", x).cpu(), labels, num_classes)

    def _serve(self, estimator: Any) -> None:
        """Wrap the fitted estimator as the network."""
        super().__init__(_Predict(estimator), len(estimator.classes_), noise_batch=ROWS_PER_PASS)
        self._dtype = torch.float64
        self.estimator = self._network.estimator
        self.assumptions = (
            f"the classifier is the predict of {type(estimator).__name__} on float64 rows",
            "the classifier maps each row of a batch independently of the others",
        )


class _Predict(nn.Module):
    """Network whose logits are 1 for the class that an estimator predicts and 0 for the others."""

    def __init__(self, estimator: Any) -> None:
        super().__init__()
        self.estimator = estimator

    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``(batch, K)`` of rows ``(batch, ...)``."""
        rows = with_names(self.estimator, x.flatten(1).cpu().numpy())
        return one_hot(
            torch.from_numpy(positions(self.estimator.classes_, self.estimator.predict(rows))),
            len(self.estimator.classes_),
        ).double()


def _loaded(path: str) -> Any:
    """Return the object in a file of ``joblib.dump``."""
    import joblib

    try:
        return joblib.load(path)
    except Exception as error:  # damaged files raise many types of exceptions
        raise ValueError(f"SklearnVotes: estimator = {path}; must be a file of joblib.dump: {error}") from error


def is_fitted(estimator: Any) -> bool:
    """Return whether a scikit-learn estimator is fitted."""
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return hasattr(estimator, "classes_")


def with_names(estimator: Any, rows: np.ndarray) -> Any:
    """Return rows as a data frame with the column names that an estimator was fitted on; as they are without names."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is None or rows.shape[1] != len(names):
        return rows
    import pandas as pd

    return pd.DataFrame(rows, columns=names)


def positions(classes: Sequence[Any] | np.ndarray, labels: Any) -> np.ndarray:
    """Return the position of each label among class labels, ``(n,)`` int64.

    Args:
        classes: Class labels, ``(K,)``, each once.
        labels: Labels, ``(n,)``.

    Raises:
        ValueError: If a label is not among them.
    """
    place = {label: number for number, label in enumerate(np.asarray(classes).tolist())}
    given = np.asarray(labels).tolist()
    if unknown := [label for label in given if label not in place]:
        raise ValueError(f"labels: {unknown[0]!r} found; must be one of {', '.join(map(repr, place))}")
    return np.array([place[label] for label in given], np.int64)
