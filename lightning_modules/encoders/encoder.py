"""The contract of encoders: maps from inputs to the features that votes use."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from smoothing.distance import Distance
from smoothing.provenance.origin import Origin
from smoothing.votes.reads import Reads, leak, moves


class Encoder(nn.Module, ABC):
    """A map from inputs to features that depends on no label under attack (THEORY.md 4.5).

    It is either frozen, with the examples of its training labels in `labels_of`, or fitted in `fit` on inputs alone. A
    new encoder is a subclass with `forward`, and with `fit` if it learns from inputs. Both are functions of their
    arguments and of the arguments of the constructor; random numbers come from a seed of its own. Inputs are passed in
    blocks of one shape, on one thread, so that features have the same bits in any batch and on any rank.

    Attributes:
        trained_on: Examples that it was trained on before, inputs or labels; empty if it is only fitted in `fit`.
        labels_of: The subset of these examples with labels that were used.
        accept_seen_labels: Whether to accept training sets with labels that it was trained on. Certificates then carry
            the assumption that the features do not change with the labels.
        assumptions: Assumptions of certificates on these features, one phrase each; final after `serve`.
    """

    trained_on: tuple[Origin, ...] = ()
    labels_of: tuple[Origin, ...] = ()
    accept_seen_labels: bool = False
    assumptions: tuple[str, ...] = ()

    @property
    def reads(self) -> Reads:
        """What it reads of the training set under attack: nothing, unless a subclass overrides `fit`."""
        return "nothing" if type(self).fit is Encoder.fit else "all inputs"

    def leak(self, distance: Distance, attacked: Origin) -> str | None:
        """Return why the encoder voids certificates in a distance, or None (THEORY.md section 8).

        Features must not move with inserted, deleted or changed examples.

        Args:
            distance: Distance in which changes of the training set are counted.
            attacked: The examples of the training set.
        """
        seen = next((origin for origin in self.trained_on if origin.overlaps(attacked)), None)
        if seen and moves("all inputs", distance):
            return (
                f"encoder = {type(self).__name__}, trained on {seen}: one change of {attacked} can move all "
                f"features; must be trained on other examples, for radii in {distance.unit}"
            )
        return leak("encoder", self, self.reads, distance)

    def serve(self, attacked: Origin) -> None:
        """Check that the encoder may encode a training set with labels under attack, and set `assumptions`.

        Args:
            attacked: The examples of the training set.

        Raises:
            ValueError: If the encoder was trained on some of their labels and `accept_seen_labels` is not set.
        """
        seen = [origin for origin in self.labels_of if origin.overlaps(attacked)]
        # Labels also influence the features if they selected the inputs.
        seen += [origin for origin in self.trained_on if origin.chosen_by_labels_of(attacked) and origin not in seen]
        if seen and not self.accept_seen_labels:
            raise ValueError(
                f"{type(self).__name__}: was trained on labels of {seen[0]}; must share none with {attacked}, the "
                "examples under attack, unless accept_seen_labels is true"
            )
        self.assumptions = tuple(f"features, learned from labels of {origin}, do not change" for origin in seen)

    def fit(self, x: Tensor) -> None:
        """Learn from the training inputs; by default, do nothing.

        Args:
            x: Training inputs, ``(n, ...)``, which are also encoded later.

        Raises:
            ValueError: If the inputs are unsuitable.
        """

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Return features ``(batch, k)`` float32 of inputs ``(batch, ...)``.

        Raises:
            ValueError: If the encoder is not made for inputs of this shape.
        """

    def identity(self) -> str | None:
        """Return the SHA-256 of its checkpoint, in hexadecimal; None if it has no checkpoint."""
        return None
