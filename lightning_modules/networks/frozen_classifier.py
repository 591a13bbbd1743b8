"""Base classifiers that are trained and now stay as they are."""

from torch import Tensor

from lightning_modules.architectures import Architecture
from lightning_modules.networks.checkpoint import read_checkpoint, rebuilding
from lightning_modules.networks.classifier import Classifier
from lightning_modules.training.recipe import build
from smoothing.arguments import instance
from smoothing.measures import SmoothingMeasure

RECORD = "classifier"
"""Key under which a checkpoint says what its base classifier is and has seen."""

WRITER = "BaseClassifier"
"""Class that writes such checkpoints."""

SCALE = [0.0, 1.0]
"""Scale of the images, on which noise is added, everywhere."""


class FrozenClassifier(Classifier):
    """The network of a `BaseClassifier`'s checkpoint, fixed for good.

    Sigma, scale and normalisation belong to the checkpoint (THEORY.md section 5).

    Args:
        base_ckpt: Path of the checkpoint; only weights and plain values are read from it.
        any_measure: Serve another measure than the one that the network was trained under, all the same. Not needed
            where samples are meant to look like those of its training, as denoised images look like clean ones.

    Raises:
        ValueError: If the file is not a checkpoint of a `BaseClassifier`, or its images are not on the scale [0, 1].

    Attributes:
        num_classes: Number of classes K.
        measure: The measure that the network was trained under.
        trained_on: What the network has seen, in words.
        image_shape: Shape of an image.
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
        """Logits ``(batch, K)`` of noisy images ``(batch, channels, height, width)``.

        Raises:
            ValueError: If the images have another shape than those the network was trained on.
        """
        if x.shape[1:] != self.image_shape:
            raise ValueError(f"FrozenClassifier: images of shape {list(x.shape[1:])}; must be {list(self.image_shape)}")
        logits: Tensor = self.network(x)
        return logits
