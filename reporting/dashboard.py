"""Workspace and report of wandb for finished runs. This module needs the extra ``dashboard``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import wandb_workspaces.reports.v2 as reports
import wandb_workspaces.workspaces as workspaces
from wandb_workspaces import expr

from reporting.curve_logger import FIXED_REAL, FIXED_WHOLE, accuracy_at_key, accuracy_key, number_key, radius_key
from smoothing.distance import Distance

NAME = "Certified accuracy"
"""Name of workspace and report."""

TABLE_RADII = 4
"""Number of fixed radii in the table of runs."""


@dataclass(frozen=True)
class Certified:
    """Runs with one distance.

    Attributes:
        distance: Distance of the radii.
        certifiers: Names of the certifiers in the runs, at least one.
        parameters: Dotted names of the numeric settings that differ between the runs, such as q or sigma.
    """

    distance: Distance
    certifiers: Sequence[str]
    parameters: Sequence[str]

    @property
    def title(self) -> str:
        """Title of the section of the runs."""
        return f"Certified accuracy by {self.distance.norm} radius ({self.distance.unit})"

    @property
    def columns(self) -> list[str]:
        """Columns of the table of runs."""
        radii = (FIXED_WHOLE if self.distance.integer else FIXED_REAL)[:TABLE_RADII]
        keys = [accuracy_at_key(self.distance, radius, name) for name in self.certifiers for radius in radii]
        medians = [self._median(name) for name in self.certifiers]
        return [
            *(f"config:{_config_key(name)}" for name in self.parameters),
            *(f"summary:{key}" for key in (*medians, *keys)),
        ]

    def _median(self, certifier: str) -> str:
        return number_key("median_radius", self.distance, certifier)

    def panels(self) -> list[Any]:
        """Return the panels: curves, median radius against each parameter, and settings that differ."""
        curves = reports.LinePlot(
            title=self.title,
            x=radius_key(self.distance),
            y=[accuracy_key(name, self.distance) for name in self.certifiers],
            title_x=f"{self.distance.norm} radius ({self.distance.unit})",
            title_y="certified accuracy",
            range_y=(0, 1),
            # Smoothed or thinned curves would claim more than is certified.
            smoothing_type="none",
            max_runs_to_show=100,
            layout=reports.Layout(w=24, h=10),
        )
        medians = [
            reports.ScatterPlot(
                title=f"median radius of {name} against {parameter.rpartition('.')[2]}",
                x=reports.Config(parameter),
                y=reports.SummaryMetric(self._median(name)),
                layout=reports.Layout(w=12, h=8),
            )
            for parameter in self.parameters
            for name in self.certifiers
        ]
        return [curves, *medians, reports.RunComparer(diff_only="split", layout=reports.Layout(w=24, h=9))]


def _config_key(setting: str) -> str:
    """Return the name of a setting in wandb, which puts ``value`` after its first part."""
    first, dot, rest = setting.partition(".")
    return f"{first}.value{dot}{rest}"


def workspace(entity: str, project: str, groups: Sequence[Certified]) -> workspaces.Workspace:
    """Return a workspace with one section per distance. ``save()`` sends it to the server.

    Args:
        entity: User or team in wandb.
        project: Project in wandb.
        groups: Runs, one group per distance.
    """
    columns = list(dict.fromkeys(column for group in groups for column in group.columns))
    settings = workspaces.RunsetSettings(pinned_columns=columns)
    return workspaces.Workspace(
        entity=entity, project=project, name=NAME, sections=_sections(groups), runset_settings=settings
    )


def report(entity: str, project: str, groups: Sequence[Certified]) -> reports.Report:
    """Return a report with a heading, panels and a table of runs per distance. ``save()`` sends it to the server.

    Args:
        entity: User or team in wandb.
        project: Project in wandb.
        groups: Runs, one group per distance.
    """
    blocks = _blocks(entity, project, groups)
    return reports.Report(entity=entity, project=project, title=NAME, blocks=blocks, width="fluid")


def specifications(entity: str, project: str, groups: Sequence[Certified]) -> Mapping[str, dict[str, Any]]:
    """Return headings, columns of the tables of runs, and panels as JSON-compatible values, without a server."""
    # The models of workspaces, reports and sets of runs ask the server for the user.
    sections = [_values(section) for section in _sections(groups)]
    grids = [
        {"heading": group.title, "columns": group.columns, "panels": [_values(panel) for panel in group.panels()]}
        for group in groups
    ]
    return {
        "workspace": {"entity": entity, "project": project, "sections": sections},
        "report": {"entity": entity, "project": project, "grids": grids},
    }


def _values(part: Any) -> Any:
    return part._to_model().model_dump(mode="json", by_alias=True)


def _sections(groups: Sequence[Certified]) -> list[Any]:
    return [workspaces.Section(name=group.title, panels=group.panels(), is_open=True) for group in groups]


def _blocks(entity: str, project: str, groups: Sequence[Certified]) -> list[Any]:
    blocks: list[Any] = [reports.TableOfContents()]
    for group in groups:
        runs = reports.Runset(
            entity=entity,
            project=project,
            filters=expr.And(expr.Config("distance.unit") == group.distance.unit),
            visible_columns=["run:displayName", *group.columns],
        )
        grid = reports.PanelGrid(runsets=[runs], panels=group.panels())
        blocks += [reports.H1(group.title), grid]
    return blocks
