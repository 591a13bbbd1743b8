import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import wandb
from pytorch_lightning.loggers import CSVLogger, Logger, TensorBoardLogger, WandbLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from reporting.chart import chart_key
from reporting.curve_logger import (
    View,
    accuracy_at_key,
    accuracy_key,
    common_grid,
    example_table,
    fixed_accuracies,
    log_certificates,
    numbers,
    points,
    run_loggers,
    with_facts,
)
from reporting.figure import figure
from reporting.shown import MAX_SHOWN, Shown, by_position, shown
from smoothing.certificates import Table, certified_curve
from smoothing.certificates.curves import MAX_RADII, Curve
from smoothing.distance import Distance
from tests.reporting.wandb_file import records
from tests.samples import FLIPS, L2, row, table

ANSWERS = table(*((1, float(i * i)) for i in range(40)), (-1, 0.0), (0, 9.0), certifiers=("kl", "exact"))
CONFIG = {"model": {"measure": {"class_path": "LabelFlip", "init_args": {"q": 0.1}}, "encoder": None}, "seed": 3}


def log(loggers: list[Logger], distance: Distance) -> Curve:
    curve = certified_curve(ANSWERS, distance)
    log_certificates(loggers, [View(ANSWERS, curve, figure({"run": curve}))], CONFIG)
    return certified_curve(ANSWERS, distance, common_grid(curve))


def csv_rows(run_dir: Path) -> list[dict[str, str]]:
    with (run_dir / "csv" / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def tensorboard_events(run_dir: Path) -> EventAccumulator:
    return EventAccumulator(str(run_dir / "tensorboard"), {"scalars": 0, "images": 0}).Reload()


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Curve]]:
    run_dir = tmp_path_factory.mktemp("runs") / "digits"
    run_dir.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("WANDB_MODE", raising=False)
        patch.setenv("WANDB_DATA_DIR", str(run_dir / "staging"))
        curve = log(run_loggers(run_dir, group="encoder"), FLIPS)
        # A finished run's file is closed by wandb's own process after `finish` has returned; this waits for it.
        wandb.teardown()
        yield run_dir, curve


@pytest.fixture(scope="module")
def wandb_records(logged: tuple[Path, Curve]) -> dict[str, list[Any]]:
    (path,) = logged[0].glob("wandb/offline-run-*/*.wandb")
    by_kind: dict[str, list[Any]] = {}
    for record in records(path):
        kind = record.WhichOneof("record_type")
        by_kind.setdefault(kind, []).append(getattr(record, kind))
    return by_kind


def items(record: Any) -> dict[str, Any]:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.item}


def test_wandb_holds_the_curve(logged: tuple[Path, Curve], wandb_records: dict[str, list[Any]]):
    curve = logged[1]
    assert MAX_RADII // 3 < len(curve.radii) <= MAX_RADII
    history = [items(record) for record in wandb_records["history"]]
    points = [entry for entry in history if "certified_l0_flips/radius" in entry]
    assert [entry["certified_l0_flips/radius"] for entry in points] == curve.radii.tolist()
    for certifier, accuracy in curve.accuracy.items():
        assert [entry[f"certified_l0_flips/accuracy/{certifier}"] for entry in points] == accuracy.tolist()
    assert len(history) == len(points) + 2, "one entry per radius, and chart and examples"
    assert not any("trainer/global_step" in entry for entry in points)


def test_wandb_plots_accuracy_over_the_radius(wandb_records: dict[str, list[Any]]):
    metrics = {metric.name: metric for metric in wandb_records["metric"] if metric.name}
    assert metrics["certified_l0_flips/radius"].options.hidden
    for certifier in ("kl", "exact"):
        metric = metrics[f"certified_l0_flips/accuracy/{certifier}"]
        assert metric.step_metric == "certified_l0_flips/radius"
        assert not metric.options.step_sync
        assert metric.summary.none


