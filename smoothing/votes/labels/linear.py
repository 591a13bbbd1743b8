"""Linear votes: scores that are linear in the training labels."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import one_hot

from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.blocks import blocks
from smoothing.numerics.random import generator
from smoothing.numerics.threads import for_each
from smoothing.votes.arrays import Arrays, checked_batch
from smoothing.votes.features.transforms import Transform, features_of, fit_all
from smoothing.votes.labels.training_set import checked_training_set
from smoothing.votes.parts.part_learner import PartLearner
from smoothing.votes.votes import LabelVotes

SCORE_BITS = 45
"""Sums of absolute weights and offsets stay below ``2**SCORE_BITS``, so that float64 adds them without rounding."""

LARGEST_SHIFT = 1000
"""Largest exponent of a power of two by which scores are scaled in one step."""

ROWS_IN_CACHE, WEIGHTS_IN_CACHE = 16, 2**17
"""Rows and weights rounded at a time: few enough to stay in a core's cache from one pass to the next."""

FEW_CLASSES = 2
"""Largest number of classes whose sums are matrix products; of more, weights are sorted by class."""

DRAWS_PER_BLOCK = 256
"""Number of label vectors in a block. Each block is drawn from its own key."""


@dataclass(frozen=True)
class Scores:
    """Scores ``s_c(x) = sum_j weights_j 1[y_j = c] + offsets_c`` in whole numbers (THEORY.md section 4).

    Certificates hold for exact arithmetic on these numbers. Only their ratios matter, so they have no unit.

    Attributes:
        weights: ``(batch, n)`` float64, whole numbers.
        offsets: ``(batch, num_classes)`` float64, whole numbers.
        labels: ``(n,)`` int64 training labels.
    """

    weights: Tensor
    offsets: Tensor
    labels: Tensor

    @property
    def num_classes(self) -> int:
        """Number of classes K."""
        return self.offsets.shape[1]

    @cached_property
    def class_sums(self) -> Tensor:
        """``(batch, num_classes)`` sum of the weights of each class, without offsets. Exact."""
        return self._by_class(lambda weights: weights)

    @cached_property
    def class_squares(self) -> Tensor:
        """``(batch, num_classes)`` sum of the squared weights of each class, to working precision."""
        return self._by_class(torch.square)

    @cached_property
    def by_label(self) -> tuple[NDArray[np.intp], list[int]]:
        """Training points in the order of their labels, ``(n,)``, and the first place of each label in it, then n."""
        counts = torch.bincount(self.labels, minlength=self.num_classes)
        # NumPy sorts short integers digit by digit.
        short = self.labels.numpy().astype(np.uint16 if self.num_classes <= 2**16 else np.int64)
        return short.argsort(kind="stable"), [0, *counts.cumsum(0).tolist()]

    def _by_class(self, value: Callable[[Tensor], Tensor]) -> Tensor:
        if self.num_classes <= FEW_CLASSES:
            return self._products_by_class(value)
        (order, starts), total = self.by_label, torch.zeros_like(self.offsets)
        present = [c for c in range(self.num_classes) if starts[c] < starts[c + 1]]
        weights, heads, sums = self.weights.numpy(), [starts[c] for c in present], total.numpy()

        def work(rows: slice) -> None:
            # The order has no index to clip; NumPy is fastest in this mode.
            sorted_ = torch.from_numpy(weights[rows].take(order, 1, mode="clip"))
            sums[rows, present] = np.add.reduceat(value(sorted_).numpy(), heads, 1)

        for_each(work, len(weights), max(1, WEIGHTS_IN_CACHE // 2 // max(1, len(order))))
        return total

    def _products_by_class(self, value: Callable[[Tensor], Tensor]) -> Tensor:
        """Return sums by class as products with the indicators of the classes, fastest for few classes."""
        members, total = one_hot(self.labels, self.num_classes).double().T.contiguous(), torch.empty_like(self.offsets)

        def work(rows: slice) -> None:
            values = value(self.weights[rows])
            for c, member in enumerate(members):
                torch.mv(values, member, out=total[rows, c])

        for_each(work, len(total), max(1, WEIGHTS_IN_CACHE // 2 // max(1, len(self.labels))))
        return total

    @classmethod
    def rounded(cls, weights: Tensor, offsets: Tensor, labels: Tensor) -> "Scores":
        """Round float64 scores in place to the finest whole numbers whose sums float64 holds exactly.

        Raises:
            ValueError: If a score is NaN or infinite.
        """

        def work(rows: slice) -> None:
            w, b = weights[rows], offsets[rows]
            total = w.abs().sum(1) + b.abs().sum(1)
            if not torch.isfinite(total).all():
                raise ValueError("weights or offsets of a linear vote: NaN or infinite value found; must be finite")
            exponent = SCORE_BITS - 1 - torch.frexp(total).exponent
            # In two steps where the scale of tiny scores is not a float64.
            steps = (exponent // 2, exponent - exponent // 2) if (exponent > LARGEST_SHIFT).any() else (exponent,)
            for step in steps:
                scale = torch.ldexp(torch.ones_like(total), step)[:, None]
                w.mul_(scale)
                b.mul_(scale)
            w.round_()
            b.round_()

        for_each(work, len(weights), max(1, min(ROWS_IN_CACHE, WEIGHTS_IN_CACHE // max(1, weights.shape[1]))))
        return cls(weights, offsets, labels)


class LinearVotes(LabelVotes, PartLearner):
    """Base class of votes that predict the argmax of scores linear in the training labels (THEORY.md section 4).

    Ties go to the class with the smallest number. Weights and offsets depend on training inputs and the test input, but
    **on no label**. If they do depend on labels, `assumptions` must say so.

    A new vote is a subclass with `_fit` and `weights`, and `offsets` if it has offsets. Both must return the same bits
    for an input in every batch.

    Args:
        transforms: Feature transforms, fitted on the training inputs in this order.

    Attributes:
        labels: ``(n,)`` int64 training labels, after `fit`.
    """

    labels: Tensor

    def __init__(self, transforms: Sequence[Transform] = ()) -> None:
        self.transforms = list(transforms)

    def fit(self, x: Arrays, labels: Arrays, num_classes: int) -> None:
        """Fit transforms and weights to the training set.

        Args:
            x: Training features, ``(n, ...)``, with absolute values of at most 1e100.
            labels: ``(n,)`` whole numbers in ``0 .. num_classes - 1``, every class present.
            num_classes: Number of classes K, at least 2.

        Raises:
            ValueError: If an argument is not as described. The message gives its name, its value and what is allowed.
        """
        x, labels = checked_training_set(x, labels, num_classes)
        self.learn(x, labels, num_classes)

    def learn(self, x: Tensor, labels: Tensor, num_classes: int) -> None:
        """Fit to any part of a training set; see `PartLearner.learn`."""
        self.num_classes = num_classes
        self.width = x.shape[1:].numel()
        self.labels = labels.long()
        self._fit_inputs(x.flatten(1), self.labels)

    def _fit_inputs(self, x: Tensor, labels: Tensor) -> None:
        """Fit the transforms to training inputs ``(n, k)`` and the vote to their features."""
        self._fit(fit_all(self.transforms, x.double()), labels)

    @abstractmethod
    def _fit(self, features: Tensor, labels: Tensor) -> None:
        """Fit to transformed training features ``(n, k)`` float64. Only votes with assumptions use ``labels``."""

    @abstractmethod
    def weights(self, features: Tensor) -> Tensor:
        """Return weights ``(batch, n)`` float64, a new tensor, of transformed test features ``(batch, k)`` float64."""

    def offsets(self, features: Tensor, weights: Tensor) -> Tensor:
        """Return offsets ``(batch, num_classes)`` float64, given features ``(batch, k)`` and weights ``(batch, n)``."""
        return features.new_zeros(len(features), self.num_classes)

    def scores(self, x: Tensor) -> Scores:
        """Return the integer scores of inputs ``x``, ``(batch, ...)``.

        Raises:
            ValueError: If a feature is NaN, infinite or above 1e100, or a weight is not finite.
        """
        features = features_of(self.transforms, x, self.labels.device, self.width)
        weights = self.weights(features)
        return Scores.rounded(weights, self.offsets(features, weights), self.labels)

    def class_scores(self, x: Tensor) -> Tensor:
        """Return the scores of the classes in whole numbers; see `PartLearner.class_scores`."""
        scores = self.scores(x)
        return scores.class_sums + scores.offsets

    def counts(
        self, measure: SmoothingMeasure, x: Tensor, index: Tensor, draws: int, seed: Sequence[int], first: int = 0
    ) -> Tensor:
        """Count votes over sampled label vectors, shared by all inputs (Rosenfeld et al. 2020, Algorithm 2)."""
        x, _ = checked_batch(x, index)
        scores = self.scores(x)
        votes = torch.zeros(len(x), self.num_classes, dtype=torch.long)
        for block, requested in blocks(first, draws, DRAWS_PER_BLOCK):
            noisy = measure.sample_many(self.labels, DRAWS_PER_BLOCK, generator((*seed, block)))[requested]
            sums = torch.stack([scores.weights @ (noisy == c).double().T for c in range(self.num_classes)], -1)
            winners = (sums + scores.offsets[:, None]).argmax(-1)
            votes += one_hot(winners, self.num_classes).sum(1)
        return votes
