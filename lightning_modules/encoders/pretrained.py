"""Backbones that come trained from elsewhere."""

from torch import Tensor

from lightning_modules.encoders.backbone import Backbone
from lightning_modules.encoders.encoder import Encoder
from lightning_modules.networks.checkpoint import digest
from lightning_modules.networks.frozen import Frozen
from smoothing.arguments import instance, text
from smoothing.provenance.origin import Origin


class PretrainedEncoder(Frozen, Encoder):
    """A backbone with the weights that it comes with, fixed for good.

    Args:
        backbone: The network, for example `TimmBackbone` with ``weights: true``.
        trained_on: What its weights were learned from, for example ``"ImageNet"``; the name must be the one that data
            sets made of the same examples go by, or nothing protects from features learned from labels under attack.
        labels: Whether labels had a part in it.
        accept_seen_labels: See `Encoder`.

    Raises:
        ValueError: If ``trained_on`` cannot be read.
    """

    def __init__(
        self, backbone: Backbone, trained_on: str, labels: bool = True, accept_seen_labels: bool = False
    ) -> None:
        super().__init__()
        instance(self, Backbone, backbone=backbone)
        text(self, trained_on=trained_on)
        instance(self, bool, labels=labels, accept_seen_labels=accept_seen_labels)
        self.network = backbone
        self._identity = digest(backbone)
        self.trained_on = (Origin.parse(trained_on),)
        self.labels_of = self.trained_on if labels else ()
        self.accept_seen_labels = accept_seen_labels
        self.requires_grad_(False)
        self.train(False)

    def forward(self, x: Tensor) -> Tensor:
        """See `Encoder.forward`."""
        features: Tensor = self.network(x)
        return features

    def identity(self) -> str:
        """SHA-256 of weights and buffers, in hexadecimal."""
        return self._identity
