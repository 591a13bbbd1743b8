"""The step between knowing that a run is good and its first row."""

from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from lightning_modules.certifying.certification import Certification
from smoothing.provenance.examples import examples_hash
from smoothing.runs.provenance import provenance
from smoothing.runs.run_directory import RunDirectory


class Opening(Callback):
    """Checks a run directory before votes are fitted, and opens it once everything is known to be good.

    Args:
        directory: The directory of the run.
        config: The resolved config of the run.
        model: What certifies.

    Attributes:
        done: Whether everything was good, and rows are being computed.
    """

    def __init__(self, directory: RunDirectory, config: Mapping[str, Any], model: Certification) -> None:
        self.done = False
        self._model = model
        self._directory = directory
        self._config = config
        self._provenance: dict[str, Any] = {}

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Refuse another run's directory; leave out the examples that are finished, and hand finished draws over.

        Where draws are kept, a run is several passes; all but the draws is looked at before the first.

        All ranks read before any writes: Lightning has them wait for each other after the last `setup`.

        Raises:
            ValueError: If the directory is another run's, damaged, or cannot be written.
        """
        if not self._provenance:
            self._check()
        self._model.votes.finished = self._directory.finished_draws()

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Say whose directory it is.

        Raises:
            ValueError: If it cannot be written.
        """
        if trainer.is_global_zero and not self.done:
            self._directory.open(self._provenance)
        self.done = True

    def _check(self) -> None:
        model, data = self._model, self._model.data
        test_set = data.test_set()
        self._provenance = {
            "examples": len(data.asked),
            "examples_hash": examples_hash(test_set[position] for position in data.asked),
            "encoder": model.seen,
        } | provenance(
            self._config,
            seed=model.seed,
            distance=model.measure.distance,
            data=data.fingerprint(),
            checkpoint=model.checkpoint,
        )
        self._directory.check(self._provenance)
        finished = self._directory.finished()
        data.remaining = [index for index in data.asked if index not in finished]
