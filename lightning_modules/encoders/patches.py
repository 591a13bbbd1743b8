"""Features from small patches of images, learned by k-means."""

import torch
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, unfold

from lightning_modules.encoders.encoder import Encoder
from smoothing.random import generator
from smoothing.threads import one_thread


class KMeansPatches(Encoder):
    """Soft assignments of patches to k-means centres, averaged over the cells of a grid (Coates and Ng 2011).

    Patches are normalised for brightness and contrast and whitened (ZCA); each centre answers by how much nearer than
    the average centre it is, if it is ("triangle"); answers are averaged over ``pools`` x ``pools`` cells of the image.

    Args:
        centres: Number of k-means centres, at least 2.
        patch: Height and width of a patch in pixels, at least 2.
        pools: Cells of the grid along each side, at least 1.
        samples: Patches that centres and whitening are learned from, at least ``centres``.
        contrast: Variance that is added to that of every patch, on the scale [0, 1] of the pixels, above 0.
        smoothing: What is added to the eigenvalues of the patches' covariance before whitening, above 0.
        iterations: Steps of k-means, at least 1.
        seed: Seed of the patches and of the initial centres, at least 0.

    Raises:
        ValueError: If an argument is out of its range, or, in `fit`, if the inputs are no images that hold a patch.
    """

    mean: Tensor
    whitening: Tensor
    codebook: Tensor

    def __init__(
        self,
        centres: int = 400,
        patch: int = 6,
        pools: int = 2,
        samples: int = 40000,
        contrast: float = 10 / 255**2,
        smoothing: float = 0.1,
        iterations: int = 20,
        seed: int = 0,
    ) -> None:
        super().__init__()
        least = {"centres": 2, "patch": 2, "pools": 1, "samples": centres, "iterations": 1, "seed": 0}
        given = {"centres": centres, "patch": patch, "pools": pools, "samples": samples, "iterations": iterations}
        for name, value in {**given, "seed": seed}.items():
            if value < least[name]:
                raise ValueError(f"KMeansPatches: {name} = {value}; must be at least {least[name]}")
        for name, number in (("contrast", contrast), ("smoothing", smoothing)):
            if not 0 < number < float("inf"):
                raise ValueError(f"KMeansPatches: {name} = {number}; must be finite and above 0")
        self.centres = centres
        self.patch = patch
        self.pools = pools
        self.samples = samples
        self.contrast = contrast
        self.smoothing = smoothing
        self.iterations = iterations
        self.seed = seed

    def fit(self, x: Tensor) -> None:
        """See `Encoder.fit`; images ``(n, channels, height, width)``."""
        if x.ndim != 4 or min(x.shape[2:]) < self.patch:
            raise ValueError(
                f"KMeansPatches: inputs of shape {list(x.shape[1:])}; must be images that hold a patch of {self.patch} "
                f"x {self.patch}"
            )
        with one_thread(), threadpool_limits(1):
            patches = self._normalised(self._sampled(x))
            self.mean = patches.mean(0)
            covariance = torch.cov(patches.T.double())
            variances, axes = torch.linalg.eigh(covariance)
            self.whitening = ((axes / (variances + self.smoothing).sqrt()) @ axes.T).float()
            white = (patches - self.mean) @ self.whitening
            found = KMeans(self.centres, n_init=1, max_iter=self.iterations, random_state=self.seed).fit(white.numpy())
            self.codebook = torch.from_numpy(found.cluster_centers_).float()

    def forward(self, x: Tensor) -> Tensor:
        """Features ``(batch, centres * pools^2)`` of images ``(batch, channels, height, width)``."""
        cells = [height - self.patch + 1 for height in x.shape[2:]]
        white = (self._normalised(unfold(x, self.patch).transpose(1, 2)) - self.mean) @ self.whitening
        squares = white.square().sum(2, keepdim=True) + self.codebook.square().sum(1) - 2 * white @ self.codebook.T
        distance = squares.clamp_(min=0).sqrt_()
        answers = (distance.mean(2, keepdim=True) - distance).clamp_(min=0)
        grid = answers.transpose(1, 2).unflatten(2, cells)
        return adaptive_avg_pool2d(grid, self.pools).flatten(1)

    def _sampled(self, x: Tensor) -> Tensor:
        draw = generator((self.seed,))
        image = torch.randint(len(x), (self.samples,), generator=draw)
        row, column = (
            torch.randint(side - self.patch + 1, (self.samples, 1, 1, 1), generator=draw) for side in x.shape[2:]
        )
        channel = torch.arange(x.shape[1])[:, None, None]
        inside = torch.arange(self.patch)
        return x[image[:, None, None, None], channel, row + inside[:, None], column + inside].flatten(1)

    def _normalised(self, patches: Tensor) -> Tensor:
        centred = patches - patches.mean(-1, keepdim=True)
        return centred / (centred.square().mean(-1, keepdim=True) + self.contrast).sqrt()
