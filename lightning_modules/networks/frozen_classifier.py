"""Base classifiers loaded from checkpoints."""

from torch import Tensor

from lightning_modules.architectures import Architecture
from lightning_modules.networks.checkpoint import read_checkpoint, rebuilding
from lightning_modules.networks.classifier import Classifier
from lightning_modules.training.recipe import build
from smoothing.arguments import instance
from smoothing.measures import SmoothingMeasure

RECORD = "classifier"
"""Key of the record in a checkpoint: architecture, measure, scale and training examples."""

WRITER = "BaseClassifier"
"""Class that writes such checkpoints."""

SCALE = [0.0, 1.0]
"""Scale of the images to which noise is added, in the whole project."""


class FrozenClassifier(Classifier):
    """The network in a checkpoint of a `BaseClassifier`, frozen.

    Sigma, scale and normalisation belong to the checkpoint (THEORY.md section 5).

    Args:
        base_ckpt: Path of the checkpoint. Only weights and plain values are read from it.
        any_measure: Whether to accept other measures than the one that the network was trained under. Not needed if
            samples resemble those of its training, as denoised images resemble clean ones.

    Raises:
        ValueError: If the file is not a checkpoint of a `BaseClassifier`, or its images are not on the scale [0, 1].

    Attributes:
        num_classes: Number of classes K.
        measure: The measure that the network was trained under.
        trained_on: Description of the training examples.
        image_shape: Shape of an image, ``(channels, height, width)``.
    """

    def __init__(self, base_ckpt: str, any_measure: bool = False) -> None:
        instance(self, bool, any_measure=any_measure)
        read = read_checkpoint(self, base_ckpt, RECORD, WRITER)
        record = read.record
        with rebuilding(self, base_ckpt, WRITER):
            scale, image_shape = record["scale"], tuple(record["image_shape"])
            trained_on = f"classes {', '.join(map(str, record['classes']))} of {record['source']}"
            measure = build(record["measure"], SmoothingMeasure)  # type: ignore[type-abstract]
            network = build(record["architecture"], Architecture)
            network.load_state_dict(read.weights)
        if scale != SCALE:
            raise ValueError(f"FrozenClassifier: base_ckpt has images on the scale {scale}; must be {SCALE}")
        super().__init__(network, network.num_classes, measure, read.identity, any_measure)
        self.image_shape = image_shape
        self.trained_on = trained_on

    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``(batch, K)`` of noisy images ``(batch, channels, height, width)``.

        Raises:
            ValueError: If the shape of the images differs from that of the training images.
        """
        if x.shape[1:] != self.image_shape:
            raise ValueError(f"FrozenClassifier: images of shape {list(x.shape[1:])}; must be {list(self.image_shape)}")
        logits: Tensor = self.network(x)
        return logits
