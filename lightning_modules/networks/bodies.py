"""Frozen bodies, which compute the features that a learner is trained on."""

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn

from lightning_modules.architectures import Architecture
from lightning_modules.encoders import FrozenEncoder
from lightning_modules.networks.checkpoint import digest, parsed
from lightning_modules.networks.frozen import Frozen
from smoothing.arguments import at_least, instance
from smoothing.votes import Body
from smoothing.votes.network import Precision, dtype_of, warn_if_emulated


class ClassifierBody(Frozen, Body):
    """The inputs of the last linear layer of a trained classifier.

    Args:
        network: The classifier with its weights, for example `CifarResNet` with a file of weights, or `TimmModel` or
            `TorchvisionModel` with pretrained ones.
        trained_on: Names of the examples that the weights were trained on, such as ``["CIFAR10 train"]`` or
            ``["ImageNet"]``; empty for random weights. Every certificate states it. Examples under attack are refused.
        precision: Type of weights and images. Features are converted to float32.
        batch_size: Number of images per forward pass, at least 1.

    Raises:
        ValueError: If an argument is out of its range, or the network has no linear layer.
    """

    def __init__(
        self,
        network: Architecture,
        trained_on: Sequence[str],
        precision: Precision = "float32",
        batch_size: int = 100,
    ) -> None:
        super().__init__()
        instance(self, nn.Module, network=network)
        at_least(self, 1, batch_size=batch_size)
        self._dtype = dtype_of(precision, "ClassifierBody")
        linear = [name for name, module in network.named_modules() if isinstance(module, nn.Linear)]
        if not linear:
            raise ValueError(f"ClassifierBody: network = {type(network).__name__}; must have a last linear layer")
        self.trained_on = parsed(self, trained_on)
        self.batch_size = batch_size
        self._identity = digest(network)
        self._network = deepcopy(network).requires_grad_(False)
        self._network.set_submodule(linear[-1], nn.Identity())
        self._network.to(self._dtype).to(memory_format=torch.channels_last)
        self.train(False)

    def forward(self, x: Tensor) -> Tensor:
        """See `Body.forward`."""
        warn_if_emulated(self._dtype, x.device)
        features: Tensor = self._network(x.to(self._dtype, memory_format=torch.channels_last))
        return features.float().flatten(1)

    def identity(self) -> str:
        """Return the SHA-256 of the weights, in hexadecimal."""
        return self._identity


class EncoderBody(Body):
    """A frozen encoder as a body.

    Args:
        encoder: The encoder.

    Raises:
        ValueError: If it is not a `FrozenEncoder`.
    """

    def __init__(self, encoder: FrozenEncoder) -> None:
        super().__init__()
        instance(self, FrozenEncoder, encoder=encoder)
        self.encoder = encoder
        self.trained_on = encoder.trained_on

    def forward(self, x: Tensor) -> Tensor:
        """See `Body.forward`."""
        features: Tensor = self.encoder(x)
        return features

    def identity(self) -> str:
        """Return the SHA-256 of the checkpoint, in hexadecimal."""
        return self.encoder.identity()
