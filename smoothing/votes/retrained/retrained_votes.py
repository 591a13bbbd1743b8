"""Votes of models that are trained on randomised versions of a training set."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from smoothing.measures.measure import TEST_INPUT, TRAINING_INPUTS, TRAINING_LABELS, SmoothingMeasure
from smoothing.numerics.padding import filled
from smoothing.numerics.random import generator
from smoothing.numerics.rowwise import ROWS, check_rowwise
from smoothing.numerics.threads import batchwise, one_thread, spread
from smoothing.provenance.checkpoints import joined
from smoothing.provenance.origin import Origin
from smoothing.votes.arrays import Arrays, checked_batch
from smoothing.votes.labels.training_set import checked_training_set
from smoothing.votes.retrained.body import Body
from smoothing.votes.retrained.draws import Draw, Predictions
from smoothing.votes.retrained.kept_votes import KeptVotes
from smoothing.votes.retrained.learner import Learner
from smoothing.votes.votes import unfit_for_labels

MOST_DRAWS = 10**7
"""Largest number of draws that are listed at once. Each trains a model."""

NOISE, TEST_NOISE, TRAINING, START, LABEL_NOISE = range(5)
"""Purposes of random numbers, the last part of their keys."""


class RetrainedVotes(KeptVotes):
    """Votes of models that are each trained with their own key on their own sample of the training set.

    The measure says what it randomises: training inputs, or the parts of a `Product`. The parts may be training labels,
    training inputs, or both, and the test input besides. What the measure leaves unchanged, the adversary does not
    change either.

    One draw randomises every training input or label once, trains on the result and predicts every requested test
    example (Weber et al. 2023; with a denoiser in the measure, Hong et al. 2024). The radius bounds the change of all
    training inputs together, in the measure's distance: for Gaussian noise ``sqrt(sum_i |delta_i|^2)`` (THEORY.md
    section 6). With noise on labels, it is the number of flips: Algorithm 2 of Rosenfeld et al. (2020) for any model.
    Number and order of the training examples do not change.

    All test examples share the draws. Each certificate holds with probability ``1 - alpha``; all of them together hold
    only by a union bound (THEORY.md section 5).

    With a part on the test input, certificates also cover backdoors: the training set and the test input change
    together (Weber et al. 2023). Each draw has its own noise on every test input.

    Args:
        learner: The learner.
        body: Frozen network that maps randomised inputs to the features of the learner; none by default.
    """

    object: ClassVar[str] = TRAINING_INPUTS
    objects: ClassVar[tuple[str, ...]] = (TRAINING_LABELS, TEST_INPUT)

    def __init__(self, learner: Learner, body: Body | None = None) -> None:
        self.learner = learner
        self.body = body
        self._known: list[tuple[Tensor, Tensor]] = []
        self._started = False
        self.checkpoint = joined(learner.checkpoint, body.identity() if body else None)

    @property
    def assumptions(self) -> tuple[str, ...]:  # type: ignore[override]  # depends on the data
        """Assumptions of certificates: among others, that training examples of learner and body do not change."""
        apart = tuple(f"the {part}, trained on {seen}, does not change" for part, seen in self._origins())
        return (*self.learner.assumptions, *apart)

    def fit(self, x: Arrays, labels: Arrays, num_classes: int) -> None:
        """Store the training set, and check the body.

        Args:
            x: Training inputs, ``(n, ...)``, finite.
            labels: Labels, ``(n,)`` whole numbers in ``0 .. num_classes - 1``, with an example of every class.
            num_classes: Number of classes K, at least 2.

        Raises:
            ValueError: If an argument is not as described, with its value and what is allowed, or if the body's
                features of an input depend on other inputs of its batch.
        """
        x, labels = checked_training_set(x, labels, num_classes)
        if self.body is not None:
            name, rows = type(self.body).__name__, x[: max(1, min(ROWS, self.body.batch_size // 2))]
            with one_thread():
                check_rowwise(name, self.body, self._features, rows)
        self.num_classes = num_classes
        self.inputs = len(x)
        self._x = x
        self._labels = labels
        self._known, self._started = [], False

    def supports(self, measure: SmoothingMeasure) -> str | None:
        """Return why certificates of these votes do not hold under ``measure``, or None (THEORY.md section 6)."""
        if reason := super().supports(measure):
            return reason
        if self.learner.warm_start:
            return (
                f"warm_start of {type(self.learner).__name__}: models start from the training inputs without noise, "
                "which the adversary may change; must be false, or the certifier Empirical"
            )
        for trained, seen in (*self._origins(), *(("measure", seen) for seen in measure.trained_on)):
            if reason := self.overlap(trained, (seen,)):
                return reason
        on_labels, on_inputs, on_tests = _parts(measure)
        if on_labels is on_inputs is None:
            return f"{type(measure).__name__} randomises the test input alone; must have a part on the training set"
        for name, own in ((TRAINING_INPUTS, on_inputs), (TEST_INPUT, on_tests)):
            if own is not None and own.beside:
                return f"{type(measure).__name__} has several parts on columns of the {name}; must be one"
        try:
            if on_inputs is not None:
                on_inputs.check(self._x)
        except ValueError as error:
            return str(error)
        return None if on_labels is None else unfit_for_labels(on_labels, self, all_labels=True)

    def check(self, measure: SmoothingMeasure, x: Tensor) -> None:
        """Raise if the measure cannot randomise a test input; see `Votes.check`."""
        _, _, on_tests = _parts(measure)
        if on_tests is not None:
            on_tests.check(x)

    def object_shape(self, x: Tensor) -> Sequence[int]:
        """Return the shape of the training inputs, ``(n, ...)``."""
        return self._x.shape

    def draw(
        self, measure: SmoothingMeasure, draws: Sequence[Draw], seed: int, device: torch.device | str = "cpu"
    ) -> list[Predictions]:
        """Finish some draws; see `KeptVotes.draw`."""
        x, labels, tests = (tensor.to(device) for tensor in (self._x, self._labels, self._tests))
        if self.learner.warm_start:
            self._warm_up(x, labels, (seed, START))
        predicted: dict[int, Tensor] = {}
        on_labels, on_inputs, on_tests = _parts(measure)
        clean = self._clean(x) if on_inputs is None else x
        fixed = self._clean(tests) if on_tests is None else tests

        def work(some: slice) -> None:
            keys = [(seed, *draw) for draw in draws[some]]
            with torch.no_grad():
                if on_inputs is None:
                    noisy = [clean] * len(keys)
                else:
                    noisy = [self._features(on_inputs.sample(x, generator((*key, NOISE), x.device))) for key in keys]
                own = [on_labels.sample(labels, generator((*key, LABEL_NOISE), x.device)) for key in keys if on_labels]
                seen = [
                    self._features(on_tests.sample_each(tests, generator((*key, TEST_NOISE), x.device)))
                    for key in keys
                    if on_tests
                ]
            # Groups of one size, so that a model has the same bits with any other models.
            spare = self.learner.group - len(keys)
            noisy, trained = noisy + spare * noisy[-1:], keys + spare * keys[-1:]
            own, seen = own + spare * own[-1:], seen + spare * seen[-1:]
            with torch.enable_grad():
                predicted[some.start] = self.learner.train_and_predict(
                    torch.stack(noisy),
                    torch.stack(own) if own else labels,
                    self.num_classes,
                    torch.stack(seen) if seen else fixed.expand(len(trained), *fixed.shape),
                    [(*key, TRAINING) for key in trained],
                )[: len(keys)]

        spread(work, len(draws), self.learner.group, x.device)
        return [row for start in sorted(predicted) for row in predicted[start].cpu().numpy().astype(np.int16)]

    def _clean(self, inputs: Tensor) -> Tensor:
        """Return the features of inputs without noise, computed once for all draws."""
        for known, features in self._known:
            if known.device == inputs.device and torch.equal(known, inputs):
                return features
        with torch.no_grad():
            self._known.append((inputs, self._features(inputs)))
        return self._known[-1][1]

    def _warm_up(self, x: Tensor, labels: Tensor, key: Sequence[int]) -> None:
        """Train the initial model of all others, once."""
        if not self._started:
            with one_thread():
                self.learner.start(self._features(x), labels, self.num_classes, key)
            self._started = True

    def counts(
        self, measure: SmoothingMeasure, x: Tensor, index: Tensor, draws: int, seed: Sequence[int], first: int = 0
    ) -> Tensor:
        """Count the votes of finished draws; see `Votes.counts`.

        Raises:
            MissingDrawsError: If a draw is not finished.
            MemoryError: If there are more draws than `MOST_DRAWS`.
        """
        if draws > MOST_DRAWS:
            raise MemoryError(f"{type(self).__name__}: draws = {draws}; must be at most {MOST_DRAWS}")
        _, index = checked_batch(x, index)
        requested = [Draw(seed[-1], number) for number in range(first, first + draws)]
        predicted = torch.from_numpy(self.predictions(requested, index))
        return one_hot(predicted.long(), self.num_classes).sum(0)

    def _features(self, x: Tensor) -> Tensor:
        """Return the body's features, in batches of one size, so that bits do not depend on the number of rows."""
        if self.body is None:
            return x
        body, size = self.body.to(x.device), self.body.batch_size
        with torch.no_grad():
            return batchwise(body, [filled(some, size) for some in x.split(size)])[: len(x)]

    def _origins(self) -> list[tuple[str, Origin]]:
        parts = [("learner", self.learner.trained_on), ("body", self.body.trained_on if self.body else ())]
        return [(name, seen) for name, origins in parts for seen in origins]


def _parts(measure: SmoothingMeasure) -> tuple[SmoothingMeasure | None, ...]:
    """Return the measures of labels, inputs and test input. A measure without `objects` randomises inputs."""
    if not measure.objects:
        return None, measure, None
    return measure.on(TRAINING_LABELS), measure.on(TRAINING_INPUTS), measure.on(TEST_INPUT)
