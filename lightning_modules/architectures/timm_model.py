"""Networks of timm."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any, cast

from httpx import HTTPError
from huggingface_hub.errors import OfflineModeIsEnabled
from safetensors import SafetensorError
from torch import Tensor, nn

from lightning_modules.architectures.architecture import Architecture
from lightning_modules.networks.hub import hub
from smoothing.arguments import at_least, instance, text
from smoothing.data_folder import data_file


class TimmModel(Architecture):
    """A network of timm, selected by its name (Wightman 2019).

    Args:
        name: Name of the network, as in ``timm.list_models()``, or its location: ``"hf-hub:owner/repository"`` or
            ``"local-dir:folder"``.
        num_classes: Number of classes K, at least 2.
        weights: Whether to start from timm's pretrained weights, which are downloaded if they are not cached; or the
            path of a file of weights, as safetensors or in a pickle of weights only; see `create`.
        channels: Number of channels of the images, at least 1.
        mean: Channel means; default: those that timm's weights need.
        std: Channel standard deviations; default: those that timm's weights need.

    Raises:
        ValueError: If timm has no such network, the weights cannot be downloaded, the file does not hold weights of
            the network, or an argument is out of its range.
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
        text(self, name=name)
        at_least(self, 2, num_classes=num_classes)
        at_least(self, 1, channels=channels)
        instance(self, (bool, str), weights=weights)
        body = create(self, name, weights, num_classes, channels)
        super().__init__(body, num_classes, *normalisation(body, channels, mean, std))
        self.name = name
        self.channels = channels


def create(owner: object, name: str, weights: bool | str, num_classes: int, channels: int) -> nn.Module:
    """Create a network of timm, optionally with pretrained weights from the hub, from its cache or from a file.

    Args:
        owner: Object that the arguments belong to.
        name: Name of the network, or its location.
        weights: Whether to load pretrained weights; or the path of a file of weights. A relative path is looked for in
            the working directory, then in the folder that the environment variable ``SMOOTHING_DATA`` names.
        num_classes: Number of classes; 0 for features: then the weights of the classifier are not loaded.
        channels: Number of channels of the images.

    Raises:
        ValueError: If there is no such network, or its weights cannot be loaded.
    """
    # Imported here, since importing timm takes seconds.
    import timm

    if ":" not in name and not timm.is_model(name):
        raise ValueError(f"{type(owner).__name__}: name = {name}; must be one of timm.list_models()")
    body = _downloaded(owner, name, weights is True, num_classes, channels)
    if isinstance(weights, str):
        _load(owner, body, weights, features=num_classes == 0)
    return body


def normalisation(
    body: nn.Module, channels: int, mean: Sequence[float] | None, std: Sequence[float] | None
) -> tuple[Sequence[float], Sequence[float]]:
    """Return the given means and standard deviations of the channels, by default those that timm's weights need.

    Args:
        body: Network of `create`.
        channels: Number of channels of the images.
        mean: Channel means, or None.
        std: Channel standard deviations, or None.
    """
    usual = cast(Mapping[str, Any], body.pretrained_cfg)
    return (
        _per_channel(usual["mean"], channels) if mean is None else mean,
        _per_channel(usual["std"], channels) if std is None else std,
    )


def _downloaded(owner: object, name: str, weights: bool, num_classes: int, channels: int) -> nn.Module:
    import timm

    try:
        with hub() if weights or ":" in name else nullcontext():
            return timm.create_model(name, pretrained=weights, num_classes=num_classes, in_chans=channels)
    except (OSError, RuntimeError, ValueError, HTTPError, OfflineModeIsEnabled) as error:
        kind = type(owner).__name__
        if ":" in name:
            allowed = "a model folder of timm, or a repository on the hub that can be downloaded"
            raise ValueError(f"{kind}: name = {name}; must be {allowed}: {_first_line(error)}") from error
        raise ValueError(
            f"{kind}: weights = {weights}; must be downloadable from the hub, or in its cache, for {name}. Without a "
            "network, download model.safetensors of the network elsewhere, and set weights to that file"
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _per_channel(values: Sequence[float], channels: int) -> Sequence[float]:
    """Return the values, or their mean for another number of channels: timm then adds up the weights of channels."""
    return values if len(values) == channels else (sum(values) / len(values),)


def _load(owner: object, body: nn.Module, path: str, features: bool) -> None:
    from timm.models import load_state_dict

    name = f"{type(owner).__name__}: weights = {path}"
    try:
        weights = load_state_dict(str(data_file(path)), weights_only=True)
        body.load_state_dict(_without_classifier(body, weights) if features else weights)
    except FileNotFoundError as error:
        raise ValueError(f"{name}; must be a file that can be read") from error
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, EOFError, SafetensorError) as error:
        allowed = "must hold the weights of this network, as safetensors or in a pickle of weights only"
        raise ValueError(f"{name}; {allowed}") from error


def _without_classifier(body: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights without those of the last layer, or of each of several, which a network of features lacks."""
    usual = cast(Mapping[str, Any], body.pretrained_cfg)["classifier"]
    layers = tuple(f"{layer}." for layer in ((usual,) if isinstance(usual, str) else usual or ()))
    return {name: value for name, value in weights.items() if not name.startswith(layers)}
