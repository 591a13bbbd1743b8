import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch.nn.functional import interpolate

from lightning_modules import PretrainedClassifier
from lightning_modules.architectures import TimmModel
from smoothing.measures import DenoisedMeasure, Gaussian
from tests.denoisers import Blur

NAME = "test_resnet"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("timm") / "weights.safetensors"
    save_file(timm.create_model(NAME, num_classes=5).state_dict(), path)
    return path


def network(weights: Path) -> TimmModel:
    return TimmModel(NAME, num_classes=5, weights=str(weights))


def test_its_weights_and_scale_are_those_of_timm(weights: Path) -> None:
    classifier = PretrainedClassifier(network(weights))
    body = timm.create_model(NAME, num_classes=5, checkpoint_path=str(weights)).eval()
    x = torch.rand(2, 3, 40, 40)
    mean, std = (torch.tensor(body.pretrained_cfg[name]).reshape(-1, 1, 1) for name in ("mean", "std"))
    torch.testing.assert_close(classifier(x), body((x - mean) / std))
    assert not classifier.train().training
    assert not any(parameter.requires_grad for parameter in classifier.parameters())


def test_the_scale_of_grey_images_is_one_number() -> None:
    assert TimmModel(NAME, num_classes=2, channels=1).mean == (0.5,)
    assert TimmModel("resnet18", num_classes=2).std == (0.229, 0.224, 0.225)


def test_some_outputs_and_another_size(weights: Path) -> None:
    whole, some = (PretrainedClassifier(network(weights), outputs, 48) for outputs in (None, [3, 0]))
    x = torch.rand(2, 3, 40, 40)
    assert (whole.num_classes, some.num_classes) == (5, 2)
    torch.testing.assert_close(some(x), whole(x)[:, [3, 0]])
    larger = interpolate(x, (48, 48), mode="bicubic", antialias=True)
    torch.testing.assert_close(whole(x), whole.network(larger))


def test_clean_images_are_the_default(weights: Path) -> None:
    classifier = PretrainedClassifier(network(weights))
    assert classifier.supports(DenoisedMeasure(Gaussian(0.25), Blur())) is None
    assert "trained under Unchanged() and the measure is Gaussian(sigma=0.25)" in str(
        classifier.supports(Gaussian(0.25))
    )
    assert PretrainedClassifier(network(weights), any_measure=True).supports(Gaussian(0.25)) is None
    noisy = PretrainedClassifier(network(weights), trained_under=Gaussian(0.25))
    assert noisy.supports(Gaussian(0.25)) is None
    assert noisy.supports(Gaussian(0.5)) is not None


def test_identity_is_that_of_the_weights(weights: Path) -> None:
    first = PretrainedClassifier(network(weights)).identity()
    assert PretrainedClassifier(network(weights)).identity() == first
    changed = network(weights)
    changed.body.fc.bias.data += 1e-6
    assert PretrainedClassifier(changed).identity() != first


class Malice:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, ("run",)


def test_a_pickle_of_weights_is_read_and_any_other_is_not(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    body = network(weights).body
    torch.save({"state_dict": body.state_dict(), "epoch": 3}, "plain.pth")
    assert torch.equal(network(Path("plain.pth")).body.fc.weight, body.fc.weight)
    torch.save({"state_dict": body.state_dict(), "more": Malice()}, "malice.pth")
    with pytest.raises(ValueError, match=r"^TimmModel: weights = malice.pth; must hold the weights of this network"):
        network(Path("malice.pth"))
    assert not Path("run").exists()
    with pytest.raises(ValueError, match=r"^TimmModel: weights = absent.pth; must be a file that can be read"):
        network(Path("absent.pth"))
    with pytest.raises(ValueError, match=r"^TimmModel: weights = .*; must hold the weights of this network"):
        TimmModel(NAME, num_classes=6, weights=str(weights))
    Path("torn.safetensors").write_bytes(weights.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"^TimmModel: weights = .*; must hold the weights of this network"):
        network(Path("torn.safetensors"))


@pytest.mark.parametrize("arguments", [{"outputs": [1]}, {"outputs": [1, 1]}, {"outputs": [1, 5]}, {"size": 0}])
def test_arguments_out_of_their_range(arguments: dict[str, Any], weights: Path) -> None:
    with pytest.raises(ValueError, match=r"^PretrainedClassifier: \w+ = .*; must be at least"):
        PretrainedClassifier(network(weights), **arguments)
