"""Experiment loggers that are open while a run certifies."""

from collections.abc import Mapping, Sequence
from typing import Any

from pytorch_lightning.loggers import Logger

from reporting.tally import Tally
from smoothing.distance import Distance
from smoothing.runs.run_directory import RunDirectory


class LiveRun:
    """Loggers of one run. They open at the first finished row, so that a refused run leaves nothing.

    Args:
        directory: The run directory.
        loggers: The loggers. None for the default ones in the run directory.
        config: Resolved config.
        distance: Distance of the radii.

    Attributes:
        opened: The loggers once they are open; before, ``loggers``.
    """

    def __init__(
        self, directory: RunDirectory, loggers: Sequence[Logger] | None, config: Mapping[str, Any], distance: Distance
    ) -> None:
        self._directory = directory
        self.opened = loggers
        self._config = config
        self._distance = distance
        self._runs: list[Any] | None = None

    def log(self, tally: Tally, rate: float) -> None:
        """Log certified accuracy so far and rate to wandb.

        Args:
            tally: Finished rows.
            rate: Examples per second.
        """
        if self.opened is not None and not self.opened:
            return
        # Imported here, since the import of wandb takes seconds and would delay the first row.
        from reporting.curve_logger import accuracy_at_key, default_loggers, open_runs, with_facts

        if self._runs is None:
            if self.opened is None:
                self.opened = default_loggers(self._directory, self._config)
            facts = with_facts(self._config, self._distance, self._directory.made_by())
            self._runs = open_runs(self.opened, facts)
        metrics = {
            f"live/{accuracy_at_key(self._distance, tally.radius, certifier)}": accuracy
            for certifier, accuracy in tally.accuracy().items()
        }
        for run in self._runs:
            run.log({"live/examples": tally.examples, "live/examples_per_second": rate, **metrics})

    def close(self) -> None:
        """Close the runs of wandb that are still open, as failed. After the report, all are closed."""
        if self._runs:
            from reporting.curve_logger import close_runs

            close_runs(self._runs)
