"""Votes with known probabilities, for tests of failure probabilities."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import binom
from torch import Tensor

from smoothing.arguments import at_least, numbers, refuse
from smoothing.certificates.certificates import Certificates
from smoothing.guarantees import NeymanPearson, VoteBound
from smoothing.guarantees.limit import log_limit
from smoothing.measures import Gaussian, LabelFlip
from smoothing.measures.measure import SmoothingMeasure
from smoothing.votes.ballots import Ballots
from smoothing.votes.votes import Votes

Counts = NDArray[np.int64]

FLIPS, LENGTH = LabelFlip("0.35", 2), 9
"""A measure with whole radii, and the number of coordinates of its object."""

EXAMPLES = 200
"""Number of examples of a problem with known votes."""

FAILURES = 60
"""Expected number of failures in `even_votes` of a certifier that fails exactly as often as stated."""

MOST_EXAMPLES = 60_000
"""Largest number of examples of `even_votes`, enough for an alpha of .001."""

SURPRISE = 1e-5
"""Significance level of the test of a failure probability."""

ROUNDING = 1e-9
"""Relative rounding error of bounds and radii that are compared."""


class KnownVotes(Votes):
    """Votes that fall on each class with a given probability, independently for all draws and examples.

    Counts are sampled on first use. They are consistent between requests: the counts of draws 0 to 9 and of draws 10 to
    99 add up to those of draws 0 to 99.

    Args:
        probabilities: ``(K,)`` probability of each class.
        examples: Number of examples; their positions in the data set are ``0 .. examples - 1``.
        shape: Shape of the randomised object.

    Raises:
        ValueError: If there are fewer than two probabilities or fewer than one example, or if they do not sum to one.
    """

    object: ClassVar[str] = "test input"

    def __init__(self, probabilities: Sequence[float], examples: int, shape: Sequence[int] = (1,)) -> None:
        numbers(self, allowed := "at least two numbers within [0, 1] that sum to 1", probabilities=probabilities)
        at_least(self, 1, examples=examples)
        if len(probabilities) < 2 or min(probabilities) < 0 or abs(sum(probabilities) - 1) > ROUNDING:
            refuse(self, "probabilities", list(probabilities), allowed)
        self.probabilities = np.array(probabilities)
        self.num_classes = len(self.probabilities)
        self.examples = examples
        self.shape = tuple(shape)
        self.sampled: dict[tuple[int, ...], dict[int, Counts]] = {}

    def object_shape(self, x: Tensor) -> Sequence[int]:
        """Return the given shape."""
        return self.shape

    def ballots(self, measure: SmoothingMeasure, seed: int = 0) -> Ballots:
        """Return ballots of all examples."""
        return Ballots(measure, self, torch.zeros(self.examples, *self.shape), torch.arange(self.examples), seed)

    def counts(
        self, measure: SmoothingMeasure, x: Tensor, index: Tensor, draws: int, seed: Sequence[int], first: int = 0
    ) -> Tensor:
        """Return votes of the given probabilities, whatever the measure and the inputs; see `Votes.counts`."""
        added = self._up_to(tuple(seed), first + draws) - self._up_to(tuple(seed), first)
        return torch.from_numpy(added[index.numpy()])

    def seen(self, prediction: Counts, n_a: Counts, n_b: Counts, n: Counts) -> NDArray[np.bool_]:
        """Return for each example whether its tally is that of the first ``n`` draws of a stream, ``(examples,)``.

        Args:
            prediction: ``(examples,)`` class that ``n_a`` belongs to. Where it is -1, the result is of class 0.
            n_a: ``(examples,)`` count of that class.
            n_b: ``(examples,)`` count of the most frequent other class.
            n: ``(examples,)`` number of draws.
        """
        found = np.zeros(self.examples, bool)
        own = np.arange(self.num_classes) == np.maximum(prediction, 0)[:, None]
        for stream in self.sampled.values():
            for draws in set(n.tolist()) & set(stream):
                counts = stream[draws]
                same = (counts == n_a[:, None])[own] & (np.where(own, -1, counts).max(1) == n_b)
                found |= same & (n == draws)
        return found

    def _up_to(self, key: tuple[int, ...], end: int) -> Counts:
        """Return the counts of the first ``end`` draws of a stream, ``(examples, K)``."""
        known = self.sampled.setdefault(key, {0: np.zeros((self.examples, self.num_classes), np.int64)})
        if end not in known:
            before, after = max(m for m in known if m < end), min((m for m in known if m > end), default=None)
            rng = np.random.default_rng([*key, end])
            if after is None:
                added = rng.multinomial(end - before, self.probabilities, self.examples)
            else:
                added = _part(known[after] - known[before], end - before, rng)
            known[end] = known[before] + added
        return known[end]


def even_votes(alpha: float | None) -> tuple[SmoothingMeasure, KnownVotes]:
    """Return a problem with two equally probable classes, in which every prediction is wrong.

    A certifier that selects the class on the draws that bound its vote fails here with twice the stated probability.
    There are enough examples to detect this, unless ``alpha`` is below .001.

    Args:
        alpha: Stated failure probability, or None.
    """
    examples = round(FAILURES / alpha) if alpha else MOST_EXAMPLES
    return FLIPS, KnownVotes([0.5, 0.5], examples if examples <= MOST_EXAMPLES else EXAMPLES, (LENGTH,))


def known_problems(examples: int) -> list[tuple[SmoothingMeasure, KnownVotes]]:
    """Return problems with vote probabilities at and between the limits of radii, for two and three classes."""
    limits = [np.exp(log_limit(NeymanPearson(), FLIPS, radius, (LENGTH,))) * (1 + ROUNDING) for radius in (0, 1, 2, 3)]
    shares = [*((1 - lost, lost) for lost in (*limits, 0.25, 0.01)), (0.4, 0.6), (0.4, 0.4, 0.2), (0.7, 0.2, 0.1)]
    whole = [(FLIPS, KnownVotes(share, examples, (LENGTH,))) for share in shares]
    real = [(Gaussian(0.5), KnownVotes(share, examples)) for share in ((0.5, 0.5), (0.7, 0.3), (0.98, 0.02))]
    return [*whole, *real]


def wrong(measure: SmoothingMeasure, votes: KnownVotes, certificates: Certificates) -> NDArray[np.bool_]:
    """Return which certificates are wrong, ``(examples,)``.

    A certificate is wrong if the prediction is not the only most probable class, if a bound is below the true
    probability, or if the radius is above the tight radius of the true probabilities. Some base function with these
    probabilities has no larger radius.

    Args:
        measure: The smoothing measure.
        votes: The votes.
        certificates: Certificates of all their examples.
    """
    predicted, bad = certificates.prediction, np.zeros(votes.examples, bool)
    for c, own in enumerate(votes.probabilities):
        rival = np.delete(votes.probabilities, c).max()
        true = VoteBound(np.log([1 - own]), np.log([rival]))
        radius = NeymanPearson().radius(measure, true, votes.shape)[0] if own > rival else -1.0
        false = certificates.radius > radius * (1 + ROUNDING)
        for bound, truth in ((certificates.log_fail, 1 - own), (certificates.log_rival, rival)):
            if bound is not None:
                false |= np.exp(bound) < truth * (1 - ROUNDING)
        bad |= false & (predicted == c)
    return bad


def refuted(failures: int, certificates: int, alpha: float | None) -> bool:
    """Return whether a number of failures refutes a failure probability. Without one, a single failure does."""
    return failures > 0 if alpha is None else bool(binom.sf(failures - 1, certificates, alpha) < SURPRISE)


def _part(counts: Counts, draws: int, rng: np.random.Generator) -> Counts:
    """Return the counts of ``draws`` of the counted draws, chosen at random."""
    chosen, left, open_ = np.zeros_like(counts), np.full(len(counts), draws), counts.sum(1)
    for c, count in enumerate(counts.T):
        open_ = open_ - count
        chosen[:, c] = rng.hypergeometric(count, open_, left)
        left = left - chosen[:, c]
    return chosen
