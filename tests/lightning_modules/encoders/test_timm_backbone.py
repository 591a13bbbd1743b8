"""Features of timm's networks, with weights from files."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from lightning_modules.encoders import PretrainedEncoder, TimmBackbone


@pytest.mark.parametrize("name", ["test_resnet", "test_vit", "test_efficientnet"])
@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
@pytest.mark.parametrize("classes", [0, 5])
def test_weights_of_a_file_are_those_below_the_classifier(
    name: str, suffix: str, classes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SMOOTHING_DATA", str(tmp_path / "data"))
    released = timm.create_model(name, num_classes=classes).eval()
    (tmp_path / "data").mkdir()
    write = save_file if suffix == "safetensors" else torch.save
    write(released.state_dict(), tmp_path / "data" / f"weights.{suffix}")
    backbone = TimmBackbone(name, weights=f"weights.{suffix}").eval()
    x = torch.rand(2, 3, 160, 160)
    mean, std = (torch.tensor(released.pretrained_cfg[key]).reshape(-1, 1, 1) for key in ("mean", "std"))
    features = released.forward_head(released.forward_features((x - mean) / std), pre_logits=True)
    torch.testing.assert_close(backbone(x), features)


def test_the_normalisation_is_the_one_that_the_weights_need() -> None:
    assert TimmBackbone("tf_efficientnet_lite0").mean == (0.5, 0.5, 0.5)
    assert TimmBackbone("resnet18").std == (0.229, 0.224, 0.225)
    assert TimmBackbone("resnet18", mean=[0.1, 0.2, 0.3]).mean == (0.1, 0.2, 0.3)


def test_equal_weights_of_two_files_are_one_encoder(tmp_path: Path) -> None:
    torch.manual_seed(0)
    weights = timm.create_model("test_resnet").state_dict()
    for name in ("one", "two"):
        save_file(weights, tmp_path / f"{name}.safetensors")
    one, two = (
        PretrainedEncoder(TimmBackbone("test_resnet", str(tmp_path / f"{name}.safetensors")), "ImageNet")
        for name in ("one", "two")
    )
    assert one.identity() == two.identity()


def test_other_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"^TimmBackbone: weights = absent.pth; must be a file that can be read$"):
        TimmBackbone("test_resnet", "absent.pth")
    save_file(timm.create_model("test_vit").state_dict(), "other.safetensors")
    with pytest.raises(ValueError, match=r"^TimmBackbone: weights = other.safetensors; must hold the weights of this"):
        TimmBackbone("test_resnet", "other.safetensors")
