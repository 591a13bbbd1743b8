"""Rules that partition a training set."""

import hashlib
from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor

from smoothing.representation import Represented


class Partition(Represented, ABC):
    """Rule that assigns every training example to one part.

    Attributes:
        assumptions: Assumptions of certificates with this rule; empty if it reads no label (THEORY.md 4.5).
    """

    assumptions: tuple[str, ...] = ()

    @abstractmethod
    def assign(self, x: Tensor, labels: Tensor, parts: int) -> Tensor:
        """Return the part of each example, ``(n,)`` int64 in ``0 .. parts - 1``.

        Args:
            x: Inputs, ``(n, k)``.
            labels: Labels, ``(n,)`` int64; for rules with assumptions only.
            parts: Number of parts, from 1 to n.
        """


class ByHash(Partition):
    """Part by the hash of the input, independent of other examples (Levine & Feizi 2021, section 3.1)."""

    def assign(self, x: Tensor, labels: Tensor, parts: int) -> Tensor:
        """Return SHA-256 of the bytes of each row, modulo the number of parts; see `Partition.assign`."""
        digests = (hashlib.sha256(row.tobytes()).digest() for row in x.contiguous().numpy())
        return torch.tensor([int.from_bytes(digest, "big") % parts for digest in digests])


class ByContent(Partition):
    """Part by the rank of the input, in parts of equal size (Levine & Feizi 2021, section 3.2)."""

    def assign(self, x: Tensor, labels: Tensor, parts: int) -> Tensor:
        """Return the rank of each row in lexicographic order, modulo the number of parts; see `Partition.assign`."""
        _, rank = np.unique(x.numpy(), axis=0, return_inverse=True)
        order = np.argsort(rank.ravel(), kind="stable")
        part = np.empty(len(order), np.int64)
        part[order] = np.arange(len(order)) % parts
        return torch.from_numpy(part)


class ByPosition(Partition):
    """Part by the position in the data set. Label flips must not change positions."""

    assumptions = ("examples keep their places when labels flip",)

    def assign(self, x: Tensor, labels: Tensor, parts: int) -> Tensor:
        """Return the position of each row, modulo the number of parts; see `Partition.assign`."""
        return torch.arange(len(x)) % parts


class Stratified(Partition):
    """Part by the rank within the class, so that all parts have similar class frequencies.

    The partition depends on labels under attack, so that certificates hold only if it does not change (THEORY.md 4.5).

    Args:
        conditional: Must be True, which adds this assumption to every certificate.

    Raises:
        ValueError: If ``conditional`` is False.
    """

    assumptions = ("the partition, stratified by the labels under attack, does not change",)

    def __init__(self, conditional: bool = False) -> None:
        if not conditional:
            raise ValueError(
                "Stratified: conditional = False; must be true, since the partition depends on the labels under attack "
                "and certificates hold only if it does not change"
            )

    def assign(self, x: Tensor, labels: Tensor, parts: int) -> Tensor:
        """Return the rank of each row in the order of labels, modulo the number of parts; see `Partition.assign`."""
        order = labels.argsort(stable=True)
        return torch.empty_like(order).scatter_(0, order, torch.arange(len(order)) % parts)
