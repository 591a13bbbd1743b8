"""What a checkpoint says about the encoder that it holds."""

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
    """What an encoder is, and what it has seen.

    Attributes:
        network: Recipe of its backbone.
        image_shape: Shape of the images.
        trained_on: Examples that it was trained on.
        labels: Whether their labels had a part in it.
    """

    network: Recipe
    image_shape: tuple[int, ...]
    trained_on: Origin
    labels: bool

    @classmethod
    def of(cls, network: Backbone, image_shape: tuple[int, ...], trained_on: Origin, labels: bool) -> "Record":
        """The record of a backbone.

        Raises:
            ValueError: If it starts from weights that come trained, of whose labels nothing is known.
        """
        if weights := getattr(network, "weights", None):
            start = f"{type(network).__name__}: weights = {weights}"
            raise ValueError(f"{start}; must be unset to train an encoder, since it is not known whose labels they saw")
        return cls(describe(network, leave_out=("weights",)), image_shape, trained_on, labels)

    def plain(self) -> dict[str, Any]:
        """As a checkpoint holds it, in plain values."""
        return asdict(self)

    @classmethod
    def fields(cls, checkpoint: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the fields of the record in a checkpoint; None if it has none."""
        return vars(cls.read(checkpoint[RECORD])) if RECORD in checkpoint else None

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> "Record":
        """Read what `plain` gave."""
        origin = {**record["trained_on"]}
        classes = origin.pop("classes")
        seen = Origin(**origin, classes=None if classes is None else tuple(classes))
        return cls(record["network"], tuple(record["image_shape"]), seen, record["labels"])
