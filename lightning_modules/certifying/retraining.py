"""Passes before certification in which draws are computed, as Lightning predict runs. Each draw is a training run."""

from collections.abc import Sequence
from typing import cast

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, Dataset

from lightning_modules.certifying.certification import Certification
from lightning_modules.certifying.to_do import ToDo
from smoothing.certificates.ranks import RankShare
from smoothing.votes import Ballots, Draw, KeptVotes, MissingDrawsError, Predictions


class DrawsToDo(ToDo[Draw]):
    """Data module of the draws that are not finished.

    Attributes:
        missing: Draws that are not finished.
        together: Number of consecutive draws that a rank gets together.
        batch_size: Number of draws per batch.
    """

    missing: Sequence[Draw] = ()
    together = 1
    batch_size = 1

    def share(self, rank: int, ranks: int) -> DataLoader[Draw]:
        """Return batches of one rank's share of the draws; see `ToDo.share`."""
        draws = cast(Dataset[Draw], self.missing)
        share = RankShare(draws, range(len(self.missing)), rank, ranks, self.together)
        return DataLoader(draws, batch_size=self.batch_size, sampler=share, collate_fn=list)


class Retraining(pl.LightningModule):
    """Lightning module that computes the draws that certifiers need next. The ranks share them.

    Certifiers are called as if all draws were finished, and the missing draws are collected. If a certifier needs a
    fixed number of draws, these are all of them. If the number depends on the votes, they are the next round. The pass
    is repeated until no draw is missing.

    Args:
        certification: The module that certifies. Its votes are `KeptVotes`.
    """

    def __init__(self, certification: Certification) -> None:
        super().__init__()
        self.certification = certification
        # On the instance, since the base class sets its own when it is constructed.
        self.allow_zero_length_dataloader_with_multiple_devices = True

    @property
    def votes(self) -> KeptVotes:
        """Votes of the certification."""
        votes = self.certification.votes
        assert isinstance(votes, KeptVotes)
        return votes

    def setup(self, stage: str) -> None:
        """Prepare votes and certifiers, and determine the missing draws.

        Raises:
            ValueError: See `Certification.setup`.
        """
        self.certification.setup(stage)
        to_do = cast(DrawsToDo, self.trainer.datamodule)  # type: ignore[attr-defined]
        to_do.missing = self._missing() if self.certification.remaining else ()
        cores = torch.get_num_threads() if self.device.type == "cpu" else 1
        to_do.together = self.votes.together
        to_do.batch_size = self.votes.learner.group * cores

    def predict_step(self, batch: list[Draw], batch_idx: int) -> list[Predictions]:
        """Train the models of some draws and return their predictions."""
        model = self.certification
        # Lightning predicts in inference mode, in which training is impossible.
        with torch.inference_mode(False):
            return self.votes.draw(model.measure, batch, model.seed, self.device)

    def _missing(self) -> list[Draw]:
        """Return the draws that certifiers miss, in order."""
        model = self.certification
        x, index = model.requested_inputs()
        ballots = Ballots(model.measure, self.votes, x, index, model.seed)
        missing: set[Draw] = set()
        for certifier in model.certifiers.values():
            try:
                certifier.evaluate(ballots)
            except MissingDrawsError as stopped:
                missing.update(stopped.draws)
        return sorted(missing)
