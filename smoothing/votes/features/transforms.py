"""Feature transforms, fitted on training inputs and never on labels."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import inf

import torch
from torch import Tensor

from smoothing.arguments import at_least, within
from smoothing.numerics.threads import one_thread
from smoothing.representation import Represented
from smoothing.votes.arrays import Arrays
from smoothing.votes.labels.training_set import checked_features
from smoothing.votes.reads import Reads

ROWS_AT_A_TIME = 4096
"""Number of rows that are processed at a time, to limit memory."""


class Transform(Represented, ABC):
    """Map of feature vectors, fitted on the training inputs (THEORY.md 4.5: it must not depend on labels)."""

    @property
    def reads(self) -> Reads:
        """What it reads of the inputs that it is fitted on: nothing, unless a subclass overrides a fitting method.

        A transform that reads nothing can transform a training set block by block. Fitted on a whole training set, any
        other voids certificates against inserted, deleted and changed examples (THEORY.md section 8).
        """
        own = type(self)
        fitted = own.fit is not Transform.fit or own.fit_transform is not Transform.fit_transform
        return "all inputs" if fitted else "nothing"

    def fit(self, x: Tensor) -> None:
        """Fit to training features ``(n, k)`` float64."""

    def fit_transform(self, x: Tensor) -> Tensor:
        """Fit to training features ``(n, k)`` float64, and return them transformed. Overrides may only save time."""
        self.fit(x)
        return self(x)

    @abstractmethod
    def __call__(self, x: Tensor) -> Tensor:
        """Return transformed features ``(batch, k')`` of ``(batch, k)`` float64."""

    def each(self, x: Tensor) -> Tensor:
        """Transform rows ``(batch, k)`` one at a time, so that their bits do not depend on other rows.

        Overrides may only save time.
        """
        # Copies: the place of a row in memory may change how it is rounded.
        return torch.cat([self(row.clone()) for row in x.split(1)])


def fit_all(transforms: Sequence[Transform], x: Tensor) -> Tensor:
    """Fit each transform on the output of the previous one, and return the transformed training features.

    Unless a transform reads all inputs, it is given each row by itself. Of several rows, even the last bits of one can
    depend on the others, so that an inserted example would move the features of all (THEORY.md section 8).
    """
    with one_thread():
        for transform in transforms:
            if transform.reads == "all inputs" or not len(x):
                x = transform.fit_transform(x)
            else:
                transform.fit(x)
                x = transform.each(x)
    return x


def apply_each(transforms: Sequence[Transform], x: Tensor) -> Tensor:
    """Transform a batch one row at a time, so that the bits of a row do not depend on other rows."""
    if not len(x):
        return x
    with one_thread():
        for transform in transforms:
            x = transform.each(x)
    return x


def features_of(transforms: Sequence[Transform], x: Arrays, device: torch.device, width: int) -> Tensor:
    """Return the transformed features ``(batch, k)`` of inputs, on the device of the training set.

    On another device the same sums would have different bits.

    Args:
        transforms: Fitted transforms.
        x: Inputs, ``(batch, ...)``.
        device: Device of the training set.
        width: Number of features of an input before the transforms.

    Raises:
        ValueError: If inputs have another number of features, or a feature is NaN, infinite or beyond
            `LARGEST_FEATURE`.
    """
    features = checked_features("inputs to predict", x, width)
    return apply_each(transforms, features.to(device).flatten(1).double())


class Centre(Transform):
    """Subtract the training mean."""

    def fit(self, x: Tensor) -> None:
        """Fit to training features ``(n, k)``."""
        self.mean = x.mean(0)

    def __call__(self, x: Tensor) -> Tensor:
        """Centre features ``(batch, k)``."""
        centred: Tensor = x - self.mean
        return centred


class Normalise(Transform):
    """Scale every feature vector to length one. The zero vector is unchanged."""

    def __call__(self, x: Tensor) -> Tensor:
        """Normalise features ``(batch, k)``."""
        length = torch.linalg.vector_norm(x, dim=1, keepdim=True)
        unit: Tensor = x / length.masked_fill(length == 0, 1)
        return unit

    def each(self, x: Tensor) -> Tensor:
        """See `Transform.each`. In a contiguous batch, every row is summed in the same order."""
        return self(x.contiguous())


class Logarithm(Transform):
    """Map every feature ``v`` to ``sign(v) log(1 + |v|)``, for counts of different orders of magnitude."""

    def __call__(self, x: Tensor) -> Tensor:
        """Transform features ``(batch, k)``."""
        logarithm: Tensor = x.sign() * x.abs().log1p()
        return logarithm

    def each(self, x: Tensor) -> Tensor:
        """See `Transform.each`. In a contiguous batch, every number is computed in the same way."""
        return self(x.contiguous())


class PCA(Transform):
    """Project centred features on their leading principal axes.

    Args:
        components: Number of axes, from 1 to the number of features.
        whiten: Whether to scale every axis to unit variance; or the power, within [0, 1], of the standard deviation
            that every axis is divided by: true is 1, and 0.5 halves the differences of scale, as logarithms.

    Raises:
        ValueError: If an argument is out of its range. In `fit`, if there are fewer features than components, or they
            do not vary.
    """

    def __init__(self, components: int, whiten: bool | float = False) -> None:
        at_least(self, 1, components=components)
        if not isinstance(whiten, bool):
            within(self, 0, 1, whiten=whiten)
        self.components = components
        self.whiten = whiten

    def fit(self, x: Tensor) -> None:
        """Fit to training features ``(n, k)``."""
        if self.components > x.shape[1]:
            raise ValueError(f"PCA: components = {self.components}; must be at most {x.shape[1]}, the feature count")
        self.mean = x.mean(0)
        scatter = x.new_zeros(x.shape[1], x.shape[1])
        for rows in x.split(ROWS_AT_A_TIME):
            centred = rows - self.mean
            scatter.addmm_(centred.T, centred)
        variances, axes = torch.linalg.eigh(scatter / len(x))
        variances, axes = variances.flip(0)[: self.components], axes.flip(1)[:, : self.components]
        if not 0 < variances[0] < inf:
            raise ValueError(
                f"PCA: largest variance of the features = {float(variances[0])}; must be finite and above 0"
            )
        if self.whiten:
            # Directions without variance are dropped, since division by zero would follow.
            varying = variances > variances[0] * x.shape[1] * torch.finfo(x.dtype).eps
            axes = axes[:, varying] / variances[varying].sqrt() ** float(self.whiten)
        self.axes = axes

    def __call__(self, x: Tensor) -> Tensor:
        """Project features ``(batch, k)`` to ``(batch, components)``."""
        return torch.cat([(rows - self.mean) @ self.axes for rows in x.split(ROWS_AT_A_TIME)])


class Whiten(Transform):
    """Centre, decorrelate and scale to unit variance. Directions without variance are dropped."""

    def fit(self, x: Tensor) -> None:
        """Fit to training features ``(n, k)``."""
        self._pca = PCA(x.shape[1], whiten=True)
        self._pca.fit(x)

    def __call__(self, x: Tensor) -> Tensor:
        """Whiten features ``(batch, k)``."""
        return self._pca(x)
