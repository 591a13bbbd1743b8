"""Callback that checks and opens the run directory."""

from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from lightning_modules.certifying.certification import Certification, Examples
from smoothing.provenance.examples import examples_hash
from smoothing.provenance.identity import source_hashes
from smoothing.runs.progress import Progress
from smoothing.runs.provenance import provenance


class Opening(Callback):
    """Callback that checks a run directory before votes are fitted, and opens it before the first result is written.

    Args:
        progress: Progress of the run.
        model: The module that certifies.
    """

    def __init__(self, progress: Progress, model: Certification) -> None:
        self._progress = progress
        self._model = model

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Raise if the directory belongs to another run. Read finished examples and draws.

        A run with retrained votes has several passes. Finished examples are read before the first pass, finished draws
        before every pass. All ranks read before any rank writes: Lightning synchronises them after `setup`.

        Raises:
            ValueError: If the directory belongs to another run, is in use, is damaged, or cannot be written.
        """
        if not self._progress.checked:
            self._check()
        self._progress.read_draws()

    def open(self, trainer: pl.Trainer) -> None:
        """Open the directory before the first result of the run. Call it on every rank that has work.

        Raises:
            ValueError: If it cannot be opened; see `Progress.open`.
        """
        if self._progress.opened:
            return
        self._progress.open(self._model.fitted, write=trainer.is_global_zero)
        if trainer.is_global_zero and self._progress.other_code:
            print(self._progress.other_code)
        if trainer.is_global_zero and self._progress.remaining:
            unit = self._model.measure.distance.unit
            for name, radius in self._model.reach().items():
                print(f"{name}: its number of draws certifies a radius of at most {radius:.4g} {unit}")

    def _check(self) -> None:
        data = self._model.data
        self._progress.check(data.requested, run_provenance(self._model, data, self._progress.config))


def run_provenance(model: Certification, data: Examples, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the provenance of a run, with the number and the hash of its requested examples.

    Args:
        model: The module that certifies.
        data: Data of the run.
        config: The resolved config.
    """
    test_set, fingerprint = data.test_set(), data.fingerprint()
    return {
        "object": model.randomised,
        "examples": len(data.requested),
        "examples_hash": examples_hash(test_set[position] for position in data.requested),
        "classes": list(getattr(data, "class_names", ())),
        "encoder": model.seen,
    } | provenance(
        config,
        seed=model.seed,
        distance=model.measure.distance,
        data=fingerprint,
        checkpoint=model.checkpoint,
        identity=model.identity(fingerprint),
        sources=source_hashes({**model.parts, "model": type(model), "data": type(data)}),
    )
