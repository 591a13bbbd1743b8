"""Backbones that come trained from elsewhere."""

import hashlib

from torch import Tensor

from lightning_modules.encoders.backbone import Backbone
from lightning_modules.encoders.encoder import Encoder
from smoothing.origin import Origin


class PretrainedEncoder(Encoder):
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
        self.network = backbone
        self.trained_on = (Origin.parse(trained_on),)
        self.labels_of = self.trained_on if labels else ()
        self.accept_seen_labels = accept_seen_labels
        self.requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> "PretrainedEncoder":
        """Stay in evaluation mode, whatever the module around it does."""
        return super().train(False)

    def forward(self, x: Tensor) -> Tensor:
        """See `Encoder.forward`."""
        features: Tensor = self.network(x)
        return features

    def identity(self) -> str:
        """SHA-256 of weights and buffers, in hexadecimal."""
        digest = hashlib.sha256()
        for name, value in self.network.state_dict().items():
            digest.update(f"{name} {tuple(value.shape)} {value.dtype};".encode())
            digest.update(value.cpu().contiguous().numpy().data)
        return digest.hexdigest()
