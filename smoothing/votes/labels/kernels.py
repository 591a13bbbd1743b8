"""Kernels of kernel ridge regression."""

from abc import ABC, abstractmethod
from math import pi

import torch
from torch import Tensor

from smoothing.arguments import at_least, finite, positive, within
from smoothing.representation import Represented


class Kernel(Represented, ABC):
    """Positive semi-definite kernel that is a function of inner products and squared lengths of feature vectors.

    A new kernel is a subclass with `values`. It reads no label.
    """

    @abstractmethod
    def values(self, products: Tensor, squares: Tensor, row_squares: Tensor, width: int) -> Tensor:
        """Return kernel values of feature vectors with the training features, ``(batch, n)`` float64.

        Args:
            products: Inner products, ``(batch, n)`` float64.
            squares: Squared lengths of the feature vectors, ``(batch, 1)``.
            row_squares: Squared lengths of the training features, ``(n,)``.
            width: Number of features.
        """


class RBF(Kernel):
    """Gaussian kernel ``exp(-|x - x'|^2 / (2 bandwidth^2))``.

    Args:
        bandwidth: Width of the kernel in units of the transformed features, within [1e-150, 1e150].
    """

    def __init__(self, bandwidth: float) -> None:
        within(self, 1e-150, 1e150, bandwidth=bandwidth)
        self.bandwidth = bandwidth

    def values(self, products: Tensor, squares: Tensor, row_squares: Tensor, width: int) -> Tensor:
        """Return the kernel values; see `Kernel.values`."""
        distance = (squares + row_squares - 2 * products).clamp(min=0)
        return torch.exp(-distance / (2 * self.bandwidth**2))


class NTK(Kernel):
    """Neural tangent kernel of an infinitely wide, fully connected ReLU network (Jacot et al. 2018).

    Kernel ridge regression with it and a vanishing lambda is the network trained to convergence by gradient descent on
    the squared loss, averaged over its initial weights. The parametrisation is that of the library neural-tangents:
    ``stax.serial(Dense, Relu, ..., Dense)`` with ``W_std`` and ``b_std`` in each of the ``depth + 1`` dense layers.

    With ``w = weight_std^2``, ``b = bias_std^2`` and ``d`` features, ``S = w x.x'/d + b`` and ``T = S`` after the first
    dense layer. Each further layer has ``S' = w E[relu(u) relu(v)] + b`` and ``T' = S' + w E[relu'(u) relu'(v)] T`` for
    Gaussian ``(u, v)`` with covariances ``S``. The expectations are arc-cosine kernels (Cho and Saul 2009).

    Args:
        depth: Number of hidden ReLU layers, at least 1.
        weight_std: Standard deviation of weights times the square root of the number of inputs of their layer, above 0.
        bias_std: Standard deviation of biases, at least 0.
    """

    def __init__(self, depth: int, weight_std: float = 1.0, bias_std: float = 0.0) -> None:
        at_least(self, 1, depth=depth)
        positive(self, weight_std=weight_std)
        finite(self, 0, bias_std=bias_std)
        self.depth = depth
        self.weight_std = weight_std
        self.bias_std = bias_std

    def values(self, products: Tensor, squares: Tensor, row_squares: Tensor, width: int) -> Tensor:
        """Return the kernel values; see `Kernel.values`."""
        w, b = self.weight_std**2, self.bias_std**2
        covariance, own, other = (w * part / width + b for part in (products, squares, row_squares))
        tangent = covariance
        for _ in range(self.depth):
            scale = own.sqrt() * other.sqrt()
            # An input of length zero has covariance zero with all inputs, whatever its angle.
            cosine = torch.where(scale > 0, covariance / scale, 0).clamp(-1, 1)
            beyond = pi - cosine.acos()
            sine = ((1 - cosine) * (1 + cosine)).sqrt()
            tangent = w / (2 * pi) * beyond * tangent
            covariance = w / (2 * pi) * scale * (sine + beyond * cosine) + b
            tangent = tangent + covariance
            own, other = (w / 2 * part + b for part in (own, other))
        return tangent
