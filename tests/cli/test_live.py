"""wandb while a run certifies: offline files of whole runs."""

import json
import signal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from reporting.curve_logger import latest_run_id
from tests.front_door import DIGITS, kill_after, launch
from tests.reporting.wandb_file import records


def workplace_with_wandb(path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("WANDB_MODE", "WANDB_PROJECT", "WANDB_NAME"):
        monkeypatch.delenv(name, raising=False)
    config = {**DIGITS, "trainer": {name: value for name, value in DIGITS["trainer"].items() if name != "logger"}}
    (path / "digits.yaml").write_text(yaml.safe_dump(config))
    return path


def history(run: Path) -> list[dict[str, Any]]:
    (path,) = run.glob("wandb/offline-run-*/*.wandb")
    entries = [record.history for record in records(path) if record.WhichOneof("record_type") == "history"]
    return [
        {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in entry.item} for entry in entries
    ]


@pytest.mark.slow
def test_two_runs_are_live_and_overlay_by_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = workplace_with_wandb(tmp_path, monkeypatch)
    curves = []
    for q in ("0.1", "0.3"):
        option = f"--model.init_args.measure.init_args.q={q}"
        outcome = launch(["certify", "--config", "digits.yaml", option, f"--run_dir={q}", "--watch_radius=3"], place)
        assert (outcome.status, outcome.err) == (0, "")
        last = outcome.out.splitlines()[-4:]
        assert [line.split(":")[0] for line in last] == ["run", "table", "figure", "report"]
        entries = history(place / q)
        live = [entry for entry in entries if "live/examples" in entry]
        assert entries[0] in live, "the run is open at its first row"
        assert live[-1]["live/examples"] == 123
        assert live[-1]["live/examples_per_second"] > 0
        curve = {
            entry["certified_l0_flips/radius"]: entry["certified_l0_flips/accuracy/exact"]
            for entry in entries
            if "certified_l0_flips/radius" in entry
        }
        assert live[-1]["live/certified_l0_flips_at_3/exact"] == curve[3]
        curves.append(curve)
    shared = curves[0].keys() & curves[1].keys()
    assert len(shared) > 20
    assert curves[0][0] == curves[1][0]


def test_a_resumed_run_is_the_same_run_in_wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = workplace_with_wandb(tmp_path, monkeypatch)
    for before, status in ((partial(kill_after, 40), -signal.SIGKILL), (None, 0)):
        outcome = launch(["certify", "--config", "digits.yaml", "--run_dir=run"], place, before)
        assert outcome.status == status, outcome.err
    first, second = sorted((place / "run/wandb").glob("offline-run-*"))
    assert first.name.rpartition("-")[2] == second.name.rpartition("-")[2]
    (path,) = second.glob("*.wandb")
    (opened,) = [record.run for record in records(path) if record.WhichOneof("record_type") == "run"]
    assert opened.run_id == first.name.rpartition("-")[2]
    assert latest_run_id(place / "run") == opened.run_id
    assert launch(["certify", "--config", "digits.yaml", "--run_dir=other"], place).status == 0
    assert latest_run_id(place / "other") not in (None, opened.run_id)


def test_a_refused_run_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = workplace_with_wandb(tmp_path, monkeypatch)
    before = {path.name for path in place.iterdir()} | {"stdout.txt", "stderr.txt"}
    outcome = launch(["certify", "--config", "digits.yaml", "--watch_radius=2.5"], place)
    assert outcome.status == 2
    assert outcome.err == "error: watch_radius = 2.5; must be a whole number of flips\n"
    assert {path.name for path in place.iterdir()} <= before


def test_the_watched_radius_does_not_belong_to_the_results(workplace: Path) -> None:
    assert launch(["certify", "--config", "digits.yaml", "--watch_radius=3"], workplace).status == 0
    outcome = launch(["certify", "--config", "digits.yaml", "--watch_radius=4"], workplace)
    assert outcome.status == 0
    assert "nothing was computed" in outcome.out


def test_the_command_in_the_report_repeats_the_run(workplace: Path) -> None:
    assert launch(["certify", "--config", "digits.yaml"], workplace).status == 0
    command = "smoothing certify --config runs/digits/config.yaml --run_dir &lt;new directory&gt;"
    assert command in (workplace / "runs/digits/report.html").read_text()
    outcome = launch(["certify", "--config", "runs/digits/config.yaml", "--run_dir", "again"], workplace)
    assert (outcome.status, outcome.err) == (0, "")
    tables = [(workplace / run / "certificates.csv").read_bytes() for run in ("runs/digits", "again")]
    assert tables[0] == tables[1]
