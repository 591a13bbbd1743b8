"""Features and outputs of networks."""

import torch
from torch import Tensor, nn

from smoothing.arguments import instance, refuse

BATCH = 250
"""Number of inputs per forward pass without gradient."""


class Features(nn.Module):
    """The inputs of the last linear layer of a network.

    Args:
        network: The network.

    Raises:
        ValueError: If it has no linear layer.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        instance(self, nn.Module, network=network)
        self.network = network
        self.trained_on = getattr(network, "trained_on", None)
        linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
        if not linear:
            refuse(self, "network", type(network).__name__, "a network with a linear layer")
        self._last = (linear[-1],)

    def forward(self, x: Tensor) -> Tensor:
        """Return features ``(batch, k)`` of inputs ``(batch, ...)``."""
        caught: list[Tensor] = []
        hook = self._last[0].register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0]))
        try:
            self.network(x)
        finally:
            hook.remove()
        return caught[0].flatten(1)


def apply(network: nn.Module | None, x: Tensor) -> Tensor:
    """Return the outputs of a network for inputs ``(n, ...)``, in batches and without gradient."""
    assert network is not None
    with torch.no_grad():
        return torch.cat([network(part) for part in x.split(BATCH)])
