"""Finished runs in Python."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from smoothing.api.certified import frame_of
from smoothing.certificates.curves import Curve, certified_curve, summary
from smoothing.certificates.set_curves import SetCurve, set_curve
from smoothing.certificates.table import Table
from smoothing.collective.curve import with_collective
from smoothing.collective.table import CollectiveTable
from smoothing.distance import Distance
from smoothing.runs.provenance import read_distance
from smoothing.runs.run_directory import CONFIG, PROVENANCE, RunDirectory

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class FinishedRun:
    """A finished certify run.

    Args:
        run_dir: The run directory.

    Raises:
        ValueError: If it holds no finished run.

    Attributes:
        path: The run directory.
        distance: Distance of the radii.
        table: All certificates, one row per example and certifier.
        collective: Collective certificates, one row per collective certifier and budget; empty if there are none.
    """

    def __init__(self, run_dir: str | Path) -> None:
        self.path = Path(run_dir)
        directory = RunDirectory(self.path)
        if not (self.path / PROVENANCE).is_file():
            raise ValueError(f"load_run: run_dir = {run_dir}; must be the directory of a certify run")
        try:
            self.table: Table = directory.merged()
        except RuntimeError as error:
            raise ValueError(f"load_run: run_dir = {run_dir}; must be finished: {error}") from error
        self.collective: CollectiveTable = directory.read_collective()
        self.distance: Distance = read_distance(self.path / PROVENANCE)

    @cached_property
    def provenance(self) -> Mapping[str, Any]:
        """Provenance of the run: config, versions, seed, identities and hardware."""
        return RunDirectory(self.path).made_by()

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """The resolved config of the run."""
        return dict(yaml.safe_load((self.path / CONFIG).read_text(encoding="utf-8")) or {})

    @property
    def certifiers(self) -> tuple[str, ...]:
        """Names of the certifiers."""
        return self.table.certifiers

    def curve(self, radii: Sequence[float] | None = None) -> Curve:
        """Return certified accuracy by radius, also of collective certificates; see `certified_curve`."""
        return with_collective(certified_curve(self.table, self.distance, radii), self.table, self.collective, radii)

    def set_curve(self, budgets: Sequence[float] | None = None) -> SetCurve:
        """Return coverage and mean size of certified sets by budget; see `smoothing.certificates.set_curve`."""
        return set_curve(self.table, self.distance, budgets)

    def summary(self) -> dict[str, dict[str, float]]:
        """Return accuracy, abstention and radii of every certifier; see `smoothing.certificates.curves.summary`."""
        return summary(self.table)

    def plot(self) -> "Figure":
        """Return a figure of certified accuracy by radius."""
        from reporting.figure import figure

        return figure({self.path.name: self.curve()})

    def to_pandas(self) -> Any:
        """Return the table as a data frame, one row per example and certifier."""
        return frame_of(self.table)

    def __repr__(self) -> str:
        """Return a summary as text."""
        rows = [f"  {name}: {value}" for name, value in self._facts()]
        return "\n".join([f"FinishedRun {self.path}", *rows])

    def _repr_html_(self) -> str:
        """Return a summary as a table in HTML."""
        rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in self._facts())
        return f"<table><caption>FinishedRun {escape(str(self.path))}</caption><tbody>{rows}</tbody></table>"

    def _facts(self) -> list[tuple[str, str]]:
        facts = [("distance", f"{self.distance.norm} radius ({self.distance.unit})")]
        for name, numbers in self.summary().items():
            told = f"accuracy {numbers['accuracy']:.1%}, abstention {numbers['abstention']:.1%}"
            facts.append((name, f"{told}, median radius {numbers['median_radius']:.4g}"))
        for name in self.collective.certifiers:
            row = self.collective.of(name)[-1]
            kept = f"{row.number - row.bound} of {row.number} {row.counted} answers stay the same"
            facts.append((name, f"{kept} if one attacker makes {row.budget} changes in total"))
        return facts


def load_run(run_dir: str | Path) -> FinishedRun:
    """Load a finished certify run.

    Args:
        run_dir: The run directory, such as ``"runs/label_flip/digits"``.

    Returns:
        The run, with table, curve and figure.

    Raises:
        ValueError: If the directory holds no finished run.
    """
    return FinishedRun(run_dir)
