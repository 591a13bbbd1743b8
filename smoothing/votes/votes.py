"""The contract of every base function that is put to the vote."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from torch import Tensor

from smoothing.measures.enumerable import EnumerableMeasure
from smoothing.measures.measure import SmoothingMeasure
from smoothing.provenance.origin import Origin
from smoothing.representation import Represented
from smoothing.votes.retrained.draws import Draw, Predictions

LABELS = "training labels"
"""What votes say they are on where labels are randomised, so that a measure must know the classes of the data."""


class Votes(Represented, ABC):
    """A base function ``phi``: randomised object in, one of ``num_classes`` classes out (THEORY.md section 1).

    The votes of this package accept arrays, data frames and nested lists of numbers in place of tensors; see
    `smoothing.votes.arrays`.

    Attributes:
        object: What the measure randomises: ``"test input"``, ``"training labels"`` or ``"training inputs"``.
        num_classes: Number of classes K, at least 2.
        assumptions: What a certificate of these votes takes for granted, one phrase each.
        trained: Whether the base function comes trained. Then `fit` is given no training example, so that large
            training sets need not be read.
        kept: Whether draws are worth keeping, each being a training run. They are then finished in a pass of their own,
            and `counts` raises `MissingDrawsError` where one is not.
        all_labels: Whether, on training labels, it needs every one of them, so that a measure may hide none.
        inputs: Number of inputs that the randomised object is made of, each of which an adversary may change alone.
        measures: Measures that a draw samples besides the one that randomises the object.
        checkpoint: SHA-256 of the checkpoint that it comes from, in hexadecimal; None where there is none.
    """

    object: ClassVar[str]
    trained: ClassVar[bool] = False
    kept: ClassVar[bool] = False
    all_labels: ClassVar[bool] = False
    inputs: int = 1
    num_classes: int
    assumptions: tuple[str, ...] = ()
    measures: tuple[SmoothingMeasure, ...] = ()
    checkpoint: str | None = None

    def fit(self, x: Tensor, labels: Tensor, num_classes: int) -> None:
        """Prepare from a training set, where the base function is not one that comes trained.

        Args:
            x: Training inputs, ``(n, ...)``.
            labels: ``(n,)`` whole numbers in ``0 .. num_classes - 1``.
            num_classes: Number of classes K.

        Raises:
            ValueError: If the training set is not one to learn from.
        """
        self.num_classes = num_classes

    def serve(self, origin: Origin, x: Tensor, index: Tensor, finished: Mapping[Draw, Predictions]) -> None:
        """Be told beforehand what will be asked, where draws are kept; after `fit`.

        Args:
            origin: Which examples the training set holds.
            x: All inputs that will be predicted, ``(m, ...)``.
            index: ``(m,)`` position of each in its data set.
            finished: Predictions of finished draws; the run adds to it when more are finished.
        """

    def supports(self, measure: SmoothingMeasure) -> str | None:
        """Why this base function cannot be put to the vote under ``measure``, or None where it can."""
        if self.object != LABELS:
            return None
        name, channel = type(measure).__name__, measure.channel
        if not measure.distance.integer:
            return f"{name} has radii in {measure.distance.unit}: not for labels"
        if channel is None:
            return f"{name} has no channel: it may hide labels, and all are needed" if self.all_labels else None
        if len(channel) != self.num_classes:
            return f"{name} has {len(channel)} classes, the data has {self.num_classes}"
        return None

    def assumptions_under(self, measure: SmoothingMeasure) -> tuple[str, ...]:
        """Return assumptions that depend on the measure, for a measure that `supports` accepts."""
        return ()

    def check(self, measure: SmoothingMeasure, x: Tensor) -> None:
        """Refuse an input that the measure cannot randomise, where inputs are what it randomises.

        Args:
            measure: The smoothing measure.
            x: One input.

        Raises:
            ValueError: If it cannot, saying why.
        """

    @abstractmethod
    def object_shape(self, x: Tensor) -> Sequence[int]:
        """Shape of one randomised object, given a batch ``x`` of inputs."""

    @abstractmethod
    def counts(
        self, measure: SmoothingMeasure, x: Tensor, index: Tensor, draws: int, seed: Sequence[int], first: int = 0
    ) -> Tensor:
        """How often each class wins in ``draws`` independent draws from ``measure``.

        Draws are numbered, and each is a function of the key, of the randomised object and of its number alone: the
        draws of a longer run are those of a shorter one and more.

        Args:
            measure: The smoothing measure.
            x: Inputs to predict, ``(batch, ...)``.
            index: ``(batch,)`` position of each input in its data set.
            draws: Number of draws, at least 1.
            seed: Key of the draws.
            first: Number of the first draw, at least 0.

        Returns:
            ``(batch, num_classes)`` int64 on the CPU; every row sums to ``draws``.
        """


class LabelVotes(Votes):
    """Votes on the labels of a training set whose inputs stay as they are.

    Attributes:
        labels: ``(n,)`` int64 training labels, after `fit`.
    """

    object: ClassVar[str] = LABELS
    labels: Tensor

    def object_shape(self, x: Tensor) -> Sequence[int]:
        """The training labels: ``(n,)``."""
        return self.labels.shape


class CensusVotes(Votes):
    """Votes that can be taken on all versions of an object, where a measure makes but so many."""

    @abstractmethod
    def census(self, measure: EnumerableMeasure, x: Tensor, index: Tensor) -> Tensor:
        """How often each class wins among all versions of each object.

        Args:
            measure: The smoothing measure.
            x: Inputs to predict, ``(batch, ...)``.
            index: ``(batch,)`` position of each input in its data set.

        Returns:
            ``(batch, num_classes)`` int64 on the CPU; every row sums to ``measure.versions``.
        """
