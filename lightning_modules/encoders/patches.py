"""Patch encoders with k-means centres, independent components or random filters."""

import numpy as np
import torch
from scipy.optimize import minimize
from sklearn.cluster import KMeans
from torch import Tensor

from lightning_modules.encoders.patch_encoder import PatchEncoder
from smoothing.arguments import at_least, positive
from smoothing.numerics.random import generator

CONTRAST = 10 / 255**2
"""Constant added to the variance of patches (Coates and Ng 2011: 10 on the scale of 256 grey values)."""


class KMeansPatches(PatchEncoder):
    """Soft assignments of patches to k-means centres (Coates and Ng 2011).

    The response of a centre is the amount by which it is nearer to a patch than the average centre, or 0 ("triangle").

    Args:
        centres: Number of centres, from 2 to ``samples``.
        patch: See `PatchEncoder`.
        stride: See `PatchEncoder`.
        pools: See `PatchEncoder`.
        samples: See `PatchEncoder`.
        contrast: See `PatchEncoder`.
        smoothing: See `PatchEncoder`.
        iterations: Largest number of iterations of k-means, at least 1.
        seed: See `PatchEncoder`.

    Raises:
        ValueError: See `PatchEncoder`.
    """

    centres: Tensor

    def __init__(
        self,
        centres: int = 400,
        patch: int = 6,
        stride: int = 1,
        pools: int = 2,
        samples: int = 40000,
        contrast: float = CONTRAST,
        smoothing: float = 0.1,
        iterations: int = 20,
        seed: int = 0,
    ) -> None:
        super().__init__(patch, stride, pools, samples, contrast, smoothing, seed)
        at_least(self, 2, centres=centres)
        at_least(self, 1, iterations=iterations)
        if centres > samples:
            raise ValueError(f"KMeansPatches: centres = {centres}; must be at most samples = {samples}")
        self.register_buffer("centres", None)
        self._search = KMeans(centres, n_init=1, max_iter=iterations, random_state=seed)

    def learn(self, patches: Tensor) -> None:
        """Find the centres."""
        self.centres = torch.from_numpy(self._search.fit(patches.numpy()).cluster_centers_).float()

    def responses(self, patches: Tensor) -> Tensor:
        """See `PatchEncoder.responses`."""
        rows = patches.flatten(0, -2)
        # In place, since there are up to a thousand responses per patch.
        squares = torch.addmm(self.centres.square().sum(1), rows, self.centres.T, alpha=-2)
        distance = squares.add_(rows.square().sum(1, keepdim=True)).clamp_(min=0).sqrt_()
        nearer = distance.sub_(distance.mean(1, keepdim=True)).neg_().clamp_(min=0)
        responses: Tensor = nearer.unflatten(0, patches.shape[:-1])
        return responses


class RICA(PatchEncoder):
    """Reconstruction ICA: sparse filters that reconstruct the patches (Le et al. 2011).

    Minimises ``|W'W x - x|^2 + sparsity * sum sqrt((W x)^2 + 0.01)`` on whitened patches; more filters than pixels
    are allowed. The response of a filter is the absolute value of its product with a patch.

    Args:
        filters: Number of filters, at least 1.
        sparsity: Weight of the second term, above 0.
        patch: See `PatchEncoder`.
        stride: See `PatchEncoder`.
        pools: See `PatchEncoder`.
        samples: See `PatchEncoder`.
        contrast: See `PatchEncoder`.
        smoothing: See `PatchEncoder`.
        iterations: Largest number of iterations of L-BFGS, at least 1.
        seed: See `PatchEncoder`.

    Raises:
        ValueError: See `PatchEncoder`.
    """

    filters: Tensor

    def __init__(
        self,
        filters: int = 400,
        sparsity: float = 0.1,
        patch: int = 16,
        stride: int = 2,
        pools: int = 2,
        samples: int = 20000,
        contrast: float = CONTRAST,
        smoothing: float = 0.1,
        iterations: int = 100,
        seed: int = 0,
    ) -> None:
        super().__init__(patch, stride, pools, samples, contrast, smoothing, seed)
        at_least(self, 1, filters=filters, iterations=iterations)
        positive(self, sparsity=sparsity)
        self.number = filters
        self.register_buffer("filters", None)
        self.sparsity = sparsity
        self.iterations = iterations

    def learn(self, patches: Tensor) -> None:
        """Find the filters."""
        size = (self.number, patches.shape[1])
        start = torch.randn(size, generator=generator((self.seed, 1)), dtype=torch.float64) / size[1] ** 0.5
        x = patches.double()

        def cost(flat: np.ndarray) -> tuple[float, np.ndarray]:
            with torch.enable_grad():
                filters = torch.from_numpy(flat).view(size).requires_grad_()
                value = self.cost(filters, x)
                value.backward()
            assert filters.grad is not None
            return float(value.detach()), filters.grad.flatten().numpy()

        found = minimize(
            cost, start.flatten().numpy(), jac=True, method="L-BFGS-B", options={"maxiter": self.iterations}
        )
        self.filters = torch.from_numpy(found.x).view(size).float()

    def cost(self, filters: Tensor, patches: Tensor) -> Tensor:
        """Return the loss, a mean over patches ``(samples, d)``, of filters ``(filters, d)``."""
        products = patches @ filters.T
        rebuilt = (products @ filters - patches).square().sum(1)
        return (rebuilt + self.sparsity * (products.square() + 0.01).sqrt().sum(1)).mean()

    def responses(self, patches: Tensor) -> Tensor:
        """See `PatchEncoder.responses`."""
        return (patches @ self.filters.T).abs()


class RandomFilters(PatchEncoder):
    """Rectified products of patches with random directions: convolutional features without learned filters.

    Only the whitening is learned from patches.

    Args:
        filters: Number of filters, at least 1.
        patch: See `PatchEncoder`.
        stride: See `PatchEncoder`.
        pools: See `PatchEncoder`.
        samples: See `PatchEncoder`.
        contrast: See `PatchEncoder`.
        smoothing: See `PatchEncoder`.
        seed: See `PatchEncoder`.

    Raises:
        ValueError: See `PatchEncoder`.
    """

    filters: Tensor

    def __init__(
        self,
        filters: int = 400,
        patch: int = 6,
        stride: int = 1,
        pools: int = 2,
        samples: int = 40000,
        contrast: float = CONTRAST,
        smoothing: float = 0.1,
        seed: int = 0,
    ) -> None:
        super().__init__(patch, stride, pools, samples, contrast, smoothing, seed)
        at_least(self, 1, filters=filters)
        self.number = filters
        self.register_buffer("filters", None)

    def learn(self, patches: Tensor) -> None:
        """Draw the filters, using only the size of the patches."""
        size = patches.shape[1]
        self.filters = torch.randn(self.number, size, generator=generator((self.seed, 1))) / size**0.5

    def responses(self, patches: Tensor) -> Tensor:
        """See `PatchEncoder.responses`."""
        return (patches @ self.filters.T).relu()
