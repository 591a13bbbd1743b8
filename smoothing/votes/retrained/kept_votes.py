"""Votes of models that are trained in a pass of their own, whose predictions are stored."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from smoothing.measures.measure import SmoothingMeasure
from smoothing.provenance.origin import Origin
from smoothing.votes.arrays import checked_batch
from smoothing.votes.retrained.draws import Draw, MissingDrawsError, Predictions
from smoothing.votes.retrained.learner import Learner
from smoothing.votes.votes import Votes


class KeptVotes(Votes):
    """Base class of votes whose draws are training runs. The ranks share them, and finished ones are stored.

    A new vote is a subclass with `draw`, and with `counts` on the predictions that `predictions` returns.

    Attributes:
        learner: The learner, which trains `Learner.group` models at a time.
    """

    kept: ClassVar[bool] = True
    learner: Learner
    _origin: Origin | None = None
    _finished: Mapping[Draw, Predictions] = {}  # replaced by `serve`, never changed here

    @property
    def together(self) -> int:
        """Number of consecutive draws that one rank should get, since they form a group; 1 if any draws do."""
        return 1

    def serve(self, origin: Origin | None, x: Tensor, index: Tensor, finished: Mapping[Draw, Predictions]) -> None:
        """Set the test examples, all of which every model predicts; see `Votes.serve`.

        Without an origin, it is not checked that learner and body were trained on other examples.
        """
        x, index = checked_batch(x, index)
        self._origin = origin
        self._tests = x
        self._finished = finished
        self._place = {int(position): place for place, position in enumerate(index)}

    @abstractmethod
    def draw(
        self, measure: SmoothingMeasure, draws: Sequence[Draw], seed: int, device: torch.device | str = "cpu"
    ) -> list[Predictions]:
        """Finish some draws. On a CPU each core trains its own groups.

        Args:
            measure: The smoothing measure.
            draws: The draws to finish.
            seed: Root seed of all draws.
            device: Device of the training runs.

        Returns:
            Predictions of each model for the requested test examples, in the order of the draws.
        """

    def predictions(self, draws: Sequence[Draw], index: Tensor) -> NDArray[np.int16]:
        """Return the predictions of finished draws for some test examples, ``(draws, batch)``.

        Args:
            draws: The draws.
            index: Position of each test example in its data set, ``(batch,)``.

        Raises:
            MissingDrawsError: If a draw is not finished.
        """
        if missing := tuple(draw for draw in draws if draw not in self._finished):
            raise MissingDrawsError(missing)
        places = [self._place[int(position)] for position in index]
        return np.stack([self._finished[draw][places] for draw in draws])

    def overlap(self, part: str, origins: Sequence[Origin]) -> str | None:
        """Return why a part that was trained on some examples moves with the training set under attack, or None."""
        for seen in origins:
            if self._origin is not None and seen.overlaps(self._origin):
                return (
                    f"the {part} was trained on {seen}, and the adversary may change {self._origin}, which changes it "
                    "without noise; must be trained on other examples, or the certifier Empirical"
                )
        return None
