"""How a training set is parted."""

import hashlib
from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor

from smoothing.representation import Represented


class Partition(Represented, ABC):
    """A rule that puts every training example into one part.

    Attributes:
        assumptions: What a certificate takes for granted by using this rule; empty where no label is read
            (THEORY.md 4.5).
    """

    assumptions: tuple[str, ...] = ()

    @abstractmethod
    def assign(self, x: Tensor, labels: Tensor, parts: int) -> Tensor:
        """The part of each example, ``(n,)`` int64 in ``0 .. parts - 1``.

        Args:
            x: Inputs ``(n, k)``.
            labels: ``(n,)`` int64; for conditional rules only.
            parts: Number of parts, from 1 to n.
        """


class ByHash(Partition):
    """The hash of an input says its part: whatever else is in the set (Levine & Feizi 2021, section 3.1)."""

    def assign(self, x: Tensor, labels: Tensor, parts: int) -> Tensor:
        """SHA-256 of the bytes of each row, modulo the number of parts."""
        digests = (hashlib.sha256(row.tobytes()).digest() for row in x.contiguous().numpy())
        return torch.tensor([int.from_bytes(digest, "big") % parts for digest in digests])


class ByContent(Partition):
    """Inputs in ascending order are dealt out in turn: parts of equal size (Levine & Feizi 2021, section 3.2)."""

    def assign(self, x: Tensor, labels: Tensor, parts: int) -> Tensor:
        """Rank of each row, compared feature by feature, modulo the number of parts."""
        _, rank = np.unique(x.numpy(), axis=0, return_inverse=True)
        order = np.argsort(rank.ravel(), kind="stable")
        part = np.empty(len(order), np.int64)
        part[order] = np.arange(len(order)) % parts
        return torch.from_numpy(part)


class ByPosition(Partition):
    """Examples are dealt out in turn, in the order of the data set, which label flips must leave alone."""

    assumptions = ("examples keep their places when labels flip",)

    def assign(self, x: Tensor, labels: Tensor, parts: int) -> Tensor:
        """Position of each row, modulo the number of parts."""
        return torch.arange(len(x)) % parts


class Stratified(Partition):
    """The examples of each class are dealt out in turn, so that parts hold classes alike.

    Which part an example is in then depends on labels that the adversary controls, so certificates hold only while
    the partition is what it is (THEORY.md 4.5).

    Args:
        conditional: Must be true, which marks every certificate as conditional on the partition.

    Raises:
        ValueError: Unless asked for explicitly.
    """

    assumptions = ("the partition, stratified by the labels under attack, does not change",)

    def __init__(self, conditional: bool = False) -> None:
        if not conditional:
            raise ValueError(
                "Stratified: conditional = False; must be true, since parts chosen by the labels under attack change "
                "with them and certificates hold only while they do not"
            )

    def assign(self, x: Tensor, labels: Tensor, parts: int) -> Tensor:
        """Rank of each row in the order of labels, modulo the number of parts."""
        order = labels.argsort(stable=True)
        return torch.empty_like(order).scatter_(0, order, torch.arange(len(order)) % parts)
