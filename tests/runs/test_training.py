from pathlib import Path
from typing import Any

import pytest
import yaml

from smoothing.runs.run_directory import RunDirectory, default_run_dir
from smoothing.runs.training import TrainingDirectory
from tests.runs.test_run_directory import provenance

CONFIG: dict[str, Any] = {"model": {"width": 3}, "trainer": {"max_epochs": 2}, "run_dir": "a", "ckpt_path": None}


def trained(path: Path, checkpoint: bool = True) -> Path:
    """A directory after a training; the path of its checkpoint."""
    directory = TrainingDirectory(path)
    directory.check(CONFIG, None)
    assert not path.exists()
    directory.open(yaml.safe_dump(CONFIG))
    directory.close()
    last = path / "checkpoints" / "last.ckpt"
    if checkpoint:
        last.parent.mkdir()
        last.write_bytes(b"weights")
    return last


def test_a_training_is_not_overwritten(tmp_path: Path) -> None:
    last = trained(tmp_path / "run")
    ways_out = rf"continue it with --ckpt_path {last}, choose another --run_dir .*, or remove it"
    with pytest.raises(ValueError, match=f"holds a training; {ways_out}"):
        TrainingDirectory(tmp_path / "run").check(CONFIG, None)
    difference = "holds a training of another config: model.width is 3 there and 4 here"
    for ckpt_path in (None, str(tmp_path / "elsewhere" / "last.ckpt")):
        with pytest.raises(ValueError, match=f"{difference}; {ways_out}"):
            TrainingDirectory(tmp_path / "run").check(CONFIG | {"model": {"width": 4}}, ckpt_path)


def test_a_training_is_continued_from_its_checkpoint(tmp_path: Path) -> None:
    last = trained(tmp_path / "run")
    longer = CONFIG | {"trainer": {"max_epochs": 5}}
    for ckpt_path in (str(last), "last"):
        TrainingDirectory(tmp_path / "run").check(longer | {"ckpt_path": ckpt_path}, ckpt_path)


def test_a_training_without_checkpoints_starts_again_with_the_same_config(tmp_path: Path) -> None:
    trained(tmp_path / "run", checkpoint=False)
    TrainingDirectory(tmp_path / "run").check(CONFIG | {"run_dir": "b"}, None)
    with pytest.raises(ValueError, match=r"another config: model.width is 3 there and 4 here; choose"):
        TrainingDirectory(tmp_path / "run").check(CONFIG | {"model": {"width": 4}}, None)


def test_trainings_and_certificates_do_not_share_a_directory(tmp_path: Path) -> None:
    trained(tmp_path / "training")
    with pytest.raises(ValueError, match="training holds a training; choose another --run_dir"):
        RunDirectory(tmp_path / "training").check(provenance())
    certificates = RunDirectory(tmp_path / "certificates")
    certificates.open(provenance())
    certificates.lock.release()
    with pytest.raises(ValueError, match="certificates holds certificates; choose another --run_dir"):
        TrainingDirectory(tmp_path / "certificates").check(CONFIG, None)


def test_a_training_in_progress_is_not_joined(tmp_path: Path) -> None:
    directory = TrainingDirectory(tmp_path / "run")
    directory.open(yaml.safe_dump(CONFIG))
    with pytest.raises(ValueError, match=r"run_dir: .*run is in use by process \d+ on .* since"):
        TrainingDirectory(tmp_path / "run").check(CONFIG, None)
    directory.close()
    TrainingDirectory(tmp_path / "run").check(CONFIG, None)


@pytest.mark.parametrize(
    ("config", "run_dir"),
    [
        ("configs/label_flip/digits.yaml", "runs/label_flip/digits"),
        ("/home/me/configs/gaussian/digits.yaml", "runs/gaussian/digits"),
        ("digits.yaml", "runs/digits"),
        ("./digits.yaml", "runs/digits"),
        ("mine/digits.yaml", "runs/mine/digits"),
    ],
)
def test_the_default_directory_is_named_by_folder_and_config(config: str, run_dir: str) -> None:
    assert default_run_dir(config) == Path(run_dir)


def test_a_config_in_the_folder_above_is_named_by_that_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "project" / "here").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project" / "here")
    assert default_run_dir("../digits.yaml") == Path("runs/project/digits")
