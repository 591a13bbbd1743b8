"""Any network of timm."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from safetensors import SafetensorError
from torch import nn

from lightning_modules.architectures.architecture import Architecture


class TimmModel(Architecture):
    """A network of timm, by its name there (Wightman 2019).

    Args:
        name: Name of the network, as in ``timm.list_models()``, or where timm finds one: ``"hf-hub:owner/repository"``
            or ``"local-dir:folder"``.
        num_classes: Number of classes K, at least 2.
        weights: Whether to start from timm's pretrained weights, which are downloaded where absent; or a file of
            weights, as safetensors or in a pickle of weights only.
        channels: Channels of the images, at least 1.
        mean: Channel means to normalise by; those that timm's weights need unless given.
        std: Channel standard deviations to normalise by; those that timm's weights need unless given.

    Raises:
        ValueError: If timm knows no such network, the file does not hold its weights, or an argument is out of its
            range.
    """

    def __init__(
        self,
        name: str,
        num_classes: int,
        weights: bool | str = False,
        channels: int = 3,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> None:
        # Here, since timm takes seconds to import, which no other run should have to wait for.
        import timm

        if ":" not in name and not timm.is_model(name):
            raise ValueError(f"TimmModel: name = {name}; must be one of timm.list_models()")
        body = timm.create_model(name, pretrained=weights is True, num_classes=num_classes, in_chans=channels)
        if isinstance(weights, str):
            _load(body, weights)
        usual = cast(Mapping[str, Any], body.pretrained_cfg)
        super().__init__(
            body,
            num_classes,
            mean=_per_channel(usual["mean"], channels) if mean is None else mean,
            std=_per_channel(usual["std"], channels) if std is None else std,
        )
        self.name = name
        self.channels = channels


def _per_channel(values: Sequence[float], channels: int) -> Sequence[float]:
    """As they are; their mean for images of another number of channels, whose weights timm adds up."""
    return values if len(values) == channels else (sum(values) / len(values),)


def _load(body: nn.Module, path: str) -> None:
    from timm.models import load_state_dict

    try:
        body.load_state_dict(load_state_dict(path, weights_only=True))
    except FileNotFoundError as error:
        raise ValueError(f"TimmModel: weights = {path}; must be a file that can be read") from error
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, EOFError, SafetensorError) as error:
        raise ValueError(
            f"TimmModel: weights = {path}; must hold the weights of this network, as safetensors or in a pickle of "
            "weights only"
        ) from error
