import json
from pathlib import Path
from typing import Any

import pytest
import wandb

from reporting.chart import chart_key
from reporting.comparison_logger import log_comparison
from reporting.text_table import TextTable
from smoothing.certificates import certified_curve
from tests.reporting.wandb_file import records
from tests.samples import L2, table

RADII = [0, 0.5, 1]
CURVES = {
    "a": certified_curve(table((1, 0.7), (1, 0.2)), L2, RADII),
    "b": certified_curve(table((1, 2.0), (0, 0.2), certifiers=("kl", "exact")), L2, RADII),
}


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[Any]]]:
    """Where a comparison was logged, and its records by their kind."""
    out = tmp_path_factory.mktemp("compared") / "noise"
    out.mkdir()
    (out / "noise.md").write_text("# Title\n")
    tables = {"comparison": TextTable("Title", {"run": False, "at 0.5": True}, [["a", "50.0%"], ["b", "100.0%"]])}
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("WANDB_MODE", raising=False)
        patch.setenv("WANDB_DATA_DIR", str(out.parent / "staging"))
        log_comparison(out, CURVES, tables, [out / "noise.md"], {"runs": {"a": "x.tsv"}, "audit": None})
        # wandb's own process closes the file after `finish` has returned; this waits for it.
        wandb.teardown()
    (path,) = out.glob("wandb/offline-run-*/*.wandb")
    by_kind: dict[str, list[Any]] = {}
    for record in records(path):
        kind = record.WhichOneof("record_type")
        by_kind.setdefault(kind, []).append(getattr(record, kind))
    return out, by_kind


def test_it_stays_offline_under_the_name_of_the_comparison(logged: tuple[Path, dict[str, list[Any]]]):
    (run,) = logged[1]["run"][:1]
    assert (run.job_type, run.project, run.display_name) == ("compare", "smoothing", "noise")
    config = {update.key: json.loads(update.value_json) for update in run.config.update}
    assert config["runs"] == {"a": "x.tsv"}
    assert wandb.run is None


def test_one_chart_holds_every_line(logged: tuple[Path, dict[str, list[Any]]]):
    charts = [
        update.nested_key[2]
        for record in logged[1]["config"]
        for update in record.update
        if list(update.nested_key[:2]) == ["_wandb", "visualize"]
    ]
    assert charts == [chart_key(L2)]
    stored = [
        json.loads(path.read_text()) for path in logged[0].glob("wandb/offline-run-*/files/media/table/*.table.json")
    ]
    (points,) = [part["data"] for part in stored if part["columns"] == ["radius", "certified accuracy", "certifier"]]
    by_line = {label: [value for _, value, name in points if name == label] for _, _, label in points}
    assert by_line == {"a": [1, 0.5, 0], "b: kl": [0.5, 0.5, 0.5], "b: exact": [0.5, 0.5, 0.5]}


def test_the_table_and_the_files_are_kept(logged: tuple[Path, dict[str, list[Any]]]):
    stored = [
        json.loads(path.read_text()) for path in logged[0].glob("wandb/offline-run-*/files/media/table/*.table.json")
    ]
    assert [part["data"] for part in stored if part["columns"] == ["run", "at 0.5"]] == [
        [["a", "50.0%"], ["b", "100.0%"]]
    ]
    (artifact,) = [record for record in logged[1]["artifact"] if record.type == "comparison"]
    assert [content.path for content in artifact.manifest.contents] == ["noise.md"]