def test_wandb_holds_one_chart_under_a_fixed_key(logged: tuple[Path, Curve], wandb_records: dict[str, list[Any]]):
    updates = [update for record in wandb_records["config"] for update in record.update]
    charts = [update for update in updates if list(update.nested_key[:2]) == ["_wandb", "visualize"]]
    assert [update.nested_key[2] for update in charts] == [chart_key(FLIPS)]
    fields = json.loads(charts[0].value_json)["panel_config"]["fieldSettings"]
    assert fields == {"x": "radius", "y": "certified accuracy", "stroke": "certifier"}
    tables = logged[0].glob("wandb/offline-run-*/files/media/table/*.table.json")
    (points,) = [found for path in tables if (found := json.loads(path.read_text()))["columns"][0] == "radius"]
    own = certified_curve(ANSWERS, FLIPS)
    assert points["columns"] == ["radius", "certified accuracy", "certifier"]
    for certifier, accuracy in own.accuracy.items():
        of_certifier = [(radius, value) for radius, value, name in points["data"] if name == certifier]
        assert of_certifier == list(zip(own.radii.tolist(), accuracy.tolist(), strict=True))


def test_wandb_holds_config_kind_of_job_and_group(wandb_records: dict[str, list[Any]]):
    (run,) = wandb_records["run"][:1]
    assert (run.job_type, run.run_group, run.project, run.display_name) == ("certify", "encoder", "smoothing", "digits")
    config = {
        update.key or update.nested_key[0]: json.loads(update.value_json)
        for record in wandb_records["config"]
        for update in record.update
    }
    assert config["model"] == CONFIG["model"]
    assert config["seed"] == 3


def test_wandb_summary_is_a_handful_of_numbers(wandb_records: dict[str, list[Any]]):
    summary = {
        update.key or "/".join(update.nested_key): json.loads(update.value_json)
        for record in wandb_records["summary"]
        for update in record.update
    }
    expected = numbers(ANSWERS, FLIPS)
    assert len(expected) == 8
    assert {key: summary[key] for key in expected} == expected
    assert not [key for key in summary if key.startswith("certified_l0_flips/")]


def test_wandb_holds_the_certificates_as_an_artifact(tmp_path: Path, wandb_records: dict[str, list[Any]]):
    (artifact,) = [record for record in wandb_records["artifact"] if record.type == "certificates"]
    (content,) = artifact.manifest.contents
    assert content.path == "certificates.csv"
    stored = Table.read_csv(content.local_path)
    assert [str(row) for row in stored] == [str(row) for row in ANSWERS]


def test_nothing_stays_open(logged: tuple[Path, Curve]):
    assert wandb.run is None


def test_csv_holds_the_curve(logged: tuple[Path, Curve]):
    run_dir, curve = logged
    points = [row for row in csv_rows(run_dir) if row["certified_l0_flips/radius"]]
    assert [float(row["certified_l0_flips/radius"]) for row in points] == curve.radii.tolist()
    for certifier, accuracy in curve.accuracy.items():
        assert [float(row[accuracy_key(certifier, FLIPS)]) for row in points] == accuracy.tolist()
    assert "q: 0.1" in (run_dir / "csv" / "hparams.yaml").read_text()


def test_tensorboard_holds_the_curve_at_whole_steps(logged: tuple[Path, Curve]):
    run_dir, curve = logged
    events = tensorboard_events(run_dir)
    for certifier, accuracy in curve.accuracy.items():
        scalars = events.Scalars(accuracy_key(certifier, FLIPS))
        assert [scalar.step for scalar in scalars] == curve.radii.tolist()
        assert [scalar.value for scalar in scalars] == pytest.approx(accuracy.tolist())
    assert events.Tags()["images"] == [chart_key(FLIPS)]


