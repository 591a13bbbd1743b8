from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger, WandbLogger
from torchvision.io import decode_image

from callbacks.image_grids import ImageGrids, show


def trainer(folder: Path, **changed: Any) -> SimpleNamespace:
    usual = {"current_epoch": 1, "sanity_checking": False, "is_global_zero": True, "global_step": 7, "loggers": []}
    return SimpleNamespace(**(usual | changed), default_root_dir=str(folder))


def shown(folder: Path, outputs: Any, **changed: Any) -> list[str]:
    ImageGrids(columns=2, every_n_epochs=2).on_validation_batch_end(
        trainer(folder, **changed),
        None,  # type: ignore[arg-type]
        outputs,
        None,
        0,
    )
    return sorted(path.name for path in folder.glob("images/*"))


def test_images_are_arranged_in_rows(tmp_path: Path) -> None:
    assert shown(tmp_path, {"kind": torch.rand(6, 1, 4, 4)}) == ["kind-epoch=1.png"]
    # Two pixels between images and around them.
    assert decode_image(str(tmp_path / "images/kind-epoch=1.png")).shape == (3, 3 * 6 + 2, 2 * 6 + 2)


@pytest.mark.parametrize("changed", [{"current_epoch": 0}, {"sanity_checking": True}, {"is_global_zero": False}])
def test_nothing_is_logged_in_other_epochs(tmp_path: Path, changed: dict[str, Any]) -> None:
    assert shown(tmp_path, {"kind": torch.rand(6, 1, 4, 4)}, **changed) == []


@pytest.mark.parametrize("outputs", [None, {}])
def test_steps_without_images_log_none(tmp_path: Path, outputs: Any) -> None:
    assert shown(tmp_path, outputs) == []


def test_images_go_to_every_logger_that_supports_them(tmp_path: Path) -> None:
    tensorboard = TensorBoardLogger(tmp_path, name="tensorboard", version="")
    wandb = WandbLogger(save_dir=tmp_path, mode="offline")
    for logger in (tensorboard, wandb, CSVLogger(tmp_path, name="csv", version="")):
        show(logger, "kind", torch.rand(3, 8, 8), 7)
        logger.finalize("success")
    wandb.experiment.finish()
    assert b"kind" in next(tmp_path.glob("tensorboard/events*")).read_bytes()
    assert list(tmp_path.glob("wandb/offline-run-*/files/media/images/kind*.png"))


@pytest.mark.parametrize("arguments", [{"columns": 0}, {"every_n_epochs": 0}])
def test_arguments_out_of_their_range(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"^ImageGrids: \w+ = 0; must be at least 1$"):
        ImageGrids(**arguments)
