"""The step before certifying where each draw is a training run, as a Lightning predict run."""

from collections.abc import Sequence
from typing import cast

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, Dataset

from lightning_modules.certifying.certification import Certification
from lightning_modules.certifying.to_do import ToDo
from smoothing.certificates.ranks import RankShare
from smoothing.votes import Ballots, Draw, MissingDrawsError, Predictions, RetrainedVotes


class DrawsToDo(ToDo[Draw]):
    """The draws that are still to be finished, in the place of the examples that they serve.

    Attributes:
        missing: Draws still to be finished.
        batch_size: Draws that are finished at a time.
    """

    missing: Sequence[Draw] = ()
    batch_size = 1

    def share(self, rank: int, ranks: int) -> DataLoader[Draw]:
        """See `ToDo.share`."""
        draws = cast(Dataset[Draw], self.missing)
        share = RankShare(draws, range(len(self.missing)), rank, ranks)
        return DataLoader(draws, batch_size=self.batch_size, sampler=share, collate_fn=list)


class Retraining(pl.LightningModule):
    """Finishes the draws that certifiers ask for next; ranks share them.

    Certifiers are asked as if all draws were finished, and the ones that they miss are to be done: all of them where
    their number is fixed, and a round at a time where it depends on how the votes fall. It is run again until nothing
    is missing.

    Args:
        certification: What certifies; its votes are `RetrainedVotes`.
    """

    def __init__(self, certification: Certification) -> None:
        super().__init__()
        self.certification = certification
        # On the instance, since the base class sets its own when it is constructed.
        self.allow_zero_length_dataloader_with_multiple_devices = True

    @property
    def votes(self) -> RetrainedVotes:
        """The votes whose draws are finished."""
        votes = self.certification.votes
        assert isinstance(votes, RetrainedVotes)
        return votes

    def setup(self, stage: str) -> None:
        """Prepare votes and certifiers, and find out what they miss.

        Raises:
            ValueError: As `Certification.setup`.
        """
        self.certification.setup(stage)
        to_do = cast(DrawsToDo, self.trainer.datamodule)  # type: ignore[attr-defined]
        to_do.missing = self._missing() if self.certification.remaining else ()
        cores = torch.get_num_threads() if self.device.type == "cpu" else 1
        to_do.batch_size = self.votes.learner.group * cores

    def predict_step(self, batch: list[Draw], batch_idx: int) -> list[Predictions]:
        """What the models of some draws predict."""
        model = self.certification
        # Inference mode, which Lightning predicts in, would forbid to train.
        with torch.inference_mode(False):
            return self.votes.draw(model.measure, batch, model.seed, self.device)

    def _missing(self) -> list[Draw]:
        """The draws that certifiers stumble over, in order."""
        model = self.certification
        x, index = model.asked()
        ballots = Ballots(model.measure, self.votes, x, index, model.seed)
        missing: set[Draw] = set()
        for certifier in model.certifiers.values():
            try:
                certifier.evaluate(ballots)
            except MissingDrawsError as stopped:
                missing.update(stopped.draws)
        return sorted(missing)
