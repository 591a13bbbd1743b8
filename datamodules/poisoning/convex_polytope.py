"""Convex Polytope: the target within the convex hull of the poisons."""

import numpy as np
import torch
from scipy.optimize import nnls
from torch import Tensor

from datamodules.poisoning.attack import Loss, PoisoningAttack
from datamodules.poisoning.features import features
from datamodules.poisoning.problem import Problem

WEIGHT = 1e4
"""Weight of the equation that coefficients sum to 1, relative to the largest feature."""


class ConvexPolytope(PoisoningAttack):
    """Moves the convex hull of the poisons to the target in feature space (Zhu et al. 2019, eq. 2).

    The objective is the sum over bodies of ``|f(t) - sum_j c_j f(p_j)|^2 / (2 |f(t)|^2)``. The coefficients ``c`` of a
    body are at least 0 and sum to 1; in each step they are the best ones. Networks are bodies: they map images to
    features ``(n, ...)``.

    Args:
        steps: Number of steps of Adam, at least 0.
        learning_rate: Learning rate, above 0.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self, steps: int = 1200, learning_rate: float = 0.04) -> None:
        super().__init__(steps, learning_rate)

    def objective(self, problem: Problem) -> Loss:
        """Return the relative squared distance of the convex hull from the target, summed over bodies."""
        targets = [target[0] for target in features(problem.networks, problem.target)]

        def loss(images: Tensor, step: int) -> Tensor:
            terms = []
            for body, target in zip(problem.networks, targets, strict=True):
                points = body(images).flatten(1)
                nearest = convex_coefficients(points, target).to(points) @ points
                terms.append((target - nearest).square().sum() / (2 * target.square().sum()))
            return torch.stack(terms).sum()

        return loss


def convex_coefficients(points: Tensor, target: Tensor) -> Tensor:
    """Return the coefficients of the point of a convex hull that is nearest to a target in l2.

    Args:
        points: Corners of the hull, ``(k, d)``.
        target: ``(d,)``.

    Returns:
        ``(k,)`` float64 on the CPU, at least 0, with sum 1. Their relative error is about ``1 / WEIGHT^2``.
    """
    corners, aim = points.detach().double().cpu().numpy(), target.detach().double().cpu().numpy()
    scale = WEIGHT * max(float(np.abs(corners).max()), float(np.finfo(np.float32).tiny))
    found, _ = nnls(np.vstack([corners.T, np.full(len(corners), scale)]), np.append(aim, scale))
    return torch.from_numpy(found / found.sum())
