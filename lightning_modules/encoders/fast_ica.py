"""Independent components."""

import torch
from sklearn.decomposition import FastICA as Search
from threadpoolctl import threadpool_limits
from torch import Tensor

from lightning_modules.encoders.encoder import Encoder
from smoothing.arguments import at_least
from smoothing.numerics.threads import one_thread
from smoothing.votes import PCA


class FastICA(Encoder):
    """Independent components of the inputs, of unit variance (Hyvärinen and Oja 2000).

    Rosenfeld et al. (2020) use 30 components for full MNIST.

    Args:
        components: Number of components, at least 1.
        iterations: Largest number of iterations of the search, at least 1.
        seed: Seed of the initial value of the search, at least 0.

    Raises:
        ValueError: If an argument is out of its range, or, in `fit`, there are too few inputs or features.
    """

    mean: Tensor
    axes: Tensor

    def __init__(self, components: int = 30, iterations: int = 200, seed: int = 0) -> None:
        super().__init__()
        at_least(self, 1, components=components, iterations=iterations)
        at_least(self, 0, seed=seed)
        self.components = components
        self.register_buffer("mean", None)
        self.register_buffer("axes", None)
        # Whitened here, since the library divides by zero if pixels are constant.
        self._white = PCA(components, whiten=True)
        self._search = Search(max_iter=iterations, random_state=seed, whiten=False)

    def fit(self, x: Tensor) -> None:
        """See `Encoder.fit`; inputs of any shape."""
        flat = x.flatten(1)
        if self.components > min(flat.shape):
            raise ValueError(f"FastICA: components = {self.components}; must be at most {min(flat.shape)}")
        with one_thread(), threadpool_limits(1):
            white = self._white.fit_transform(flat.double())
            rotation = torch.from_numpy(self._search.fit(white.numpy()).components_)
        self.mean, self.axes = self._white.mean, self._white.axes @ rotation.T

    def forward(self, x: Tensor) -> Tensor:
        """Return features ``(batch, components)`` of inputs ``(batch, ...)``."""
        return ((x.flatten(1).double() - self.mean) @ self.axes).float()
