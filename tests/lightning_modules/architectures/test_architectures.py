from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from lightning_modules.architectures import Architecture, CifarResNet, LeNet, TimmModel, TorchvisionModel
from lightning_modules.networks.checkpoint import digest
from lightning_modules.training.recipe import build, describe


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_lenet_is_the_published_one() -> None:
    network = LeNet()
    assert parameters(network) == (25 + 1) * 20 + (20 * 25 + 1) * 50 + (800 + 1) * 500 + (500 + 1) * 10
    assert network(torch.rand(3, 1, 28, 28)).shape == (3, 10)


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (56, 0.85), (110, 1.73)])
def test_cifar_resnets_have_the_published_sizes(depth: int, millions: float) -> None:
    network = CifarResNet(depth)
    layers = [module for module in network.modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
    assert len(layers) == depth
    assert parameters(network) / 1e6 == pytest.approx(millions, abs=0.005)


def test_shortcuts_that_change_the_shape_have_no_parameters() -> None:
    block = CifarResNet(20).body.layer2[0].eval()
    for name in ("conv1", "conv2"):
        nn.init.zeros_(getattr(block, name).weight)
    x = torch.rand(2, 16, 32, 32)
    y = block(x)
    assert torch.equal(y[:, 8:24], x[:, :, ::2, ::2])
    assert not y[:, :8].any()
    assert not y[:, 24:].any()


def test_normalisation_is_the_first_layer() -> None:
    network = LeNet(mean=[0.25], std=[2.0])
    x = torch.rand(2, 1, 28, 28)
    first = network.body[0]
    seen: list[torch.Tensor] = []
    first.register_forward_hook(lambda module, inputs, output: seen.append(output))
    network(x)
    torch.testing.assert_close(seen[0], conv2d((x - 0.25) / 2, first.weight, first.bias))


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small"])
def test_networks_of_torchvision(name: str) -> None:
    network = TorchvisionModel(name, num_classes=7).eval()
    assert network(torch.rand(2, 3, 64, 64)).shape == (2, 7)


def test_auxiliary_heads_of_torchvision_are_left_out() -> None:
    network = TorchvisionModel("googlenet", num_classes=7).train()
    assert network(torch.rand(2, 3, 224, 224)).shape == (2, 7)


def test_networks_of_timm() -> None:
    network = TimmModel("test_resnet", num_classes=7, channels=1, mean=[0.5], std=[0.5]).eval()
    assert network(torch.rand(2, 1, 64, 64)).shape == (2, 7)


@pytest.mark.parametrize(
    "network",
    [
        LeNet(3, channels=2, mean=(0.5, 0.25), std=(1.0, 2.0)),
        CifarResNet(8, num_classes=3),
        TimmModel("test_resnet", num_classes=3),
        TorchvisionModel("resnet18", num_classes=3),
    ],
    ids=lambda network: type(network).__name__,
)
def test_a_recipe_and_weights_make_the_same_network(network: Architecture) -> None:
    recipe = describe(network, leave_out=("weights",))
    again = build(recipe, Architecture)
    again.load_state_dict(network.state_dict())
    x = torch.rand(2, 2, 28, 28) if isinstance(network, LeNet) else torch.rand(2, 3, 32, 32)
    assert torch.equal(network.eval()(x), again.eval()(x))
    assert describe(again, leave_out=("weights",)) == recipe


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (LeNet, {"num_classes": 1}, "LeNet: num_classes = 1; must be at least 2"),
        (LeNet, {"std": [0.0]}, r"LeNet: std = \[0.0\]; must be finite and above 0"),
        (LeNet, {"std": [1.0, 1.0]}, r"LeNet: std = \[1.0, 1.0\]; must be as many"),
        (LeNet, {"mean": [float("nan")]}, r"LeNet: mean = \[nan\]; must be finite"),
        (CifarResNet, {"depth": 21}, "CifarResNet: depth = 21; must be 6 n \\+ 2"),
        (CifarResNet, {"weights": "absent.th"}, "CifarResNet: weights = absent.th; must be a file that can be read"),
        (TimmModel, {"name": "resent18", "num_classes": 2}, "TimmModel: name = resent18; must be one of"),
        (TorchvisionModel, {"name": "raft_large", "num_classes": 2}, "TorchvisionModel: name = raft_large; must be"),
        (
            TorchvisionModel,
            {"name": "resnet18", "num_classes": 2, "weights": "V9"},
            "TorchvisionModel: weights = V9; must be one of IMAGENET1K_V1",
        ),
    ],
)
def test_bad_arguments_are_refused(kind: type[Architecture], arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        kind(**arguments)


def test_another_number_of_channels_is_refused() -> None:
    with pytest.raises(ValueError, match="Normalise: mean has 3 numbers; must be 1 or 1, the channels"):
        CifarResNet(8)(torch.rand(1, 1, 32, 32))


def test_released_weights_load_by_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = CifarResNet(8)
    for parameter in network.parameters():
        nn.init.normal_(parameter)
    weights = {f"module.{name}": value for name, value in network.body.state_dict().items()}
    torch.save({"state_dict": weights, "best_prec1": 91.7}, tmp_path / "resnet8.th")
    again = CifarResNet(8, weights=str(tmp_path / "resnet8.th"))
    x = torch.rand(2, 3, 32, 32)
    assert torch.equal(network.eval()(x), again.eval()(x))
    monkeypatch.setenv("SMOOTHING_DATA", str(tmp_path))
    assert digest(CifarResNet(8, weights="resnet8.th")) == digest(again)
    with pytest.raises(ValueError, match="must hold the weights of a network of this depth"):
        CifarResNet(14, weights=str(tmp_path / "resnet8.th"))
    (tmp_path / "broken.th").write_bytes(b"PK")
    with pytest.raises(ValueError, match="must hold the weights of a network of this depth"):
        CifarResNet(8, weights=str(tmp_path / "broken.th"))
