"""Base classifiers with pretrained weights."""

from collections.abc import Sequence
from types import NoneType

from torch import Tensor
from torch.nn.functional import interpolate

from lightning_modules.architectures import Architecture
from lightning_modules.networks.checkpoint import digest
from lightning_modules.networks.classifier import Classifier
from lightning_modules.training.recipe import describe
from smoothing.arguments import at_least, instance, sequence
from smoothing.measures import SmoothingMeasure, Unchanged


class PretrainedClassifier(Classifier):
    """An architecture with its initial weights, from timm, torchvision or a file, without further training.

    Args:
        architecture: The network, with its weights.
        outputs: Indices of the outputs that are the classes of the data, in their order, at least two, each once;
            default: all.
        size: Height and width, at least 1, to which images are resized after the noise, by bicubic interpolation;
            default: no resizing.
        trained_under: The measure that it was trained under; default: clean images.
        any_measure: Whether to accept other measures than ``trained_under``. Not needed if samples resemble those of
            its training, as denoised images resemble clean ones.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        architecture: Architecture,
        outputs: Sequence[int] | None = None,
        size: int | None = None,
        trained_under: SmoothingMeasure | None = None,
        any_measure: bool = False,
    ) -> None:
        instance(self, Architecture, architecture=architecture)
        instance(self, (SmoothingMeasure, NoneType), trained_under=trained_under)
        instance(self, bool, any_measure=any_measure)
        if outputs is not None:
            sequence(self, outputs=outputs)
            for output in outputs:
                at_least(self, 0, outputs=output)
        known = range(architecture.num_classes)
        chosen = list(known if outputs is None else outputs)
        if len(chosen) < 2 or len({*chosen} & {*known}) < len(chosen):
            raise ValueError(
                f"PretrainedClassifier: outputs = {chosen}; must be at least two of 0 .. {len(known) - 1}, each once"
            )
        if size is not None:
            at_least(self, 1, size=size)
        identity = digest(architecture, describe(architecture, leave_out=("weights",)))
        super().__init__(architecture, len(chosen), trained_under or Unchanged(), identity, any_measure)
        self.outputs = chosen
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``(batch, K)`` of noisy or denoised images ``(batch, channels, height, width)``."""
        if self.size is not None:
            x = interpolate(x, size=(self.size, self.size), mode="bicubic", antialias=True)
        logits: Tensor = self.network(x)[:, self.outputs]
        return logits
