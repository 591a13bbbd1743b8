"""Classifiers of torchvision."""

from collections.abc import Sequence
from pathlib import Path
from types import NoneType

import torch
import torchvision
from torch import Tensor, nn
from torchvision.models import get_model, get_model_weights, list_models

from lightning_modules.architectures.architecture import IMAGENET_MEAN, IMAGENET_STD, Architecture
from smoothing.arguments import at_least, instance, text


class TorchvisionModel(Architecture):
    """A classifier of torchvision, selected by its name.

    Args:
        name: Name of the network, as in ``torchvision.models.list_models(torchvision.models)``.
        num_classes: Number of classes K, at least 2.
        weights: Name of pretrained weights to start from, for example ``"IMAGENET1K_V2"``. They are downloaded if they
            are not cached. The last layer is random if its number of classes differs.
        mean: Channel means; default: ImageNet's.
        std: Channel standard deviations; default: ImageNet's.

    Raises:
        ValueError: If torchvision has no such network or weights, the weights cannot be downloaded, or an argument is
            out of its range.
    """

    def __init__(
        self,
        name: str,
        num_classes: int,
        weights: str | None = None,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
    ) -> None:
        text(self, name=name)
        at_least(self, 2, num_classes=num_classes)
        instance(self, (str, NoneType), weights=weights)
        if name not in list_models(torchvision.models):
            raise ValueError(
                f"TorchvisionModel: name = {name}; must be a classifier of torchvision, for example resnet50"
            )
        body: nn.Module = get_model(name, num_classes=num_classes)
        if weights is not None:
            _load(body, name, weights)
        super().__init__(body, num_classes, mean, std)
        self.name = name

    def forward(self, x: Tensor) -> Tensor:
        """See `Architecture.forward`; the outputs of auxiliary heads in training mode are dropped."""
        output = super().forward(x)
        logits: Tensor = getattr(output, "logits", output)
        return logits


def _load(body: nn.Module, name: str, weights: str) -> None:
    known = get_model_weights(name)
    if weights not in known.__members__:
        raise ValueError(f"TorchvisionModel: weights = {weights}; must be one of {', '.join(known.__members__)}")
    try:
        there = known[weights].get_state_dict(progress=False)
    except (OSError, RuntimeError) as error:
        file = Path(torch.hub.get_dir(), "checkpoints", Path(known[weights].url).name)
        raise ValueError(
            f"TorchvisionModel: weights = {weights}; must be downloadable. Without a network, download "
            f"{known[weights].url} elsewhere, and place it at {file}"
        ) from error
    here = body.state_dict()
    last = {key for key, value in there.items() if value.shape[:1] != here[key].shape[:1]}
    body.load_state_dict({key: here[key] if key in last else value for key, value in there.items()})
