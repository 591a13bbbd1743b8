import csv
import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from pytorch_lightning.cli import LightningCLI

from datamodules import DataModule
from lightning_modules import FeatureClassifier, Trainer
from smoothing.certificates import Curve, Table
from smoothing.cli.run import RunCLI
from smoothing.distance import Distance
from tests.front_door import kill_after, launch

CERTIFY = ["certify", "--config", "digits.yaml"]
FLIPS = Distance("l0", "flips", integer=True, strict=False)


def test_certify_writes_certificates_and_curve(workplace: Path) -> None:
    outcome = launch(CERTIFY, workplace)
    assert (outcome.status, outcome.err) == (0, "")
    run = workplace / "runs" / "digits"
    assert {path.name for path in run.iterdir()} == {
        *("certificates", "certificates.csv", "config.yaml", "curve.csv", "curve.png", "provenance.json", "timings"),
        *("examples.json", "report.html", "writers"),
    }
    table = Table.read_csv(run / "certificates.csv")
    kl, tight, exact = (table.of(name) for name in ("chernoff_kl", "chernoff_tight", "exact"))
    assert (kl["radius"] <= tight["radius"]).all()
    assert (tight["radius"] <= exact["radius"]).all()
    assert exact["radius"].max() > 10
    curve = Curve.read_csv(run / "curve.csv", FLIPS)
    np.testing.assert_allclose(curve.accuracy["exact"][0], exact["correct"].mean())
    assert all(name in outcome.out for name in table.certifiers)


def test_the_table_has_the_documented_columns_and_rows(workplace: Path) -> None:
    assert launch(CERTIFY, workplace).status == 0
    with (workplace / "runs/digits/certificates.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert list(lines[0]) == [
        *("index", "certifier", "label", "prediction", "radius", "correct", "log_fail", "log_rival", "n_a", "n_b"),
        *("n", "n0", "alpha", "classifier", "deterministic", "sound", "assumptions"),
    ]
    examples = len(lines) // 3
    assert [(int(line["index"]), line["certifier"]) for line in lines] == [
        (index, name) for index in range(examples) for name in ("chernoff_kl", "chernoff_tight", "exact")
    ]
    assert {line["assumptions"] for line in lines} == {"label flips stay within the classes 1, 7 of Digits"}
    timings = (workplace / "runs/digits/timings/rank-0.tsv").read_text().splitlines()
    assert [int(line.split("\t")[0]) for line in timings] == list(range(examples))


def test_a_finished_run_is_printed_again_without_computing(workplace: Path) -> None:
    first = launch(CERTIFY, workplace)
    run = workplace / "runs" / "digits"
    (run / "curve.csv").unlink()
    kept = {path: path.read_bytes() for path in (*run.glob("certificates/*"), *run.glob("timings/*"))}
    before = (run / "certificates.csv").read_bytes()
    again = launch(CERTIFY, workplace)
    finished = "369 of 369 rows were there; nothing was computed\n"
    assert (again.status, again.err, again.out) == (0, "", first.out + finished)
    assert all(path.read_bytes() == content for path, content in kept.items())
    assert (run / "certificates.csv").read_bytes() == before
    assert (run / "curve.csv").exists()


def test_the_command_line_overrides_the_config(workplace: Path) -> None:
    assert launch([*CERTIFY, "--model.measure.init_args.q=.1", "--run_dir=tenth"], workplace).status == 0
    assert launch([*CERTIFY, "--model.measure.q=.1", "--run_dir=short"], workplace).status == 0
    assert launch([*CERTIFY, "--run_dir=config"], workplace).status == 0
    tables = [(workplace / name / "certificates.csv").read_bytes() for name in ("tenth", "short", "config")]
    assert tables[0] == tables[1] != tables[2]
    config = yaml.safe_load((workplace / "tenth/config.yaml").read_text())
    assert float(config["model"]["init_args"]["measure"]["init_args"]["q"]) == 0.1
    provenance = json.loads((workplace / "tenth/provenance.json").read_text())
    assert provenance["config"] == config
    assert provenance["object"] == "training labels"
    assert provenance["examples"] * 3 == len(Table.read_csv(workplace / "tenth/certificates.csv"))


