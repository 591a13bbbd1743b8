"""Votes of models that are trained on randomised versions of a training set."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from smoothing.measures.additive import Gaussian
from smoothing.measures.measure import TRAINING_INPUTS, TRAINING_LABELS, SmoothingMeasure
from smoothing.numerics.padding import filled
from smoothing.numerics.random import generator
from smoothing.numerics.rowwise import ROWS, check_rowwise
from smoothing.numerics.threads import batchwise, one_thread, spread
from smoothing.privacy_loss import NormalLaw, ShiftLoss
from smoothing.provenance.checkpoints import joined
from smoothing.provenance.origin import Origin
from smoothing.votes.arrays import Arrays, checked_batch
from smoothing.votes.labels.training_set import checked_training_set
from smoothing.votes.retrained.body import Body
from smoothing.votes.retrained.draws import Draw, Predictions
from smoothing.votes.retrained.kept_votes import KeptVotes
from smoothing.votes.retrained.learner import Learner
from smoothing.votes.votes import unfit_for_labels

NOISE, TEST_NOISE, TRAINING, START, LABEL_NOISE = range(5)
"""Purposes of random numbers, the last part of their keys."""

_TRADED = (
    "the test input has noise of sigma_x = {sigma_x}: if its change has l2 norm L, a radius R shrinks to "
    "sqrt(R^2 - (L {sigma} / {sigma_x})^2)"
)


class RetrainedVotes(KeptVotes):
    """Votes of models that are each trained with their own key on their own sample of the training set.

    The measure says what it randomises: training inputs, or the parts of a `Product`, which may be training labels,
    training inputs, or both. What it leaves unchanged, the adversary does not change either.

    One draw randomises every training input or label once, trains on the result and predicts every requested test
    example (Weber et al. 2023; with a denoiser in the measure, Hong et al. 2024). The radius bounds the change of all
    training inputs together, in the measure's distance: for Gaussian noise ``sqrt(sum_i |delta_i|^2)`` (THEORY.md
    section 6). With noise on labels, it is the number of flips: Algorithm 2 of Rosenfeld et al. (2020) for any model.
    Number and order of the training examples do not change.

    All test examples share the draws. Each certificate holds with probability ``1 - alpha``; all of them together hold
    only by a union bound (THEORY.md section 5).

    With noise of ``sigma_x`` on the test input, the radius R also covers backdoors: the training inputs may change by
    ``delta`` and the test input by ``Omega`` if ``sum_i |delta_i|^2 + (sigma / sigma_x)^2 |Omega|^2 < R^2`` (Weber et
    al. 2023). If the distance measures ``delta`` in standard deviations, ``sigma`` is 1 in this formula.

    Args:
        learner: The learner.
        body: Frozen network that maps randomised inputs to the features of the learner; none by default.
        test_noise: Noise on the test input, one draw per input and model; none by default.
    """

    object: ClassVar[str] = TRAINING_INPUTS
    objects: ClassVar[tuple[str, ...]] = (TRAINING_LABELS,)

    def __init__(self, learner: Learner, body: Body | None = None, test_noise: Gaussian | None = None) -> None:
        self.learner = learner
        self.body = body
        self.test_noise = test_noise
        self.measures = () if test_noise is None else (test_noise,)
        self._prepared: tuple[Tensor, ...] = ()
        of_measures = (measure.checkpoint for measure in self.measures)
        self.checkpoint = joined(learner.checkpoint, body.identity() if body else None, *of_measures)

    @property
    def assumptions(self) -> tuple[str, ...]:  # type: ignore[override]  # depends on the data
        """Assumptions of certificates: among others, that training examples of learner and body do not change."""
        apart = tuple(f"the {part}, trained on {seen}, does not change" for part, seen in self._origins())
        return (*self.learner.assumptions, *apart)

    def assumptions_under(self, measure: SmoothingMeasure) -> tuple[str, ...]:
        """Return how a change of the test input reduces the radius, in the units of the measure's distance."""
        if self.test_noise is None or (sigma := _sigma_of(measure, self._x.shape)) is None:
            return ()
        return (_TRADED.format(sigma=sigma, sigma_x=self.test_noise.sigma),)

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

    def supports(self, measure: SmoothingMeasure) -> str | None:
        """Return why certificates of these votes do not hold under ``measure``, or None (THEORY.md section 6)."""
        if reason := super().supports(measure):
            return reason
        if self.learner.warm_start:
            return (
                f"warm_start of {type(self.learner).__name__}: models start from the training inputs without noise, "
                "which the adversary may change; must be false, or the certifier Empirical"
            )
        for part, seen in (
            *self._origins(),
            *(("measure", seen) for m in (measure, *self.measures) for seen in m.trained_on),
        ):
            if reason := self.overlap(part, (seen,)):
                return reason
        on_labels, on_inputs = _parts(measure)
        if on_inputs is not None and on_inputs.beside:
            return f"{type(measure).__name__} has several parts on columns of the training inputs; must be one"
        try:
            if on_inputs is not None:
                on_inputs.check(self._x)
        except ValueError as error:
            return str(error)
        if on_labels is not None and (reason := unfit_for_labels(on_labels, self, all_labels=True)):
            return reason
        if self.test_noise is not None and self.test_noise.distance != Gaussian(self.test_noise.sigma).distance:
            return (
                f"test_noise = {type(self.test_noise).__name__} with distances in "
                f"{self.test_noise.distance.unit}; must be Gaussian, of one sigma"
            )
        if self.test_noise is not None and (measure.beside or _sigma_of(measure, self._x.shape) is None):
            return (
                f"test_noise with {type(measure).__name__} on training inputs; must be unset, or the measure Gaussian"
            )
        return None

    def object_shape(self, x: Tensor) -> Sequence[int]:
        """Return the shape of the training inputs, ``(n, ...)``."""
        return self._x.shape

    def draw(
        self, measure: SmoothingMeasure, draws: Sequence[Draw], seed: int, device: torch.device | str = "cpu"
    ) -> list[Predictions]:
        """Finish some draws; see `KeptVotes.draw`."""
        x, labels, tests = (tensor.to(device) for tensor in (self._x, self._labels, self._tests))
        fixed = self._prepare(x, labels, tests, (seed, START))
        predicted: dict[int, Tensor] = {}
        on_labels, on_inputs = _parts(measure)
        clean = self._features(x) if on_inputs is None else x

        def work(some: slice) -> None:
            keys = [(seed, *draw) for draw in draws[some]]
            with torch.no_grad():
                if on_inputs is None:
                    noisy = [clean] * len(keys)
                else:
                    noisy = [self._features(on_inputs.sample(x, generator((*key, NOISE), x.device))) for key in keys]
                own = [on_labels.sample(labels, generator((*key, LABEL_NOISE), x.device)) for key in keys if on_labels]
                targets = [self._features(self._noisy(tests, key)) if fixed is None else fixed for key in keys]
            # Groups of one size, so that a model has the same bits with any other models.
            spare = self.learner.group - len(keys)
            noisy, trained = noisy + spare * noisy[-1:], keys + spare * keys[-1:]
            targets += spare * targets[-1:]
            own += spare * own[-1:]
            with torch.enable_grad():
                predicted[some.start] = self.learner.train_and_predict(
                    torch.stack(noisy),
                    torch.stack(own) if own else labels,
                    self.num_classes,
                    torch.stack(targets) if fixed is None else fixed.expand(len(trained), *fixed.shape),
                    [(*key, TRAINING) for key in trained],
                )[: len(keys)]

        spread(work, len(draws), self.learner.group, x.device)
        return [row for start in sorted(predicted) for row in predicted[start].cpu().numpy().astype(np.int16)]

    def _prepare(self, x: Tensor, labels: Tensor, tests: Tensor, key: Sequence[int]) -> Tensor | None:
        """Compute once what all draws share, and return the features of the test examples if they have no noise."""
        same = self._prepared and all(map(torch.equal, self._prepared, (x, tests)))
        if not same:
            with torch.no_grad():
                self._fixed = None if self.test_noise else self._features(tests)
            if self.learner.warm_start:
                with one_thread():
                    self.learner.start(self._features(x), labels, self.num_classes, key)
            self._prepared = x, tests
        return self._fixed

    def counts(
        self, measure: SmoothingMeasure, x: Tensor, index: Tensor, draws: int, seed: Sequence[int], first: int = 0
    ) -> Tensor:
        """Count the votes of finished draws; see `Votes.counts`.

        Raises:
            MissingDrawsError: If a draw is not finished.
        """
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

    def _noisy(self, tests: Tensor, key: Sequence[int]) -> Tensor:
        assert self.test_noise is not None
        return self.test_noise.sample_each(tests, generator((*key, TEST_NOISE), tests.device))

    def _origins(self) -> list[tuple[str, Origin]]:
        parts = [("learner", self.learner.trained_on), ("body", self.body.trained_on if self.body else ())]
        return [(name, seen) for name, origins in parts for seen in origins]


def _parts(measure: SmoothingMeasure) -> tuple[SmoothingMeasure | None, SmoothingMeasure | None]:
    """Return the measures of labels and of inputs. A measure without `objects` randomises inputs."""
    return measure.on(TRAINING_LABELS) if measure.objects else None, measure.on(TRAINING_INPUTS)


def _sigma_of(measure: SmoothingMeasure, shape: Sequence[int]) -> float | None:
    """Return the standard deviation of Gaussian noise in the units of its distance; None for any other noise."""
    law = measure.privacy_loss(1.0, shape)
    return law.noise.sigma if isinstance(law, ShiftLoss) and isinstance(law.noise, NormalLaw) else None
