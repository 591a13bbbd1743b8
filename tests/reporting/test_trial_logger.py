"""Success, accuracy and pictures of poisons in TensorBoard and wandb, read from their files."""

import json

import pytest
import torch
import wandb
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torchvision.transforms.functional import pil_to_tensor
from torchvision.utils import save_image

from callbacks.trial_writer import grid
from reporting.trial_logger import log_trials
from smoothing.runs.run_directory import RunDirectory
from smoothing.runs.trials import write_csv
from tests.reporting.wandb_file import records
from tests.runs.test_trials import CERTIFIED, TRIAL


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    directory = RunDirectory(tmp_path_factory.mktemp("logged") / "run")
    file = directory.picture(TRIAL.attack, TRIAL.number)
    file.parent.mkdir(parents=True)
    clean = torch.rand(2, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    save_image(grid(clean, clean / 2), file)
    write_csv(directory.trial_table, [TRIAL, CERTIFIED])
    directory.report.write_text("a report")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("WANDB_MODE", raising=False)
        patch.setenv("WANDB_DATA_DIR", str(directory.path.parent / "staging"))
        log_trials(directory, [TRIAL, CERTIFIED], {"seed": 0}, None)
        # wandb's own process closes the file after `finish` has returned; this waits for it.
        wandb.teardown()
    return directory


def test_wandb_has_pictures_table_and_files(logged: RunDirectory) -> None:
    picture = logged.picture(TRIAL.attack, TRIAL.number).read_bytes()
    (kept,) = logged.path.glob("wandb/offline-run-*/files/media/images/poisons*.png")
    assert kept.read_bytes() == picture
    (table,) = logged.path.glob("wandb/offline-run-*/files/media/table/trials*.table.json")
    assert [row[1] for row in json.loads(table.read_text())["data"]] == ["frogs, none", "frogs, parts"]
    (path,) = logged.path.glob("wandb/offline-run-*/*.wandb")
    found = list(records(path))
    items = {item.key or "/".join(item.nested_key): item for one in found for item in one.history.item}
    assert json.loads(items["poisons/captions"].value_json) == ["frogs-3"]
    assert json.loads(items["trials/success/frogs/none"].value_json) == 1.0
    artifacts = {one.artifact.type: one.artifact for one in found if one.WhichOneof("record_type") == "artifact"}
    assert {entry.path for entry in artifacts["trials"].manifest.contents} == {"trials.csv", "report.html"}


def test_tensorboard_has_pictures(logged: RunDirectory) -> None:
    events = EventAccumulator(str(logged.path / "tensorboard"))
    events.Reload()
    (image,) = events.Images("poisons/frogs-3")
    expected = pil_to_tensor(Image.open(logged.picture(TRIAL.attack, TRIAL.number)))
    assert (image.width, image.height) == (expected.shape[2], expected.shape[1])


def test_metrics_are_in_the_csv_file(logged: RunDirectory) -> None:
    text = (logged.path / "csv/metrics.csv").read_text()
    assert "trials/success/frogs/parts" in text
