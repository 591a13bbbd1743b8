"""Brute force for changed training sets at tiny sizes: every set from a small universe of examples, trained anew."""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from smoothing.certificates.certificates import Certificates
from smoothing.distance import CHANGED, INSERTED, Distance
from smoothing.votes.features.transforms import apply_each, fit_all
from smoothing.votes.parts.bagging import Bagging
from smoothing.votes.parts.part_learner import PartLearner
from smoothing.votes.parts.partitions import Partitions

Winners = NDArray[np.int64]

Members = tuple[int, ...]
"""A training set: positions in the universe, in the order of the training set; an example may occur several times."""


@dataclass(frozen=True)
class Universe:
    """Examples that a training set can consist of.

    Attributes:
        x: Inputs, ``(u, k)``.
        y: Labels, ``(u,)`` int64.
        num_classes: Number of classes K.
    """

    x: Tensor
    y: Tensor
    num_classes: int

    def sets(self, own: Members, distance: Distance, copies: int = 1) -> Iterator[tuple[Members, int]]:
        """Yield every changed training set with its distance from ``own``.

        Args:
            own: The training set.
            distance: Insertions plus deletions, or changes in place.
            copies: Largest number of copies of an example in a set with insertions. Sets are given in another order
                than ``own``, since their order is not limited.

        Raises:
            ValueError: If the distance is another one.
        """
        places = range(len(self.y))
        if distance == CHANGED:
            for members in product(places, repeat=len(own)):
                yield members, sum(one != other for one, other in zip(own, members, strict=True))
        elif distance == INSERTED:
            rng = np.random.default_rng(0)
            before = [own.count(place) for place in places]
            for counts in product(range(copies + 1), repeat=len(self.y)):
                copied = np.repeat(places, counts)
                away = sum(abs(one - other) for one, other in zip(before, counts, strict=True))
                yield tuple(rng.permutation(copied).tolist()), away
        else:
            raise ValueError(f"Universe: distance in {distance.unit}; must be between training sets")


def changes_stood(
    universe: Universe,
    own: Members,
    certificates: Certificates,
    distance: Distance,
    winners: Callable[[Members], Winners],
    copies: int = 1,
) -> NDArray[np.int64]:
    """Return the largest number of changes that never alters each prediction, ``(batch,)``.

    It is -1 if a prediction differs without any change, and the largest distance to any set if none alters it.

    Args:
        universe: Examples that a changed training set can consist of.
        own: The training set.
        certificates: Certificates, of which only the predictions are used.
        distance: Distance in which changes are counted.
        winners: Returns the predictions ``(batch,)`` of the votes of a training set.
        copies: See `Universe.sets`.
    """
    sets = sorted(universe.sets(own, distance, copies), key=lambda changed: changed[1])
    stood = np.full(len(certificates.prediction), sets[-1][1])
    held = np.ones(len(stood), np.bool_)
    for members, away in sets:
        lost = held & (winners(members) != certificates.prediction)
        stood[lost] = away - 1
        held &= ~lost
        if not held.any():
            break
    return stood


def retrained_scores(votes: Partitions, universe: Universe, tests: Tensor) -> Callable[[Members], NDArray[np.float64]]:
    """Return a function of a training set that trains all learners and returns their scores ``(batch, learners, K)``.

    Everything is computed anew from the training set: transforms, partition and learners. A learner without an example
    prefers the first class.

    Args:
        votes: Votes of parts, of which only the constructor arguments are used.
        universe: The examples.
        tests: Inputs to predict, ``(batch, k)``.
    """
    first = np.zeros((len(tests), universe.num_classes))
    first[:, 0] = 1
    known: dict[bytes, NDArray[np.float64]] = {}

    def scores(members: Members) -> NDArray[np.float64]:
        x, y = universe.x[list(members)], universe.y[list(members)]
        if not members:
            return np.repeat(first[:, None], votes.parts, 1)
        transforms = deepcopy(votes.transforms)
        features = fit_all(transforms, x.double())
        inputs = apply_each(transforms, tests.double())
        part, place = votes.partition.assign(x, y, votes.parts), votes.partition.order(x, y).argsort()
        said = []
        for learner in range(votes.parts):
            parts = np.flatnonzero((votes.reached == learner).any(1))
            examples = torch.from_numpy(np.flatnonzero(np.isin(part.numpy(), parts)))
            examples = examples[place[examples].argsort()]
            said.append(_trained(votes.learner, features[examples], y[examples], inputs, first, known))
        return np.stack(said, 1)

    return scores


