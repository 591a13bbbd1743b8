"""Rules that partition a training set."""

import hashlib
from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from smoothing.distance import CHANGED, FLIPS, INSERTED, Distance
from smoothing.representation import Represented
from smoothing.votes.reads import Reads, moves

ROWS_AT_A_TIME = 1024
"""Rows that are hashed at a time."""


class Partition(Represented, ABC):
    """Rule that assigns every training example to one part.

    Attributes:
        reads: What it reads of the training set to assign an example. The default is the most that a rule may read.
        assumptions: Assumptions of certificates with this rule; empty if it reads no label (THEORY.md 4.5).
    """

    reads: ClassVar[Reads] = "all inputs"
    assumptions: tuple[str, ...] = ()

    @abstractmethod
    def assign(self, x: Tensor, labels: Tensor, parts: int) -> Tensor:
        """Return the part of each example, ``(n,)`` int64 in ``0 .. parts - 1``.

        Args:
            x: Inputs, ``(n, k)``.
            labels: Labels, ``(n,)`` int64, for rules with assumptions; empty for all others.
            parts: Number of parts, from 1 to n.
        """

    def order(self, x: Tensor, labels: Tensor) -> Tensor:
        """Return the order in which learners are given examples, a permutation ``(n,)`` int64 of positions.

        Rules that read an example only do not read positions either: learners are then given examples sorted by
        content (THEORY.md section 8). Other rules keep the order of the training set.
        """
        return sorted_by_content(x, labels) if self.reads == "own example only" else torch.arange(len(x))

    def touched(self, distance: Distance) -> int | None:
        """Return the largest number of parts that one change alters; None if a change moves other examples as well.

        Args:
            distance: Distance in which changes are counted.
        """
        if distance == FLIPS:
            return 1
        if distance not in (CHANGED, INSERTED) or moves(self.reads, distance):
            return None
        # An example that is changed in place leaves one part for another, unless positions determine the part.
        return 2 if distance == CHANGED and self.reads == "own example only" else 1


class ByHash(Partition):
    """Part by the hash of the input, independent of other examples (Levine & Feizi 2021, section 3.1)."""

    reads = "own example only"

    def assign(self, x: Tensor, labels: Tensor, parts: int) -> Tensor:
        """Return SHA-256 of the numbers of each row, modulo the number of parts; see `Partition.assign`."""
        return torch.tensor([int.from_bytes(digest, "big") % parts for digest in digests(x)])


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
    """Part by the position in the data set. Changes of labels or inputs must not change positions."""

    reads = "positions only"
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

    reads = "labels only"
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


def digests(x: Tensor) -> list[bytes]:
    """Return the SHA-256 of the numbers in each row of inputs ``(n, k)``.

    It depends on the numbers and not on the dtype, which one inserted example can change for all others. A row is
    hashed in single precision if that represents it exactly, and otherwise in double precision.
    """
    found = []
    for rows in x.split(ROWS_AT_A_TIME):
        wide = rows.double()
        narrow = wide.float()
        exact = (narrow == wide).all(1).tolist()
        pairs = zip(narrow.contiguous().numpy(), wide.contiguous().numpy(), exact, strict=True)
        found += [hashlib.sha256((short if same else long).tobytes()).digest() for short, long, same in pairs]
    return found


def sorted_by_content(x: Tensor, labels: Tensor) -> Tensor:
    """Return a permutation ``(n,)`` that sorts examples by the hash of their input, then by label.

    It depends on the examples as a multiset: which of several equal ones is first makes no difference.

    Args:
        x: Inputs, ``(n, k)``.
        labels: Labels, ``(n,)`` int64.
    """
    return torch.from_numpy(np.lexsort((labels.numpy(), ranks(x).numpy())))


def ranks(x: Tensor) -> Tensor:
    """Return the rank of the hash of each input among those of all inputs ``(n, k)``, ``(n,)`` int64.

    Equal inputs have equal ranks.
    """
    found = digests(x)
    place = {digest: rank for rank, digest in enumerate(sorted(set(found)))}
    return torch.tensor([place[digest] for digest in found])
