"""Spectral embedding on the graph of nearest neighbours."""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array
from torch import Tensor

from smoothing.arguments import at_least
from smoothing.numerics.random import generator
from smoothing.votes.features.transforms import Transform
from smoothing.votes.labels.neighbours import SquaredDistance

ROWS_AT_A_TIME = 64

DEGREE = 30
"""Degree of the polynomial filter of each round."""

SPARE = 6
"""Number of additional eigenvectors, so that the last requested ones converge."""

ROUNDS = 200

TOLERANCE = 1e-9


class SpectralEmbedding(Transform):
    """The leading eigenvectors of the random walk between nearest neighbours, each of unit variance.

    Points that are connected by many short steps get close coordinates (Laplacian eigenmaps: Belkin and Niyogi 2003;
    with rows of length one, the features of spectral clustering: Ng, Jordan and Weiss 2002). The coordinates of any
    point are the mean coordinates of its nearest training points. If the graph is connected, the first coordinate is
    constant.

    Args:
        components: Number of eigenvectors, at least 2.
        neighbours: Number of neighbours of a point, at least 1. Two points are linked if either is a neighbour of the
            other.
        seed: Seed of the initial vectors of the eigensolver, at least 0.

    Raises:
        ValueError: If an argument is out of its range. In `fit`, if there are too few training points or the
            eigensolver does not converge.
    """

    def __init__(self, components: int, neighbours: int = 10, seed: int = 0) -> None:
        at_least(self, 2, components=components)
        at_least(self, 1, neighbours=neighbours)
        at_least(self, 0, seed=seed)
        self.components = components
        self.neighbours = neighbours
        self.seed = seed

    def fit(self, x: Tensor) -> None:
        """Fit to training features ``(n, k)``."""
        self.fit_transform(x)

    def fit_transform(self, x: Tensor) -> Tensor:
        """See `Transform.fit_transform`. Neighbours are computed once."""
        most = len(x) - 1
        for name, value in (("components", self.components), ("neighbours", self.neighbours)):
            if value > most:
                raise ValueError(f"SpectralEmbedding: {name} = {value}; must be at most {most}, one less than points")
        self._distance = SquaredDistance(x)
        nearest = self._nearest(x)
        walk, degree = _walk(nearest)
        start = torch.randn(len(x), min(self.components + SPARE, len(x)), generator=generator((self.seed,)))
        vectors = leading_eigenvectors(walk, start.double(), self.components)
        coordinates = vectors / torch.from_numpy(degree).sqrt()[:, None]
        self._coordinates = coordinates / coordinates.square().mean(0).sqrt()
        return self._placed(nearest)

    def __call__(self, x: Tensor) -> Tensor:
        """Return the coordinates ``(batch, components)`` of features ``(batch, k)``."""
        return self._placed(self._nearest(x))

    def each(self, x: Tensor) -> Tensor:
        """See `Transform.each`. Distances have the same bits in any batch, so that neighbours are found together."""
        return torch.cat([self._placed(row) for row in self._nearest(x).split(1)])

    def _nearest(self, x: Tensor) -> Tensor:
        """Return the nearest training points, one more than neighbours since a training point is nearest to itself."""
        # One preallocated tensor: small tensors kept between large temporary ones would fragment memory.
        nearest = torch.empty(len(x), self.neighbours + 1, dtype=torch.long)
        for rows, found in zip(x.split(ROWS_AT_A_TIME), nearest.split(ROWS_AT_A_TIME), strict=True):
            found.copy_(self._distance(rows).topk(self.neighbours + 1, largest=False).indices)
        return nearest

    def _placed(self, nearest: Tensor) -> Tensor:
        return self._coordinates[nearest[:, : self.neighbours]].mean(1)


def leading_eigenvectors(matrix: csr_array, start: Tensor, count: int) -> Tensor:
    """Return eigenvectors of the largest eigenvalues of a symmetric matrix with eigenvalues within [-1, 1].

    Chebyshev-filtered subspace iteration (Zhou et al. 2006): each round multiplies the vectors by a polynomial of the
    matrix that is small on all eigenvalues below their smallest one. Equal arguments give equal bits.

    Args:
        matrix: Symmetric matrix, ``(n, n)`` float64.
        start: Initial vectors in general position, ``(n, m)`` float64.
        count: Number of eigenvectors, at most m.

    Returns:
        Orthonormal eigenvectors, ``(n, count)`` float64, largest eigenvalue first.

    Raises:
        ValueError: If the iteration does not converge.
    """
    basis, _ = torch.linalg.qr(start)
    lowest = 0.0
    for _ in range(ROUNDS):
        half, centre = (lowest + 1) / 2, (lowest - 1) / 2
        before, now = basis, (_times(matrix, basis) - centre * basis) / half
        for _ in range(2, DEGREE + 1):
            before, now = now, 2 / half * (_times(matrix, now) - centre * now) - before
        basis, _ = torch.linalg.qr(now)
        image = _times(matrix, basis)
        values, mixed = torch.linalg.eigh(basis.T @ image)
        basis, image, lowest = basis @ mixed, image @ mixed, float(values[0])
        residuals = (image - basis * values).norm(dim=0)
        if residuals[-count:].max() < TOLERANCE:
            leading: Tensor = basis.flip(1)[:, :count]
            return leading
    raise ValueError(
        f"SpectralEmbedding: no {count} eigenvectors in {ROUNDS} rounds; must be fewer, or more neighbours"
    )


def _times(matrix: csr_array, vectors: Tensor) -> Tensor:
    product: Tensor = torch.from_numpy(matrix @ vectors.numpy())
    return product


def _walk(nearest: Tensor) -> tuple[csr_array, NDArray[np.float64]]:
    """Return the symmetric form of the random walk, and the degree of every point, ``(n,)``."""
    n, k = nearest.shape
    links = csr_array((np.ones(n * k), (np.repeat(np.arange(n), k), nearest.numpy().ravel())), (n, n))
    links.setdiag(0)
    links = links + links.T
    degree = links.sum(1)
    scale = diags_array(degree**-0.5)
    return csr_array(scale @ links @ scale), degree
