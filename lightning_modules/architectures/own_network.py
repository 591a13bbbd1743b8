"""Networks of a user's file."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from types import NoneType
from typing import Any

from torch import nn

from lightning_modules.architectures.architecture import Architecture
from lightning_modules.architectures.weights import load_weights
from smoothing.arguments import at_least, instance, text


class OwnNetwork(Architecture):
    """Any ``torch.nn.Module`` as an architecture, for example one in a file of the working directory.

    Args:
        network: Dotted path of a class or function that returns the network, such as ``mine.Net`` for ``Net`` in
            ``mine.py``, or ``torchvision.models.resnet50``. The network maps normalised images
            ``(batch, channels, height, width)``, or rows of a table, to logits ``(batch, num_classes)``.
        num_classes: Number of classes K, at least 2.
        arguments: Arguments of ``network``, plain values by name; default: none.
        mean: Channel means that the images are normalised with, or one for all channels; default: no normalisation.
        std: Channel standard deviations.
        weights: File with initial weights, also of other code; see `load_weights`. By default, the network's own.
        prefix: Prefix of the names in the file, such as ``module.``; by default the only one that fits.

    Raises:
        ValueError: If the network cannot be imported or made, the file does not hold its weights, or an argument is out
            of its range.
    """

    def __init__(
        self,
        network: str,
        num_classes: int,
        arguments: dict[str, Any] | None = None,
        mean: Sequence[float] = (0.0,),
        std: Sequence[float] = (1.0,),
        weights: str | None = None,
        prefix: str | None = None,
    ) -> None:
        text(self, network=network)
        at_least(self, 2, num_classes=num_classes)
        instance(self, (Mapping, NoneType), arguments=arguments)
        instance(self, (str, NoneType), weights=weights, prefix=prefix)
        body = _made(network, dict(arguments or {}))
        if weights is not None:
            load_weights(self, body, weights, prefix)
        super().__init__(body, num_classes, mean, std)
        self.network = network
        self.arguments = dict(arguments or {})
        # Weights and prefix only select initial weights. A rebuilt network gets those of its checkpoint.
        self.weights = self.prefix = None


def _made(path: str, arguments: Mapping[str, Any]) -> nn.Module:
    module, _, name = path.rpartition(".")
    try:
        make = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(
            f"OwnNetwork: network = {path}; must be a class or function that can be imported, such as mine.Net for Net "
            f"in mine.py: {error}"
        ) from error
    try:
        network = make(**arguments)
    except TypeError as error:
        raise ValueError(f"OwnNetwork: arguments = {dict(arguments)}; must be those of {path}: {error}") from error
    if not isinstance(network, nn.Module):
        raise ValueError(f"OwnNetwork: network = {path}; must return a torch.nn.Module, not {type(network).__name__}")
    return network