def test_the_resolved_config_resumes_the_same_run(workplace: Path) -> None:
    assert launch(CERTIFY, workplace).status == 0
    shard = workplace / "runs/digits/certificates/rank-0.jsonl"
    before = shard.read_bytes()
    outcome = launch(["certify", "--config", "runs/digits/config.yaml"], workplace)
    assert (outcome.status, outcome.err) == (0, "")
    assert shard.read_bytes() == before
    assert [path.name for path in (workplace / "runs").iterdir()] == ["digits"]


def test_the_config_can_be_printed(workplace: Path) -> None:
    outcome = launch([*CERTIFY, "--model.measure.q=.25", "--print_config"], workplace)
    assert (outcome.status, outcome.err) == (0, "")
    config = yaml.safe_load(outcome.out)
    assert float(config["model"]["init_args"]["measure"]["init_args"]["q"]) == 0.25
    assert not (workplace / "runs").exists()


@pytest.mark.slow
def test_loggers_open_after_the_last_row_and_log_a_table_once(workplace: Path) -> None:
    run = workplace / "runs" / "digits"
    logged = [*CERTIFY, "--trainer.logger=null"]
    assert launch(logged, workplace, partial(kill_after, 5)).status == -9
    assert {"csv", "tensorboard", "wandb"}.isdisjoint(path.name for path in run.iterdir())
    finished = launch(logged, workplace)
    assert (finished.status, finished.err) == (0, "")
    assert {"csv", "tensorboard", "wandb"} < {path.name for path in run.iterdir()}
    assert launch(logged, workplace).status == 0
    assert len(list(run.glob("wandb/offline-run-*"))) == 1


ENCODER = {
    "model": {"class_path": "FeatureClassifier", "init_args": {"features": 5, "width": 2}},
    "data": {"class_path": "Digits", "init_args": {"classes": [0, 2, 3]}},
    "trainer": {"max_epochs": 1, "logger": False, "enable_progress_bar": False, "enable_model_summary": False},
}


@pytest.mark.parametrize("guarded", [True, False])
def test_a_checkpoint_does_not_change_the_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Without the guard, Lightning replaces settings by the hyper-parameters of the checkpoint."""
    monkeypatch.chdir(tmp_path)
    Path("encoder.yaml").write_text(yaml.safe_dump(ENCODER))
    hyper_parameters = {"_class_path": "lightning_modules.FeatureClassifier", "features": 9, "width": 2}
    torch.save({"hyper_parameters": hyper_parameters}, "trained.ckpt")
    fitted: list[tuple[int, str | None]] = []

    def fit(
        trainer: Trainer,
        model: FeatureClassifier,
        train_dataloaders: None = None,
        val_dataloaders: None = None,
        datamodule: DataModule | None = None,
        ckpt_path: str | None = None,
        weights_only: bool | None = None,
    ) -> None:
        fitted.append((model.features, ckpt_path))

    monkeypatch.setattr(Trainer, "fit", fit)
    # The file has no weights, which another check refuses.
    monkeypatch.setattr("smoothing.cli.run.check_checkpoint", lambda path, model: None)
    if not guarded:
        monkeypatch.setattr(RunCLI, "_parse_ckpt_path", LightningCLI._parse_ckpt_path)
    RunCLI(["fit", "--config", "encoder.yaml", "--ckpt_path", "trained.ckpt"])
    assert fitted == [(5 if guarded else 9, "trained.ckpt")]


@pytest.mark.slow
def test_a_network_is_fitted_and_its_features_are_certified(workplace: Path) -> None:
    (workplace / "encoder.yaml").write_text(yaml.safe_dump(ENCODER))
    outcome = launch(["fit", "--config", "encoder.yaml"], workplace)
    assert outcome.status == 0, outcome.err
    (checkpoint,) = (workplace / "runs/encoder/checkpoints").glob("*.ckpt")
    assert yaml.safe_load((workplace / "runs/encoder/config.yaml").read_text())["model"]["init_args"]["features"] == 5
    encoded = [*CERTIFY, "--model.encoder=FrozenEncoder", f"--model.encoder.base_ckpt={checkpoint}"]
    assert launch(encoded, workplace).status == 0
    provenance = json.loads((workplace / "runs/digits/provenance.json").read_text())
    assert len(provenance["checkpoint"]) == 64
    checkpoint.write_bytes(b"")
    refused = launch(encoded, workplace)
    assert refused.status == 2
    assert refused.err.count("\n") == 1
