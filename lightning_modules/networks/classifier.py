"""The base class of trained base classifiers."""

from typing import Any

from torch import nn

from lightning_modules.networks.frozen import Frozen
from lightning_modules.training.recipe import describe
from smoothing.measures import SmoothingMeasure


class Classifier(Frozen):
    """A frozen network with the measure that it was trained under.

    Args:
        network: Maps images on the scale [0, 1], plus noise, to logits ``(batch, num_classes)``.
        num_classes: Number of classes K.
        measure: The measure that the network was trained under.
        identity: SHA-256 of the weights, in hexadecimal.
        any_measure: Whether to accept other measures than ``measure``.

    Attributes:
        num_classes: Number of classes K.
        measure: The measure that the network was trained under.
    """

    def __init__(
        self, network: nn.Module, num_classes: int, measure: SmoothingMeasure, identity: str, any_measure: bool
    ) -> None:
        super().__init__()
        self.network = network
        self.num_classes = num_classes
        self.measure = measure
        self.any_measure = any_measure
        self._identity = identity
        self.requires_grad_(False)
        self.train(False)

    def supports(self, measure: SmoothingMeasure) -> str | None:
        """Return why the network cannot be sampled under a measure, or None if it can.

        It can if samples are distributed as in its training, or resemble them: denoised images resemble clean ones.
        """
        trained = describe(self.measure)
        if self.any_measure or trained in (describe(measure), describe(measure.resembles)):
            return None
        return (
            f"the network was trained under {_spell(trained)} and the measure is {_spell(describe(measure))}; "
            "they must be the same, unless any_measure is true"
        )

    def identity(self) -> str:
        """Return the SHA-256 of the weights, in hexadecimal."""
        return self._identity


def _spell(recipe: dict[str, Any]) -> str:
    arguments = ", ".join(f"{name}={_spell_value(value)}" for name, value in recipe["init_args"].items())
    return f"{recipe['class_path'].rpartition('.')[2]}({arguments})"


def _spell_value(value: Any) -> str:
    return _spell(value) if isinstance(value, dict) and "class_path" in value else str(value)