def _trained(
    learner: PartLearner,
    x: Tensor,
    y: Tensor,
    tests: Tensor,
    empty: NDArray[np.float64],
    known: dict[bytes, NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return the scores ``(batch, K)`` of a copy of a learner, computed once for each training set."""
    if not len(y):
        return empty
    key = b"".join(tensor.numpy().tobytes() for tensor in (x, y, tests))
    if key not in known:
        copy = deepcopy(learner)
        copy.learn(x, y, empty.shape[1])
        known[key] = copy.class_scores(tests).numpy()
    return known[key]


def bagged_votes(votes: Bagging, universe: Universe, tests: Tensor, size: int) -> Callable[[Members], Winners]:
    """Return a function of a training set that counts the votes of all its bags, ``(batch, K)``, in whole numbers.

    The counts sum to ``n**size``. An empty training set votes for the first class.

    Args:
        votes: Votes of bags, of which only the constructor arguments are used.
        universe: The examples.
        tests: Inputs to predict, ``(batch, k)``.
        size: Number of draws with replacement of a bag.
    """
    rows = np.arange(len(tests))
    first = np.zeros((len(tests), universe.num_classes))
    first[:, 0] = 1
    known: dict[bytes, NDArray[np.float64]] = {}

    def counts(members: Members) -> Winners:
        total = np.zeros((len(tests), universe.num_classes), np.int64)
        if not members:
            total[:, 0] = 1
            return total
        x, y = universe.x[list(members)], universe.y[list(members)]
        transforms = deepcopy(votes.transforms)
        features = fit_all(transforms, x.double())
        inputs = apply_each(transforms, tests.double())
        # Equal examples are interchangeable, so that bags are sorted by their place in the universe.
        sets = _bags(len(members), size)
        for bag, number in sets.items():
            shown = sorted(bag, key=members.__getitem__)
            said = _trained(votes.learner, features[shown], y[shown], inputs, first, known)
            total[rows, said.argmax(1)] += number
        return total

    return counts


def _bags(n: int, size: int) -> dict[tuple[int, ...], int]:
    """Return how many of the ``n**size`` ordered bags contain exactly the given positions."""
    sets: dict[tuple[int, ...], int] = {}
    for bag in product(range(n), repeat=size):
        shown = tuple(sorted(set(bag)))
        sets[shown] = sets.get(shown, 0) + 1
    return sets


def best_gain(old: Sequence[int], now: Sequence[int], size: int, f: float) -> float:
    """Return ``G(f)`` of bagging by enumeration of all bags (Neyman and Pearson).

    Args:
        old: Identifiers of the n training examples.
        now: Identifiers of the changed training set.
        size: Number of draws with replacement of a bag.
        f: Probability of the event before the change, within [0, 1].
    """
    bags = {*product(old, repeat=size), *product(now, repeat=size)}
    before = {bag: Fraction(all(one in old for one in bag), len(old) ** size) for bag in bags}
    after = {bag: Fraction(all(one in now for one in bag), len(now) ** size) for bag in bags}
    gain, left = Fraction(0), Fraction(f)
    for bag in sorted(bags, key=lambda bag: -(after[bag] / before[bag] if before[bag] else np.inf)):
        share = min(Fraction(1), left / before[bag]) if before[bag] else Fraction(1)
        gain += share * after[bag]
        left -= share * before[bag]
    return float(gain)
