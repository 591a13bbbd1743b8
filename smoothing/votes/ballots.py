"""A batch of inputs with a measure and a base function."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from smoothing.measures.measure import SmoothingMeasure
from smoothing.votes.arrays import Arrays, checked_batch
from smoothing.votes.labels.linear import LinearVotes, Scores
from smoothing.votes.parts.part_votes import PartVotes, Poll
from smoothing.votes.votes import Votes


class Ballots:
    """A batch of inputs with a measure and a base function.

    Vote counts and vote weights are computed on first use and cached, so that certifiers of one batch share them.

    Args:
        measure: The smoothing measure.
        votes: The base function.
        x: Inputs to predict, ``(batch, ...)``.
        index: Position of each input in its data set, ``(batch,)``, at least 0.
        seed: Root seed of all draws.

    Raises:
        ValueError: If inputs or positions are not numbers of these shapes and ranges.
    """

    def __init__(self, measure: SmoothingMeasure, votes: Votes, x: Arrays, index: Arrays, seed: int) -> None:
        self.measure = measure
        self.votes = votes
        self.x, self.index = checked_batch(x, index)
        self.seed = seed
        self._counts: dict[int, dict[int, Tensor]] = {}

    @property
    def assumptions(self) -> tuple[str, ...]:
        """Assumptions under which certificates of this vote hold."""
        return (
            *self.votes.assumptions,
            *self.votes.assumptions_under(self.measure),
            *self.measure.assumptions,
        )

    @property
    def shape(self) -> Sequence[int]:
        """Shape of the randomised object."""
        return self.votes.object_shape(self.x)

    @cached_property
    def scores(self) -> Scores:
        """Integer scores of a linear vote.

        Raises:
            TypeError: If the base function is not a linear vote. The ``supports`` of a certifier should exclude it.
        """
        if not isinstance(self.votes, LinearVotes):
            raise TypeError(f"{type(self.votes).__name__} is not a linear vote: it has no weights")
        return self.votes.scores(self.x)

    @cached_property
    def poll(self) -> Poll:
        """Class scores of the learners of a partition.

        Raises:
            TypeError: If the base function is not a partition. The ``supports`` of a certifier should exclude it.
        """
        if not isinstance(self.votes, PartVotes):
            raise TypeError(f"{type(self.votes).__name__} is not a partition: it has no parts")
        return self.votes.poll(self.x, self.index)

    @property
    def parts_touched(self) -> int:
        """Largest number of parts of a partition that one change alters, in the distance of the measure.

        Raises:
            TypeError: If no certificate of the base function holds in that distance. ``supports`` should exclude it.
        """
        touched = self.votes.partition.touched(self.measure.distance) if isinstance(self.votes, PartVotes) else None
        if touched is None:
            raise TypeError(f"{type(self.votes).__name__} has no certificate in {self.measure.distance.unit}")
        return touched

    def counts(self, draws: int, stream: int) -> Tensor:
        """Return the votes for each class, ``(batch, num_classes)`` int64.

        Counts are cached: draws that were counted earlier are reused.

        Args:
            draws: Number of independent draws.
            stream: Number of the stream. Different streams share no draw (THEORY.md section 5: selection and estimation
                use different samples).
        """
        known = self._counts.setdefault(stream, {})
        if draws not in known:
            drawn = max((n for n in known if n < draws), default=0)
            every = np.arange(len(self.x))
            added = self.counts_of(every, draws - drawn, stream, first=drawn)
            known[draws] = known[drawn] + added if drawn else added
        return known[draws]

    def counts_of(self, rows: NDArray[np.intp], draws: int, stream: int, first: int) -> Tensor:
        """Count votes for selected rows and draws, without caching.

        Args:
            rows: Positions in the batch, ``(rows,)``.
            draws: Number of draws.
            stream: Number of the stream; see `counts`.
            first: Number of the first draw, at least 0.

        Returns:
            Counts, ``(rows, num_classes)`` int64.
        """
        chosen = torch.from_numpy(rows)
        x, index = self.x[chosen.to(self.x.device)], self.index[chosen.to(self.index.device)]
        return self.votes.counts(self.measure, x, index, draws, (self.seed, stream), first)
