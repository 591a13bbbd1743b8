"""The contract of every encoder: inputs in, the features that votes see out."""

from abc import ABC, abstractmethod

from torch import Tensor

from lightning_modules.networks.frozen import RowByRow
from smoothing.provenance.origin import Origin


class Encoder(RowByRow, ABC):
    """A map from inputs to features that no label under attack has shaped (THEORY.md 4.5).

    It comes frozen, with what it learned from other labels in `labels_of`, or is fitted in `fit`, which sees inputs
    alone. A new encoder is a subclass with `forward`, and `fit` where there is something to learn. Both are functions
    of their arguments and of the constructor's: whatever is drawn at random is drawn from a seed of its own. Inputs
    come in blocks of one shape, on one thread, so that features have the same bits in any batch and on any ranks.

    Attributes:
        trained_on: What it came trained on, inputs or labels; empty where it is only fitted in `fit`.
        labels_of: Those of them whose labels it was trained on.
        accept_seen_labels: Serve training sets whose labels it was trained on all the same. Certificates then carry
            the assumption that the features do not change with the labels.
        assumptions: What certificates on these features take for granted, one phrase each; final after `serve`.
    """

    trained_on: tuple[Origin, ...] = ()
    labels_of: tuple[Origin, ...] = ()
    accept_seen_labels: bool = False
    assumptions: tuple[str, ...] = ()

    def serve(self, attacked: Origin) -> None:
        """Agree to encode a training set whose labels are under attack.

        Args:
            attacked: The examples that it holds.

        Raises:
            ValueError: If the encoder was trained on some of their labels and `accept_seen_labels` is not set.
        """
        seen = [origin for origin in self.labels_of if origin.overlaps(attacked)]
        # Labels that only chose the inputs have had their part in it too.
        seen += [origin for origin in self.trained_on if origin.chosen_by_labels_of(attacked) and origin not in seen]
        if seen and not self.accept_seen_labels:
            raise ValueError(
                f"{type(self).__name__}: was trained on labels of {seen[0]}; must share none with {attacked}, whose "
                "labels are under attack, unless accept_seen_labels is true"
            )
        self.assumptions = tuple(f"features, learned from labels of {origin}, do not change" for origin in seen)

    def fit(self, x: Tensor) -> None:
        """Learn from the training inputs; nothing by default.

        Args:
            x: Training inputs, ``(n, ...)``, those that are to be encoded later.

        Raises:
            ValueError: If they are not such as can be learned from.
        """

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Features ``(batch, k)`` float32 of inputs ``(batch, ...)``.

        Raises:
            ValueError: If the inputs have another shape than those that the encoder is made for.
        """

    def identity(self) -> str | None:
        """SHA-256 of the checkpoint that it comes from, in hexadecimal; None where it comes from none."""
        return None
