import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import wandb
from pytorch_lightning.loggers import CSVLogger, Logger, TensorBoardLogger, WandbLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from reporting.chart import CHART_KEY
from reporting.curve_logger import View, accuracy_key, log_certificates, numbers, points, run_loggers
from reporting.figure import figure
from smoothing.certificates import Table, certified_curve
from smoothing.certificates.curves import MAX_RADII, Curve
from smoothing.distance import Distance
from tests.reporting.wandb_file import records
from tests.samples import FLIPS, L2, row, table

ANSWERS = table(*((1, float(i * i)) for i in range(40)), (-1, 0.0), (0, 9.0), certifiers=("kl", "exact"))
CONFIG = {"model": {"measure": {"class_path": "LabelFlip", "init_args": {"q": 0.1}}, "encoder": None}, "seed": 3}


def log(loggers: list[Logger], distance: Distance) -> Curve:
    curve = certified_curve(ANSWERS, distance)
    log_certificates(loggers, [View(CHART_KEY, ANSWERS, curve, figure({"run": curve}))], CONFIG)
    return curve


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
    assert len(curve.radii) == MAX_RADII
    history = [items(record) for record in wandb_records["history"]]
    points = [entry for entry in history if "certified/radius" in entry]
    assert [entry["certified/radius"] for entry in points] == curve.radii.tolist()
    for certifier, accuracy in curve.accuracy.items():
        assert [entry[f"certified/accuracy/{certifier}"] for entry in points] == accuracy.tolist()
    assert len(history) == len(points) + 1, "one entry per radius, and the chart"
    assert not any("trainer/global_step" in entry for entry in points)


def test_wandb_plots_accuracy_over_the_radius(wandb_records: dict[str, list[Any]]):
    metrics = {metric.name: metric for metric in wandb_records["metric"] if metric.name}
    assert metrics["certified/radius"].options.hidden
    for certifier in ("kl", "exact"):
        metric = metrics[f"certified/accuracy/{certifier}"]
        assert metric.step_metric == "certified/radius"
        assert not metric.options.step_sync
        assert metric.summary.none


def test_wandb_holds_one_chart_under_a_fixed_key(logged: tuple[Path, Curve], wandb_records: dict[str, list[Any]]):
    updates = [update for record in wandb_records["config"] for update in record.update]
    charts = [update for update in updates if list(update.nested_key[:2]) == ["_wandb", "visualize"]]
    assert [update.nested_key[2] for update in charts] == [CHART_KEY]
    fields = json.loads(charts[0].value_json)["panel_config"]["fieldSettings"]
    assert fields == {"x": "radius", "y": "certified accuracy", "stroke": "certifier"}
    (stored,) = logged[0].glob("wandb/offline-run-*/files/media/table/*.table.json")
    points = json.loads(stored.read_text())
    assert points["columns"] == ["radius", "certified accuracy", "certifier"]
    for certifier, accuracy in logged[1].accuracy.items():
        of_certifier = [(radius, value) for radius, value, name in points["data"] if name == certifier]
        assert of_certifier == list(zip(logged[1].radii.tolist(), accuracy.tolist(), strict=True))


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
    expected = numbers(ANSWERS)
    assert len(expected) == 8
    assert {key: summary[key] for key in expected} == expected
    assert not [key for key in summary if key.startswith("certified/")]


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
    points = [row for row in csv_rows(run_dir) if row["certified/radius"]]
    assert [float(row["certified/radius"]) for row in points] == curve.radii.tolist()
    for certifier, accuracy in curve.accuracy.items():
        assert [float(row[accuracy_key(certifier)]) for row in points] == accuracy.tolist()
    assert "q: 0.1" in (run_dir / "csv" / "hparams.yaml").read_text()


def test_tensorboard_holds_the_curve_at_whole_steps(logged: tuple[Path, Curve]):
    run_dir, curve = logged
    events = tensorboard_events(run_dir)
    for certifier, accuracy in curve.accuracy.items():
        scalars = events.Scalars(accuracy_key(certifier))
        assert [scalar.step for scalar in scalars] == curve.radii.tolist()
        assert [scalar.value for scalar in scalars] == pytest.approx(accuracy.tolist())
    assert events.Tags()["images"] == [CHART_KEY]


def test_csv_tensorboard_and_wandb_carry_the_same_keys(logged: tuple[Path, Curve], wandb_records: dict[str, list[Any]]):
    expected = {"certified/radius", "certified/accuracy/kl", "certified/accuracy/exact", *numbers(ANSWERS)}
    assert set(csv_rows(logged[0])[0]) - {"step"} == expected
    assert set(tensorboard_events(logged[0]).Tags()["scalars"]) == expected
    in_wandb = {key for record in wandb_records["history"] for key in items(record)}
    in_summary = {update.key for record in wandb_records["summary"] for update in record.update}
    assert expected <= in_wandb | in_summary


def test_attacks_are_not_logged_as_certified():
    rows = [row(radius=1.0), row(radius=5.0, certifier="attack", classifier="attacked mean")]
    table = Table(rows)
    keys = {key for _, metrics in points(certified_curve(table, FLIPS)) for key in metrics}
    assert keys == {"certified/radius", "certified/accuracy/exact", "attacked/accuracy/attack"}
    assert "average_certified_radius/attack" not in numbers(table)
    assert numbers(table)["average_attacked_radius/attack"] == 5


def test_real_radii_are_counted_and_kept_as_a_metric(tmp_path: Path):
    curve = log([CSVLogger(tmp_path, name="csv", version=""), TensorBoardLogger(tmp_path, "tensorboard", "")], L2)
    points = [row for row in csv_rows(tmp_path) if row["certified/radius"]]
    assert [int(row["step"]) for row in points] == list(range(MAX_RADII))
    assert [float(row["certified/radius"]) for row in points] == curve.radii.tolist()
    scalars = tensorboard_events(tmp_path).Scalars(accuracy_key("exact"))
    assert [scalar.step for scalar in scalars] == list(range(MAX_RADII))


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
    assert summary == (0, numbers(ANSWERS))
    assert [step for step, _ in points] == curve.radii.tolist()


def test_wandb_can_be_asked_to_stay_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    log([logger for logger in run_loggers(tmp_path) if isinstance(logger, WandbLogger)], FLIPS)
    assert not list(tmp_path.rglob("*.wandb"))
