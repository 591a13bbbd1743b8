"""Encoders with pretrained backbones."""

from torch import Tensor

from lightning_modules.encoders.backbone import Backbone
from lightning_modules.encoders.encoder import Encoder
from lightning_modules.networks.checkpoint import digest
from lightning_modules.networks.frozen import Frozen
from smoothing.arguments import instance, text
from smoothing.provenance.origin import Origin


class PretrainedEncoder(Frozen, Encoder):
    """A backbone with its initial weights, frozen.

    Args:
        backbone: The network, for example `TimmBackbone` with ``weights: true``.
        trained_on: Name of the examples that its weights were trained on, for example ``"ImageNet"``. It must be the
            name of the data set in this project. Otherwise, features learned from labels under attack are not detected.
        labels: Whether labels were used in this training.
        accept_seen_labels: See `Encoder`.

    Raises:
        ValueError: If ``trained_on`` cannot be parsed, or an argument has another type.
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

    def serve(self, attacked: Origin) -> None:
        """See `Encoder.serve`. Certificates state what the weights were trained on, which the program cannot check."""
        super().serve(attacked)
        unseen = [origin for origin in self.trained_on if not origin.overlaps(attacked)]
        used = f"labels, and from none of {attacked}" if self.labels_of else "inputs"
        self.assumptions += tuple(f"features were learned from {origin}'s {used}" for origin in unseen)

    def forward(self, x: Tensor) -> Tensor:
        """See `Encoder.forward`."""
        features: Tensor = self.network(x)
        return features

    def identity(self) -> str:
        """Return the SHA-256 of weights and buffers, in hexadecimal."""
        return self._identity
