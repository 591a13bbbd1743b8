"""Encoders loaded from checkpoints."""

from torch import Tensor

from lightning_modules.encoders.backbone import Backbone
from lightning_modules.encoders.encoder import Encoder
from lightning_modules.encoders.record import RECORD, Record
from lightning_modules.networks.checkpoint import read_checkpoint, rebuilding
from lightning_modules.networks.frozen import Frozen
from lightning_modules.training.recipe import build
from smoothing.arguments import instance

WRITER = "FeatureClassifier or SimCLR"
"""Classes that write such checkpoints."""


class FrozenEncoder(Frozen, Encoder):
    """The backbone in a checkpoint of `FeatureClassifier` or `SimCLR`, frozen.

    Args:
        base_ckpt: Path of the checkpoint. Only weights and plain values are read from it.
        accept_seen_labels: See `Encoder`.

    Raises:
        ValueError: If the file is not a checkpoint of an encoder.
    """

    def __init__(self, base_ckpt: str, accept_seen_labels: bool = False) -> None:
        super().__init__()
        instance(self, bool, accept_seen_labels=accept_seen_labels)
        self.accept_seen_labels = accept_seen_labels
        read = read_checkpoint(self, base_ckpt, RECORD, WRITER)
        self._identity = read.identity
        with rebuilding(self, base_ckpt, WRITER):
            record = Record.read(read.record)
            self.network = build(record.network, Backbone)  # type: ignore[type-abstract]
            self.network.load_state_dict(read.weights)
        self.trained_on = (record.trained_on,)
        self.labels_of = (record.trained_on,) if record.labels else ()
        self.image_shape = record.image_shape
        self.requires_grad_(False)
        self.train(False)

    def forward(self, x: Tensor) -> Tensor:
        """See `Encoder.forward`."""
        if x.shape[1:] != self.image_shape:
            raise ValueError(f"FrozenEncoder: images of shape {list(x.shape[1:])}; must be {list(self.image_shape)}")
        features: Tensor = self.network(x)
        return features

    def identity(self) -> str:
        """See `Encoder.identity`."""
        return self._identity