def test_csv_tensorboard_and_wandb_carry_the_same_keys(logged: tuple[Path, Curve], wandb_records: dict[str, list[Any]]):
    expected = {
        "certified_l0_flips/radius",
        "certified_l0_flips/accuracy/kl",
        "certified_l0_flips/accuracy/exact",
        *numbers(ANSWERS, FLIPS),
    }
    assert set(csv_rows(logged[0])[0]) - {"step"} == expected
    assert set(tensorboard_events(logged[0]).Tags()["scalars"]) == expected
    in_wandb = {key for record in wandb_records["history"] for key in items(record)}
    in_summary = {update.key for record in wandb_records["summary"] for update in record.update}
    assert expected <= in_wandb | in_summary


def test_attacks_are_not_logged_as_certified():
    rows = [row(radius=1.0), row(radius=5.0, certifier="attack", classifier="attacked mean")]
    table = Table(rows)
    keys = {key for _, metrics in points(certified_curve(table, FLIPS)) for key in metrics}
    assert keys == {
        "certified_l0_flips/radius",
        "certified_l0_flips/accuracy/exact",
        "attacked_l0_flips/accuracy/attack",
    }
    assert "certified_l0_flips_average_radius/attack" not in numbers(table, FLIPS)
    assert numbers(table, FLIPS)["attacked_l0_flips_average_radius/attack"] == 5


def test_real_radii_are_steps_in_millionths(tmp_path: Path):
    curve = log([CSVLogger(tmp_path, name="csv", version=""), TensorBoardLogger(tmp_path, "tensorboard", "")], L2)
    points = [row for row in csv_rows(tmp_path) if row["certified_l2_input_units/radius"]]
    steps = [round(1e6 * radius) for radius in curve.radii]
    assert [int(row["step"]) for row in points] == steps
    assert [float(row["certified_l2_input_units/radius"]) for row in points] == curve.radii.tolist()
    scalars = tensorboard_events(tmp_path).Scalars(accuracy_key("exact", L2))
    assert [scalar.step for scalar in scalars] == steps


@pytest.mark.parametrize(("distance", "near", "far"), [(FLIPS, 37.0, 1437.0), (L2, 0.37, 4.1), (L2, 0.0002, 91.0)])
def test_curves_of_two_runs_overlay_on_a_common_grid(distance: Distance, near: float, far: float):
    grids = [common_grid(certified_curve(table((1, top)), distance)) for top in (near, far)]
    for grid, top in zip(grids, (near, far), strict=True):
        assert grid[0] == 0
        assert grid[-1] >= top
        assert MAX_RADII // 4 < len(grid) <= MAX_RADII or distance.integer
    coarse = {radius for radius in grids[1] if radius <= grids[0][-1]}
    assert coarse <= set(grids[0])


def test_keys_of_two_distances_never_meet():
    keys = [
        {key for _, metrics in points(certified_curve(ANSWERS, distance)) for key in metrics}
        for distance in (FLIPS, L2)
    ]
    assert not keys[0] & keys[1]
    shared = numbers(ANSWERS, FLIPS).keys() & numbers(ANSWERS, L2).keys()
    assert {key.partition("/")[0] for key in shared} == {"accuracy", "abstention"}
    assert chart_key(FLIPS) != chart_key(L2)


def test_the_summary_has_certified_accuracy_at_fixed_radii(wandb_records: dict[str, list[Any]]):
    expected = fixed_accuracies(ANSWERS, FLIPS)
    # Radii are i * i for i < 40, among 42 examples.
    assert expected[accuracy_at_key(FLIPS, 100, "exact")] == 30 / 42
    summary = {
        update.key: json.loads(update.value_json) for record in wandb_records["summary"] for update in record.update
    }
    assert {key: summary[key] for key in expected} == expected


def test_the_artifact_has_a_name_and_metadata(wandb_records: dict[str, list[Any]]):
    (artifact,) = [record for record in wandb_records["artifact"] if record.type == "certificates"]
    assert artifact.name == "certificates-digits"
    metadata = json.loads(artifact.metadata)
    assert metadata["certifiers"] == ["kl", "exact"]
    median = "certified_l0_flips_median_radius/exact"
    assert metadata[median] == numbers(ANSWERS, FLIPS)[median] > 0


