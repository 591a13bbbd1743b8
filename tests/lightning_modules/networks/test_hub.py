"""Pretrained weights where there is no network."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lightning_modules.architectures import TimmModel, TorchvisionModel
from lightning_modules.denoisers import DiffusionDenoiser
from lightning_modules.encoders import TimmBackbone


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing listens at this address."""
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    monkeypatch.setattr("torchvision.models.ResNet18_Weights.IMAGENET1K_V1.value.url", "http://127.0.0.1:9/a.pth")


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TimmModel("resnet10t", 10, weights=True), "TimmModel: weights = True; .* set weights to that file$"),
        (lambda: TimmBackbone("resnet10t", weights=True), "TimmBackbone: weights = True; .* for resnet10t"),
        (lambda: TimmModel("hf-hub:a/b", 10), "TimmModel: name = hf-hub:a/b; must be a model folder of timm, or"),
        (lambda: DiffusionDenoiser("a/b"), "DiffusionDenoiser: path = a/b; .* set path to its folder, with"),
        (lambda: TorchvisionModel("resnet18", 10, "IMAGENET1K_V1"), "weights = IMAGENET1K_V1; .* place it at .*a.pth$"),
    ],
    ids=["timm", "backbone", "timm repository", "diffusers", "torchvision"],
)
def test_one_line_says_at_once_what_to_place_where(
    make: Callable[[], object], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    since = time.monotonic()
    with pytest.raises(ValueError, match=message) as refused:
        make()
    assert "\n" not in str(refused.value)
    assert "Retrying" not in "".join(capfd.readouterr())
    assert time.monotonic() - since < 30  # imports included; the libraries alone repeat requests for 50 s
