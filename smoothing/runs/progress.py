"""Progress of one run. This module decides what a run still computes."""

from collections.abc import Mapping, Sequence
from typing import Any

from smoothing.provenance.code import code_version
from smoothing.runs.run_directory import RunDirectory
from smoothing.votes import Draw, Predictions


class Progress:
    """Requested and finished examples, finished draws and run directory of one run.

    A run passes this object to its data, votes and writers. These are the steps of a run, new or resumed:

    1. `check`, before anything is fitted: raise if the directory belongs to another run; read the finished examples.
    2. `read_draws`, before every pass: read the finished draws of all ranks.
    3. `open`, before the first result: lock the directory, write config and provenance.
    4. Writers append results to the shards of ``directory``.
    5. `close`, at the end, also after an error: unlock the directory.

    Args:
        directory: The run directory.
        config: The resolved config; empty if the run has none.

    Attributes:
        requested: Positions of the requested examples, after `check`.
        remaining: Positions of the requested examples that are not finished.
        rows: Number of rows that were finished before this run.
        draws: Predictions of finished draws; updated in place by `read_draws`.
        checked: Whether `check` has succeeded.
        opened: Whether `open` has succeeded, and results are computed.
    """

    def __init__(self, directory: RunDirectory, config: Mapping[str, Any]) -> None:
        self.directory = directory
        self.config = config
        self.requested: Sequence[int] = ()
        self.remaining: Sequence[int] = ()
        self.rows = 0
        self.draws: dict[Draw, Predictions] = {}
        self.opened = False
        self.checked = False
        self._provenance: dict[str, Any] = {}
        self._size = 0
        self._resumed = ""

    def check(self, requested: Sequence[int], provenance: Mapping[str, Any]) -> None:
        """Raise if the directory belongs to another run. Determine the examples that remain.

        Args:
            requested: Positions of the requested examples.
            provenance: Provenance of this run.

        Raises:
            ValueError: If the directory belongs to another run, is in use, is damaged, or cannot be written.
        """
        self._provenance = dict(provenance)
        self.directory.check(self._provenance)
        self._size = self.directory.size()
        finished = self.directory.finished()
        self.requested = requested
        self.remaining = [position for position in requested if position not in finished]
        self.rows = finished.rows
        self._resumed = self.directory.code()
        self.checked = True

    def read_draws(self) -> None:
        """Read the finished draws of all ranks.

        Raises:
            ValueError: If a shard is damaged or contains a draw of another run.
        """
        self.draws.update(self.directory.finished_draws())

    def open(self, fitted: Mapping[str, str], write: bool) -> None:
        """Open the directory before the first result. Call it on every rank.

        Args:
            fitted: SHA-256 of the fitted objects by name.
            write: Whether this rank writes config and provenance.

        Raises:
            ValueError: If the directory is in use or cannot be written, if another process has written to it since
                `check`, or if votes or encoder were fitted to other values than for the finished rows.
        """
        self.directory.check_fitted(fitted)
        if write:
            self.directory.acquire()
            if self.directory.size() != self._size:
                self.directory.lock.release()
                raise ValueError(
                    f"run_dir: another process has written to {self.directory.path}; "
                    "run the same command again to resume"
                )
            self.directory.open({**self._provenance, "fitted": dict(fitted)})
        self.opened = True

    def close(self) -> None:
        """Unlock the directory."""
        self.directory.lock.release()

    @property
    def collective_finished(self) -> bool:
        """Whether the collective certificates are written."""
        return self.directory.collective.exists()

    @property
    def nothing_to_do(self) -> str | None:
        """One line that says that the run was finished before; None if it was not."""
        if self.remaining or self.opened:
            return None
        return f"{self.rows} of {self.rows} rows were there; nothing was computed"

    @property
    def other_code(self) -> str | None:
        """One line that says that another version of the code computed earlier rows; None if not."""
        if not self._resumed or self._resumed == code_version():
            return None
        return f"resuming with {code_version()}; earlier rows were computed with {self._resumed}"
