"""The record of an encoder in its checkpoint."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lightning_modules.encoders.backbone import Backbone
from lightning_modules.training.recipe import Recipe, describe
from smoothing.provenance.origin import Origin

RECORD = "encoder"
"""Key of the record in a checkpoint."""


@dataclass(frozen=True)
class Record:
    """Backbone and training examples of an encoder.

    Attributes:
        network: Recipe of its backbone.
        image_shape: Shape of the images.
        trained_on: Examples that it was trained on.
        labels: Whether their labels were used.
    """

    network: Recipe
    image_shape: tuple[int, ...]
    trained_on: Origin
    labels: bool

    @classmethod
    def of(cls, network: Backbone, image_shape: tuple[int, ...], trained_on: Origin, labels: bool) -> "Record":
        """Return the record of a backbone.

        Raises:
            ValueError: If it starts from pretrained weights, since the labels of their training are unknown.
        """
        if weights := getattr(network, "weights", None):
            start = f"{type(network).__name__}: weights = {weights}"
            raise ValueError(
                f"{start}; must be unset to train an encoder, since the labels of their training are unknown"
            )
        return cls(describe(network, leave_out=("weights",)), image_shape, trained_on, labels)

    def plain(self) -> dict[str, Any]:
        """Return the record in plain values, for a checkpoint."""
        return asdict(self)

    @classmethod
    def fields(cls, checkpoint: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the fields of the record in a checkpoint; None if it has none."""
        return vars(cls.read(checkpoint[RECORD])) if RECORD in checkpoint else None

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> "Record":
        """Return the record from the plain values of `plain`."""
        origin = {**record["trained_on"]}
        classes = origin.pop("classes")
        seen = Origin(**origin, classes=None if classes is None else tuple(classes))
        return cls(record["network"], tuple(record["image_shape"]), seen, record["labels"])
