"""The base class of encoders by small patches of images."""

from abc import abstractmethod

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, unfold

from lightning_modules.encoders.encoder import Encoder
from smoothing.arguments import at_least, positive, refuse
from smoothing.numerics.random import generator
from smoothing.numerics.threads import one_thread

IMAGES_AT_A_TIME = 8

MOST_SAMPLES = 10**7
"""Largest number of sampled patches: 4 GB for patches of 6 x 6 pixels in three channels."""


class PatchEncoder(Encoder):
    """Responses of filters to all patches of an image, averaged over the cells of a grid (Coates and Ng 2011).

    Patches are normalised for brightness and contrast, and whitened (ZCA). A new kind of filters is a subclass with
    `responses`, and with `learn` if it learns from patches.

    Args:
        patch: Height and width of a patch in pixels, at least 2.
        stride: Distance in pixels between neighbouring patches, at least 1.
        pools: Number of cells of the grid along each side, from 1 to the number of patches along a side.
        samples: Number of patches to learn whitening and filters from, 2 to 10^7.
        contrast: Constant added to the variance of every patch, on the scale [0, 1] of the pixels, above 0.
        smoothing: Constant added to the eigenvalues of the covariance of patches before whitening, above 0.
        seed: Seed of the sampled patches and of other random numbers, at least 0.

    Raises:
        ValueError: If an argument is out of its range, or, in `fit`, if the inputs are not images of at least the size
            of a patch.
    """

    mean: Tensor
    whitening: Tensor

    def __init__(
        self, patch: int, stride: int, pools: int, samples: int, contrast: float, smoothing: float, seed: int
    ) -> None:
        super().__init__()
        at_least(self, 2, patch=patch, samples=samples)
        if samples > MOST_SAMPLES:
            refuse(self, "samples", samples, f"at most {MOST_SAMPLES}")
        at_least(self, 1, stride=stride, pools=pools)
        at_least(self, 0, seed=seed)
        positive(self, contrast=contrast, smoothing=smoothing)
        self.patch = patch
        self.stride = stride
        self.pools = pools
        self.samples = samples
        self.contrast = contrast
        self.smoothing = smoothing
        self.seed = seed
        self.register_buffer("mean", None)
        self.register_buffer("whitening", None)

    @abstractmethod
    def responses(self, patches: Tensor) -> Tensor:
        """Return the responses ``(..., filters)`` of the filters to whitened patches ``(..., d)``."""

    def learn(self, patches: Tensor) -> None:
        """Learn filters from whitened patches ``(samples, d)``; by default, do nothing."""

    def fit(self, x: Tensor) -> None:
        """See `Encoder.fit`; images ``(n, channels, height, width)``."""
        if x.ndim != 4 or min(x.shape[2:]) < self.patch:
            raise ValueError(
                f"{type(self).__name__}: inputs of shape {list(x.shape[1:])}; must be images of at least "
                f"{self.patch} x {self.patch} pixels"
            )
        if self.pools > (most := min(self._places(x))):
            refuse(self, "pools", self.pools, f"at most {most}, the number of patches along a side")
        with one_thread(), threadpool_limits(1):
            patches = self._normalised(self._sampled(x))
            self.mean = patches.mean(0)
            variances, axes = torch.linalg.eigh(torch.cov(patches.T.double()))
            self.whitening = ((axes / (variances + self.smoothing).sqrt()) @ axes.T).float()
            self.learn((patches - self.mean) @ self.whitening)

    def forward(self, x: Tensor) -> Tensor:
        """Return features ``(batch, filters * pools^2)`` of images ``(batch, channels, height, width)``."""
        # A few images at a time: the responses to all patches of a block are a hundred times as large as its features.
        return torch.cat([self._pooled(few) for few in x.split(IMAGES_AT_A_TIME)])

    def _places(self, x: Tensor) -> list[int]:
        """Return the number of patches of an image along each side."""
        return [(side - self.patch) // self.stride + 1 for side in x.shape[2:]]

    def _pooled(self, x: Tensor) -> Tensor:
        patches = self._normalised(unfold(x, self.patch, stride=self.stride).transpose(1, 2))
        grid = self.responses((patches - self.mean) @ self.whitening).transpose(1, 2).unflatten(2, self._places(x))
        return adaptive_avg_pool2d(grid, self.pools).flatten(1)

    def _sampled(self, x: Tensor) -> Tensor:
        draw = generator((self.seed,))
        image = torch.randint(len(x), (self.samples, 1, 1, 1), generator=draw)
        row, column = (
            torch.randint(side - self.patch + 1, (self.samples, 1, 1, 1), generator=draw) for side in x.shape[2:]
        )
        channel = torch.arange(x.shape[1])[:, None, None]
        inside = torch.arange(self.patch)
        return x[image, channel, row + inside[:, None], column + inside].flatten(1)

    def _normalised(self, patches: Tensor) -> Tensor:
        centred = patches - patches.mean(-1, keepdim=True)
        return centred / (centred.square().mean(-1, keepdim=True) + self.contrast).sqrt()
