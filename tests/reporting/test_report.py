from pathlib import Path

import pytest
import wandb

from reporting.report import report
from smoothing.runs.provenance import provenance
from smoothing.runs.run_directory import RunDirectory
from tests.reporting.wandb_file import records
from tests.samples import FLIPS, row


def group(path: Path, base_ckpt: str | None) -> str:
    """Group in wandb of a finished run under the config that the command line saves."""
    config = {"model": {"class_path": "Certification"}, "base_ckpt": base_ckpt}
    record = {"examples": 1} | provenance(config, seed=0, distance=FLIPS, data="")
    directory = RunDirectory(path)
    directory.check(record)
    directory.open(record)
    with directory.shard(0) as shard:
        shard.append([row(0, radius=2.0)])
    report(directory, FLIPS, None, config)
    # wandb's own process closes the file after `finish` has returned; this waits for it.
    wandb.teardown()
    (file,) = path.glob("wandb/offline-run-*/*.wandb")
    (run, *_) = (record.run for record in records(file) if record.WhichOneof("record_type") == "run")
    return str(run.run_group)


@pytest.fixture
def training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Checkpoint in the directory of the run that trained it."""
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "staging"))
    monkeypatch.chdir(tmp_path)
    checkpoint = tmp_path / "runs/mnist_training/checkpoints/lenet.ckpt"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"")
    (tmp_path / "runs/mnist_training/config.yaml").write_text("{}")
    return checkpoint


def test_a_run_is_grouped_under_its_training(tmp_path: Path, training: Path) -> None:
    assert group(tmp_path / "whole", str(training)) == "mnist_training"
    assert group(tmp_path / "relative", "runs/mnist_training/checkpoints/lenet.ckpt") == "mnist_training"


def test_a_run_without_a_training_has_no_group(tmp_path: Path, training: Path) -> None:
    """Also where it is started in the directory of another run."""
    (tmp_path / "config.yaml").write_text("{}")
    assert group(tmp_path / "none", None) == ""
    assert group(tmp_path / "gone", "runs/gone.ckpt") == ""
