"""Retrained votes that finish a draw when it is asked for."""

from collections.abc import Sequence

import torch
from torch import Tensor

from smoothing.measures import SmoothingMeasure
from smoothing.provenance.origin import Origin
from smoothing.votes import Draw, Learner, MissingDrawsError, RetrainedVotes

HERE = Origin("Here")


class Finishing(RetrainedVotes):
    """Has no pass of its own for draws."""

    def counts(
        self, measure: SmoothingMeasure, x: Tensor, index: Tensor, draws: int, seed: Sequence[int], first: int = 0
    ) -> Tensor:
        try:
            return super().counts(measure, x, index, draws, seed, first)
        except MissingDrawsError as stopped:
            done = self.draw(measure, stopped.draws, seed[0])
            self._finished = {**self._finished, **dict(zip(stopped.draws, done, strict=True))}
            return super().counts(measure, x, index, draws, seed, first)


def finishing(
    learner: Learner, x: Tensor, labels: Tensor, tests: Tensor, index: Sequence[int] | None = None, **parts: object
) -> Finishing:
    """Votes on tests at some positions, from a training set."""
    votes = Finishing(learner, **parts)  # type: ignore[arg-type]
    votes.fit(x, labels, int(labels.max()) + 1)
    votes.serve(HERE, tests, torch.arange(len(tests)) if index is None else torch.tensor(index), {})
    return votes


def some_draws(number: int, stream: int = 1) -> list[Draw]:
    return [Draw(stream, i) for i in range(number)]
