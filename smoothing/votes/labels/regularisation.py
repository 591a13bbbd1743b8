"""Rules for the ridge parameter lambda."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from smoothing.arguments import finite, positive
from smoothing.representation import Represented


class Regularisation(Represented, ABC):
    """Rule for lambda, the number added to the diagonal of ``X'X`` or of a kernel matrix.

    Attributes:
        assumptions: Assumptions of certificates with this rule; empty if it reads no label (THEORY.md 4.5).
        reads_features: Whether `value` reads the features, not only their eigenvalues.
    """

    assumptions: tuple[str, ...] = ()
    reads_features: bool = True

    @abstractmethod
    def value(self, eigenvalues: Tensor, features: Tensor, labels: Tensor) -> float:
        """Return lambda, at least 0.

        Args:
            eigenvalues: Eigenvalues of ``X'X``, ``(k,)``, ascending.
            features: ``X``, ``(n, k)``.
            labels: Labels, ``(n,)`` int64, for rules with assumptions; empty for all others.
        """


class Constant(Regularisation):
    """A constant lambda.

    Args:
        value: Lambda, at least 0. If it is 0, the system must not be singular.
    """

    reads_features = False

    def __init__(self, value: float) -> None:
        finite(self, 0, value=value)
        self._value = value

    def value(self, eigenvalues: Tensor, features: Tensor, labels: Tensor) -> float:
        """Return the constant."""
        return self._value


class Relative(Regularisation):
    """A multiple of the mean eigenvalue of ``X'X``: equally strong at every scale and sample size. It reads no label.

    For `KernelRidge`, the eigenvalues are those of the kernel matrix, with a mean that does not grow with n.

    Args:
        factor: The multiple, above 0.
    """

    reads_features = False

    def __init__(self, factor: float) -> None:
        positive(self, factor=factor)
        self.factor = factor

    def value(self, eigenvalues: Tensor, features: Tensor, labels: Tensor) -> float:
        """Return ``factor`` times the mean eigenvalue."""
        return self.factor * float(eigenvalues.mean())


class RosenfeldRule(Regularisation):
    """``(1 + q) s^2 k / (2n) cond(X'X)`` with ``s^2`` the residual of least squares (Rosenfeld et al. 2020, 4.1).

    The residual depends on labels under attack, so that certificates hold only if lambda does not change (THEORY.md
    4.5). With more than two classes ``s^2`` is the mean over the indicators of all classes but the first.

    Args:
        q: The flip probability in the rule, within [0, 1].
    """

    assumptions = ("lambda, computed from the labels under attack, does not change",)

    def __init__(self, q: float) -> None:
        if not 0 <= q <= 1:
            raise ValueError(f"RosenfeldRule: q = {q}; must be within [0, 1]")
        self.q = q

    def value(self, eigenvalues: Tensor, features: Tensor, labels: Tensor) -> float:
        """Return the paper's lambda.

        Raises:
            ValueError: If least squares has no unique solution because the system is singular or has no more rows than
                columns, or if all labels are of the first class.
        """
        n, k = features.shape
        if n <= k or eigenvalues[0] <= eigenvalues[-1] * k * torch.finfo(eigenvalues.dtype).eps:
            raise ValueError(f"RosenfeldRule: singular system, {n} examples with {k} features; must be another rule")
        if not labels.any():
            raise ValueError("RosenfeldRule: all labels are of class 0; must be another rule")
        targets = one_hot(labels)[:, 1:].to(features)
        solution = torch.linalg.lstsq(features, targets).solution
        residual = float((targets - features @ solution).square().sum(0).mean()) / (n - k)
        return (1 + self.q) * residual * k / (2 * n) * float(eigenvalues[-1] / eigenvalues[0])
