"""Several objects that are randomised independently."""

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

from smoothing.arguments import instance, is_generator, is_tensor, refuse, refuse_words
from smoothing.distance import Distance
from smoothing.measures.measure import TEST_INPUT, TRAINING_INPUTS, TRAINING_LABELS, SmoothingMeasure
from smoothing.numerics.rounding import Float
from smoothing.privacy_loss import PrivacyLoss, total_loss
from smoothing.provenance.checkpoints import joined
from smoothing.representation import Represented

if TYPE_CHECKING:
    import torch
    from torch import Tensor

OBJECTS = (TEST_INPUT, TRAINING_LABELS, TRAINING_INPUTS)


class Part(Represented):
    """One factor of a `Product`: a measure and the object that it randomises.

    Args:
        measure: The measure.
        object: ``"test input"``, ``"training labels"`` or ``"training inputs"``.
        columns: Columns of an object that is one row of a table, from 0; all of the object by default.

    Raises:
        ValueError: If the object is unknown, or the columns are not different whole numbers of at least 0.
    """

    def __init__(
        self, measure: SmoothingMeasure, object: str = TEST_INPUT, columns: Sequence[int] | None = None
    ) -> None:
        instance(self, SmoothingMeasure, measure=measure)
        if measure.objects:
            refuse(self, "measure", type(measure).__name__, "a measure that leaves its object to the part")
        if object not in OBJECTS:
            refuse(self, "object", object, f"one of {', '.join(OBJECTS)}")
        if columns is not None and not (columns and len(set(columns)) == len(columns) and min(columns) >= 0):
            refuse(self, "columns", columns, "at least one column, each given once, from 0")
        self.measure = measure
        self.object = object
        self.columns = None if columns is None else list(columns)


class Product(SmoothingMeasure):
    """Independent measures on different objects, or on different columns of one object (THEORY.md section 9).

    The privacy losses of the parts add. Radii are distances of the last part, for given budgets of all parts before
    it: with noise on labels and Gaussian noise on inputs, the largest norm for a number of flips. The guarantee
    `JointNeymanPearson` has these budgets. The norms for all numbers of flips form a frontier.

    Args:
        parts: At least one part. The last one defines the distance.

    Raises:
        ValueError: If two parts randomise one object or share a column, or if the losses of two parts cannot be added.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        if not parts:
            refuse_words(self, "parts", "[]", "at least one part")
        for number, part in enumerate(parts):
            instance(self, Part, parts=part)
            for other in parts[:number]:
                if part.object != other.object:
                    continue
                shared = set(part.columns or ()) & set(other.columns or ())
                if part.columns is None or other.columns is None or shared:
                    where = f"column {min(shared)} of the {part.object}" if shared else f"the {part.object}"
                    refuse_words(self, "parts", f"two measures on {where}", "on different objects or columns")
        self.parts = tuple(parts)
        # The last one is that of the radius.
        self.objects = tuple(dict.fromkeys(part.object for part in reversed(parts)))[::-1]
        self.beside = tuple(part.measure.distance for part in parts[:-1])
        self.exact_samples = all(part.measure.exact_samples for part in parts)
        self.assumptions = tuple(phrase for part in parts for phrase in part.measure.assumptions)
        self.trained_on = tuple(seen for part in parts for seen in part.measure.trained_on)
        self.checkpoint = joined(*(part.measure.checkpoint for part in parts))
        for part in parts if len(parts) > 1 else ():
            for law in _laws(part.measure, 1.0, (1,)):
                if law.normal_shift() is None and law.coordinates() is None:
                    name = type(part.measure).__name__
                    refuse_words(self, "parts", name, "measures with a finite or a normal privacy loss")

    @property
    def distance(self) -> Distance:
        """Distance of the last part."""
        return self.parts[-1].measure.distance

    def diameter(self, shape: Sequence[int]) -> float:
        """Return the diameter of the last part; see `SmoothingMeasure.diameter`."""
        return self.parts[-1].measure.diameter(self._shape(self.parts[-1], shape))

    def on(self, randomised: str) -> SmoothingMeasure | None:
        """Return the measure of one object; see `SmoothingMeasure.on`."""
        own = [part for part in self.parts if part.object == randomised]
        if len(own) == 1 and own[0].columns is None:
            return own[0].measure
        return Product(own) if own else None

    def check(self, z: "Tensor") -> None:
        """Raise unless the columns of the parts are the columns of ``z``; see `SmoothingMeasure.check`."""
        if len(self.objects) == 1 and self.parts[0].columns is None:
            self.parts[0].measure.check(z)
            return
        columns = sorted(column for part in self.parts for column in part.columns or ())
        if len(self.objects) > 1 or z.dim() != 1 or columns != list(range(len(z))):
            shown = f"an object of shape {list(z.shape)}"
            refuse_words(self, "z", shown, "a row of a table of which each column is in one part")
        for part in self.parts:
            part.measure.check(z[part.columns])

    def sample(self, z: "Tensor", generator: "torch.Generator") -> "Tensor":
        """Randomise every part; see `SmoothingMeasure.sample`."""
        is_tensor(self, z=z)
        return self.sample_each(z[None], generator)[0]

    def sample_each(self, z: "Tensor", generator: "torch.Generator") -> "Tensor":
        """Randomise every part of each object; see `SmoothingMeasure.sample_each`."""
        is_tensor(self, z=z)
        is_generator(self, generator)
        if len(z):
            self.check(z[0])
        if self.parts[0].columns is None:
            return self.parts[0].measure.sample_each(z, generator)
        sample = z.clone()
        for part in self.parts:
            sample[:, part.columns] = part.measure.sample_each(z[:, part.columns], generator)
        return sample

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> PrivacyLoss | list[PrivacyLoss]:
        """Return the law at distance ``radius`` of the last part. All other parts are unchanged."""
        return self.joint_loss([0.0] * len(self.beside) + [radius], shape)

    def joint_loss(self, radii: Sequence[float], shape: Sequence[int]) -> PrivacyLoss | list[PrivacyLoss]:
        """Return the sums of the losses of all parts; see `SmoothingMeasure.joint_loss`."""
        options = []
        for part, radius in zip(self.parts, radii, strict=True):
            own = self._shape(part, shape)
            options.append(_laws(part.measure, min(radius, part.measure.diameter(own)), own))
        return [total_loss(*losses) for losses in product(*options)]

    def closed_form_radius(self, log_fail: Float, log_rival: Float, shape: Sequence[int]) -> Float | None:
        """Return the radius of the last part. All other parts are unchanged."""
        last = self.parts[-1]
        return last.measure.closed_form_radius(log_fail, log_rival, self._shape(last, shape))

    def _shape(self, part: Part, shape: Sequence[int]) -> Sequence[int]:
        """Return the shape of what a part randomises, given the shape of a row or of all training inputs."""
        if part.columns is not None:
            return (len(part.columns),)
        if part.object == TRAINING_LABELS:
            return shape[:1]
        # Beside a training set, the test input has the shape of one training input.
        return shape[1:] if part.object == TEST_INPUT and len(self.objects) > 1 else shape


def _laws(measure: SmoothingMeasure, radius: float, shape: Sequence[int]) -> list[PrivacyLoss]:
    loss = measure.privacy_loss(radius, shape)
    return loss if isinstance(loss, list) else [loss]