def test_environment_variables_of_wandb_are_honoured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    given = {"PROJECT": "own", "NAME": "named", "ENTITY": "group", "RUN_GROUP": "sweep", "TAGS": "a,b", "NOTES": "why"}
    for name, value in given.items():
        monkeypatch.setenv(f"WANDB_{name}", value)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "staging"))
    curve = certified_curve(ANSWERS, FLIPS)
    checkpoint = tmp_path / "training" / "checkpoints" / "best.ckpt"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"weights")
    (tmp_path / "training" / "config.yaml").write_text("{}")
    config = with_facts({"base_ckpt": str(checkpoint)}, FLIPS, {"data": "abc"})
    loggers = [logger for logger in run_loggers(tmp_path) if isinstance(logger, WandbLogger)]
    examples = {0: Shown(text="a film"), 1: Shown(image=shown(torch.rand(1, 4, 4)).image)}
    log_certificates(loggers, [View(ANSWERS, curve, figure({"run": curve}))], config, examples)
    wandb.teardown()
    (path,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    by_kind: dict[str, list[Any]] = {}
    for record in records(path):
        kind = record.WhichOneof("record_type")
        by_kind.setdefault(kind, []).append(getattr(record, kind))
    run = by_kind["run"][0]
    found = (run.project, run.display_name, run.entity, run.run_group, list(run.tags), run.notes)
    assert found == ("own", "named", "group", "sweep", ["a", "b"], "why")
    logged = {update.key: json.loads(update.value_json) for record in by_kind["config"] for update in record.update}
    assert logged["distance"] == {"norm": "l0", "unit": "flips", "integer": True, "strict": False}
    assert logged["data_fingerprint"] == "abc"
    (used,) = [record for record in by_kind["artifact"] if record.type == "model"]
    assert (used.name, used.use_after_commit) == ("checkpoint-training", True)
    tables = [json.loads(found.read_text()) for found in tmp_path.glob("wandb/**/*.table.json")]
    (shown_table,) = [found for found in tables if "text" in found["columns"]]
    assert shown_table["columns"][:3] == ["image", "text", "index"]
    assert len(shown_table["data"]) == len(ANSWERS)
    assert shown_table["data"][0][1] == "a film"


def test_the_examples_in_wandb_are_bounded_and_chosen_by_position():
    many = Table(row(index, certifier=name) for index in range(3000) for name in ("a", "b"))
    rows = example_table(many, {}).data
    assert len(rows) == MAX_SHOWN
    assert {cells[0] for cells in rows} == set(by_position(range(3000), MAX_SHOWN // 2))


class Remembering(Logger):
    """A user's own kind of logger."""

    name, version = "own", 0

    def __init__(self) -> None:
        self.metrics: list[tuple[int, dict[str, float]]] = []
        self.config: dict[str, Any] = {}
        self.status = ""

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.metrics.append((step or 0, metrics))

    def log_hyperparams(self, params: dict[str, Any]) -> None:
        self.config = params

    def finalize(self, status: str) -> None:
        self.status = status


def test_a_logger_of_another_kind_gets_the_same():
    own = Remembering()
    curve = log([own], FLIPS)
    assert own.config == CONFIG
    assert own.status == "success"
    summary, *points = own.metrics
    assert summary == (0, numbers(ANSWERS, FLIPS))
    assert [step for step, _ in points] == curve.radii.tolist()


def test_wandb_can_be_asked_to_stay_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    curve, checkpoint = certified_curve(ANSWERS, FLIPS), tmp_path / "best.ckpt"
    checkpoint.write_bytes(b"weights")
    loggers = [logger for logger in run_loggers(tmp_path) if isinstance(logger, WandbLogger)]
    log_certificates(loggers, [View(ANSWERS, curve, figure({"run": curve}))], {"base_ckpt": str(checkpoint)})
    assert not list(tmp_path.rglob("*.wandb"))
