"""Features of images that do not change during an attack."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

BATCH = 250
"""Number of images per forward pass."""


def features(bodies: Sequence[nn.Module], images: Tensor) -> list[Tensor]:
    """Return the features of images by each body, ``(n, k)``, without gradient.

    Args:
        bodies: Maps from images to features ``(n, ...)``.
        images: ``(n, ...)``.
    """
    with torch.no_grad():
        return [torch.cat([body(part).flatten(1) for part in images.split(BATCH)]) for body in bodies]
