"""The contract of base functions."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from torch import Tensor

from smoothing.distance import CHANGED, INSERTED
from smoothing.measures.enumerable import EnumerableMeasure
from smoothing.measures.measure import TRAINING_LABELS, SmoothingMeasure
from smoothing.provenance.origin import Origin
from smoothing.representation import Represented
from smoothing.votes.reads import Reads, leak
from smoothing.votes.retrained.draws import Draw, Predictions

LABELS = TRAINING_LABELS
"""The `Votes.object` of votes that randomise training labels. Their measure must have the classes of the data."""


class Votes(Represented, ABC):
    """A base function ``phi``: maps a randomised object to one of ``num_classes`` classes (THEORY.md section 1).

    The votes of this package accept arrays, data frames and nested lists of numbers in place of tensors; see
    `smoothing.votes.arrays`.

    Attributes:
        object: The randomised object: ``"test input"``, ``"training labels"`` or ``"training inputs"``.
        objects: Further objects that a measure may randomise instead of `object` or together with it.
        num_classes: Number of classes K, at least 2.
        assumptions: Assumptions of certificates of these votes, one phrase each.
        trained: Whether the base function is already trained. Then `fit` is given an empty training set, so that large
            training sets are not read.
        kept: Whether each draw is a training run, which is stored. Draws are then finished in a pass of their own, and
            `counts` raises `MissingDrawsError` for an unfinished draw.
        reads: What the base function reads of the training set. Only votes that read their own part can be certified
            against inserted, deleted and changed examples (THEORY.md section 8).
        all_labels: Whether votes on training labels need all of them, so that a measure must not hide any.
        inputs: Number of inputs in the randomised object, each of which an adversary may change separately.
        checkpoint: SHA-256 of the checkpoint of the base function, in hexadecimal; None if there is none.
    """

    object: ClassVar[str]
    objects: ClassVar[tuple[str, ...]] = ()
    trained: ClassVar[bool] = False
    kept: ClassVar[bool] = False
    reads: ClassVar[Reads] = "all inputs"
    all_labels: ClassVar[bool] = False
    inputs: int = 1
    num_classes: int
    assumptions: tuple[str, ...] = ()
    checkpoint: str | None = None

    def fit(self, x: Tensor, labels: Tensor, num_classes: int) -> None:
        """Fit to a training set; an empty one if the base function is already trained.

        Args:
            x: Training inputs, ``(n, ...)``.
            labels: Labels, ``(n,)`` whole numbers in ``0 .. num_classes - 1``.
            num_classes: Number of classes K.

        Raises:
            ValueError: If the training set is invalid.
        """
        self.num_classes = num_classes

    def serve(self, origin: Origin, x: Tensor, index: Tensor, finished: Mapping[Draw, Predictions]) -> None:
        """Set the test examples of a run. Called after `fit` if draws are stored.

        Args:
            origin: Origin of the training set.
            x: All inputs to predict, ``(m, ...)``.
            index: Position of each input in its data set, ``(m,)``.
            finished: Predictions of finished draws; the run adds to it when more are finished.
        """

    def supports(self, measure: SmoothingMeasure) -> str | None:
        """Return why the base function does not support ``measure``, or None if it does."""
        if not {self.object, *self.objects}.issuperset(measure.objects):
            allowed = " or the ".join((self.object, *self.objects))
            return f"{type(measure).__name__} randomises {' and '.join(measure.objects)}; must be the {allowed}"
        if self.object != LABELS:
            counts_examples = {measure.distance, *measure.beside} & {CHANGED, INSERTED}
            return f"{type(measure).__name__} is not for a {self.object}" if counts_examples else None
        if measure.distance.integer and (reason := leak("votes", self, self.reads, measure.distance)):
            return reason
        return unfit_for_labels(measure, self, self.all_labels)

    def assumptions_under(self, measure: SmoothingMeasure) -> tuple[str, ...]:
        """Return assumptions that depend on the measure, for a measure that `supports` accepts."""
        return ()

    def check(self, measure: SmoothingMeasure, x: Tensor) -> None:
        """Raise if the measure cannot randomise an input. Does nothing for votes that do not randomise test inputs.

        Args:
            measure: The smoothing measure.
            x: One input.

        Raises:
            ValueError: If the measure cannot randomise it, with the reason.
        """

    @abstractmethod
    def object_shape(self, x: Tensor) -> Sequence[int]:
        """Return the shape of one randomised object, given a batch ``x`` of inputs."""

    @abstractmethod
    def counts(
        self, measure: SmoothingMeasure, x: Tensor, index: Tensor, draws: int, seed: Sequence[int], first: int = 0
    ) -> Tensor:
        """Count how often each class wins in ``draws`` independent draws from ``measure``.

        Draws are numbered. Each is a function of the key, the randomised object and its number alone, so that a longer
        run repeats the draws of a shorter one and adds others.

        Args:
            measure: The smoothing measure.
            x: Inputs to predict, ``(batch, ...)``.
            index: Position of each input in its data set, ``(batch,)``.
            draws: Number of draws, at least 1.
            seed: Key of the draws.
            first: Number of the first draw, at least 0.

        Returns:
            Counts, ``(batch, num_classes)`` int64 on the CPU; every row sums to ``draws``.
        """


def unfit_for_labels(measure: SmoothingMeasure, votes: Votes, all_labels: bool) -> str | None:
    """Return why a measure cannot randomise labels, or None.

    Args:
        measure: The measure.
        votes: The votes, fitted to the data if the measure has a channel.
        all_labels: Whether all labels are needed, so that none may be hidden.
    """
    name, channel = type(measure).__name__, measure.channel
    if not measure.distance.integer:
        return f"{name} has radii in {measure.distance.unit}: it is not for labels"
    if channel is None:
        return f"{name} has no channel: it may hide labels, and all are needed" if all_labels else None
    if len(channel) != votes.num_classes:
        return f"{name} has {len(channel)} classes, the data has {votes.num_classes}"
    return None


class LabelVotes(Votes):
    """Votes that randomise the labels of a training set and leave its inputs unchanged.

    Attributes:
        labels: Training labels, ``(n,)`` int64, after `fit`.
    """

    object: ClassVar[str] = LABELS
    labels: Tensor

    def object_shape(self, x: Tensor) -> Sequence[int]:
        """Return the shape of the training labels, ``(n,)``."""
        return self.labels.shape


class CensusVotes(Votes):
    """Votes that can be counted over all versions of an object, for measures with finitely many."""

    @abstractmethod
    def census(self, measure: EnumerableMeasure, x: Tensor, index: Tensor) -> Tensor:
        """Count how often each class wins among all versions of each object.

        Args:
            measure: The smoothing measure.
            x: Inputs to predict, ``(batch, ...)``.
            index: Position of each input in its data set, ``(batch,)``.

        Returns:
            Counts, ``(batch, num_classes)`` int64 on the CPU; every row sums to ``measure.versions``.
        """
