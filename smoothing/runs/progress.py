"""Progress of one run: the one place that decides what a run still computes."""

from collections.abc import Mapping, Sequence
from typing import Any

from smoothing.provenance.code import code_version
from smoothing.runs.run_directory import RunDirectory
from smoothing.votes import Draw, Predictions


class Progress:
    """What a run was requested to compute, what of it is finished, and which directory it owns.

    A run hands this object down to its data, votes and writers. A run resumes in this order:

    1. `check`, before anything is fitted: raise if the directory belongs to another run; read what is finished.
    2. `read_draws`, before every pass over retrained models: read finished draws of all ranks.
    3. `open`, before the first result: lock the directory, write config and provenance.
    4. The writers append results to shards of ``directory``.
    5. `close`, at the end, however the run ended: unlock the directory.

    Args:
        directory: The run directory.
        config: The resolved config; empty if the run has none.

    Attributes:
        requested: Positions of the requested examples, after `check`.
        remaining: Those of them that are not finished yet.
        rows: Number of rows that were finished when the run began.
        draws: Predictions of finished draws; updated in place by `read_draws`.
        opened: Whether the directory has been opened: everything was good, and results are being computed.
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
        """Raise if the directory belongs to another run. Skip finished examples.

        Args:
            requested: Positions of the requested examples.
            provenance: Provenance of this run.

        Raises:
            ValueError: If the directory is another run's, in use, damaged, or cannot be written.
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
        """Read finished draws.

        Raises:
            ValueError: If a shard is damaged or holds a draw of another run.
        """
        self.draws.update(self.directory.finished_draws())

    def open(self, fitted: Mapping[str, str], write: bool) -> None:
        """Open the directory before the first result; call it on every rank.

        Args:
            fitted: Hashes of what was fitted.
            write: Whether this rank writes the files of the directory.

        Raises:
            ValueError: If the directory is in use or cannot be written, if another process has added to it since
                `check`, or if other values were fitted than those that finished rows were computed with.
        """
        self.directory.check_fitted(fitted)
        if write:
            self.directory.acquire()
            if self.directory.size() != self._size:
                self.directory.lock.release()
                raise ValueError(
                    f"run_dir: {self.directory.path} was written to by another process meanwhile; start again to resume"
                )
            self.directory.open({**self._provenance, "fitted": dict(fitted)})
        self.opened = True

    def close(self) -> None:
        """Unlock the directory."""
        self.directory.lock.release()

    @property
    def nothing_to_do(self) -> str | None:
        """One line for a run that was finished when it began; None for any other."""
        if self.remaining or self.opened:
            return None
        return f"{self.rows} of {self.rows} rows were there; nothing was computed"

    @property
    def other_code(self) -> str | None:
        """One line for a run that resumes what another version of the code began; None for any other."""
        if not self._resumed or self._resumed == code_version():
            return None
        return f"resuming with {code_version()}; earlier rows were computed with {self._resumed}"
