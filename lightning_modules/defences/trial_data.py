"""Interfaces of the data of trials."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from torch import Tensor, nn

from smoothing.provenance.origin import Origin


class Poisoned(Protocol):
    """Interface of a data module with poisons."""

    num_classes: int
    poisons: Any

    def training_set(self) -> tuple[Tensor, Tensor]:
        """Return training images with the poisons, and labels."""

    @property
    def target(self) -> tuple[int, Tensor, int]:
        """Position, image and label of the target."""


class Attacks(Protocol):
    """Interface of a data module with attacks and targets."""

    num_classes: int
    attacks: Mapping[str, Any]
    targets: Sequence[Any]

    @property
    def requested(self) -> Sequence[int]:
        """Positions of the clean test examples."""

    @property
    def origins(self) -> Sequence[Origin]:
        """Examples that the attacker sees."""

    def training_set(self) -> tuple[Tensor, Tensor]:
        """Return the clean training set."""

    def test_set(self) -> Any:
        """Return the clean test set."""

    def fingerprint(self) -> str:
        """Return the SHA-256 of the data, in hexadecimal."""

    def poisoned(self, attack: str, number: int, networks: Sequence[nn.Module]) -> Poisoned:
        """Return the data with the poisons of one attack on one target."""
