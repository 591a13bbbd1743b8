"""The command ``dashboard``: specifications of workspace and report, without a server."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from reporting.curve_logger import accuracy_at_key, accuracy_key, radius_key
from smoothing.cli.dashboard import dashboard
from tests.cli.test_compare import run_directory
from tests.samples import FLIPS, L2, table


def runs(path: Path) -> list[str]:
    configs = [{"model": {"measure": {"q": q, "kind": kind}}} for q, kind in ((0.1, "a"), (0.2, "b"))]
    made = [run_directory(path / f"q{number}", config) for number, config in enumerate(configs)]
    far = run_directory(path / "far", {"model": {}}, table((1, 0.5)), L2)
    return [*made, far]


def panels(specification: Any) -> list[dict[str, Any]]:
    """All panels in a specification, at any depth."""
    if isinstance(specification, dict):
        own = [specification] if {"viewType", "config"} <= specification.keys() else []
        return own + [panel for value in specification.values() for panel in panels(value)]
    return [panel for value in specification for panel in panels(value)] if isinstance(specification, list) else []


@pytest.mark.parametrize("name", ["workspace", "report"])
def test_the_specifications_have_the_panels(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    dashboard(runs(tmp_path), entity="me", out=str(tmp_path / "out"))
    assert str(tmp_path / "out" / f"{name}.json") in capsys.readouterr().out
    text = (tmp_path / "out" / f"{name}.json").read_text()
    found = panels(json.loads(text))
    lines = [panel["config"] for panel in found if panel["viewType"] == "Run History Line Plot"]
    axes = {line["xAxis"]: line["metrics"] for line in lines}
    assert axes == {
        radius_key(FLIPS): [accuracy_key("kl", FLIPS), accuracy_key("exact", FLIPS)],
        radius_key(L2): [accuracy_key("exact", L2)],
    }
    scatters = [panel["config"] for panel in found if panel["viewType"] == "Scatter Plot"]
    assert [(one["xAxis"], one["yAxis"]) for one in scatters] == [
        ("config:model.value.measure.q", f"summary:certified_l0_flips_median_radius/{certifier}")
        for certifier in ("kl", "exact")
    ]
    comparers = [panel["config"] for panel in found if panel["viewType"] == "Run Comparer"]
    assert [one["diffOnly"] for one in comparers] == ["split", "split"]
    if name == "report":
        for column in ("config:model.value.measure.q", f"summary:{accuracy_at_key(FLIPS, 1, 'exact')}"):
            assert column in text


@pytest.mark.parametrize(
    ("options", "message"),
    [({"entity": " "}, "entity: ' '; must be a name in wandb"), ({"entity": "me", "project": ""}, "project: ''")],
)
def test_names_of_wandb_are_not_empty(tmp_path: Path, options: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dashboard(runs(tmp_path), **options)


def test_only_run_directories_have_a_dashboard(tmp_path: Path) -> None:
    (tmp_path / "log.tsv").write_text("idx\n")
    with pytest.raises(ValueError, match=r"log.tsv; must be a run directory"):
        dashboard([str(tmp_path / "log.tsv")], entity="me", out=str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "reporting.dashboard", raising=False)
    for name in [name for name in sys.modules if name.startswith("wandb_workspaces")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "wandb_workspaces", None)
    with pytest.raises(
        ValueError, match=r"is not installed; must be: pip install 'smoothing-certificates\[dashboard\]'"
    ):
        dashboard(runs(tmp_path), entity="me")
