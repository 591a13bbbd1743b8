"""Networks and weights of other code."""

from copy import deepcopy
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from lightning_modules.architectures import Architecture, OwnNetwork
from lightning_modules.training.recipe import build, describe

MINE = """
from torch import nn

class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first, self.last = nn.Linear(12, width), nn.Linear(width, 3)
        self.norm = nn.BatchNorm1d(width)

    def forward(self, x):
        return self.last(self.norm(self.first(x.flatten(1))))
"""


@pytest.fixture(autouse=True)
def _mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_net_of_test.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)


def made(**arguments: object) -> OwnNetwork:
    return OwnNetwork("own_net_of_test.Net", 3, {"width": 4}, [0.4, 0.5, 0.6], [0.2, 0.2, 0.3], **arguments).eval()


class NormalizeLayer(nn.Module):
    """As in the code of Cohen et al. (2019): its numbers are no part of the weights."""

    def forward(self, x: Tensor) -> Tensor:
        return (x - torch.tensor([0.4, 0.5, 0.6])[:, None, None]) / torch.tensor([0.2, 0.2, 0.3])[:, None, None]


X = torch.rand(5, 3, 2, 2, generator=torch.Generator().manual_seed(0))


def trained() -> nn.Module:
    network = made().body.train()
    network(X)
    return network.eval()


@pytest.mark.parametrize(
    "wrap", [nn.Sequential, lambda net: nn.Sequential(NormalizeLayer(), nn.DataParallel(net)), nn.DataParallel]
)
def test_weights_of_other_code_give_the_same_logits(wrap) -> None:
    network = trained()
    whole = nn.Sequential(NormalizeLayer(), network).eval()
    # DataParallel moves its network to a device, where there is one.
    state = wrap(deepcopy(network)).state_dict()
    torch.save({"epoch": 90, "arch": "net", "state_dict": state, "optimizer": {"state": {}}}, "checkpoint.pth.tar")
    torch.testing.assert_close(made(weights="checkpoint.pth.tar")(X), whole(X))


def test_weights_alone_and_safetensors_are_read() -> None:
    network = trained()
    state = {f"model.{name}": value for name, value in network.state_dict().items()}
    torch.save({name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}, "old.pt")
    save_file(state, "new.safetensors")
    for path in ("old.pt", "new.safetensors"):
        assert torch.equal(made(weights=path).body(X), network(X))


def test_a_prefix_chooses_between_two_networks() -> None:
    student, teacher = trained(), trained()
    torch.save(nn.ModuleDict({"student": student, "teacher": teacher}).state_dict(), "both.pt")
    with pytest.raises(ValueError, match=r"prefixes '(student|teacher)\.', '.*'; prefix must be one of them"):
        made(weights="both.pt")
    assert torch.equal(made(weights="both.pt", prefix="teacher.").body(X), teacher(X))


def test_a_checkpoint_can_rebuild_it() -> None:
    torch.save(trained().state_dict(), "weights.pt")
    recipe = describe(made(weights="weights.pt"))
    Path("weights.pt").unlink()
    again = build(recipe, Architecture)
    assert again.body.first.weight.shape == (4, 12)
    assert again.mean == (0.4, 0.5, 0.6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"network": "own_net_of_test.Other"}, "network = own_net_of_test.Other; must be a class or function that can"),
        ({"network": "Net"}, "must be a class or function that can be imported"),
        ({"network": "builtins.dict", "arguments": {}}, "must return a torch.nn.Module, not dict"),
        ({"arguments": {"depth": 2}}, "must be those of own_net_of_test.Net"),
        ({"weights": "none.pt"}, "weights = none.pt; must be a file that can be read"),
        ({"weights": "text.pt"}, "must hold weights of torch or safetensors"),
        ({"weights": "other.pt"}, "must hold the weights of Net, such as first.weight"),
        ({"weights": "wide.pt"}, "must hold the weights of Net: .*size mismatch"),
    ],
)
def test_other_arguments_are_refused(arguments: dict, message: str) -> None:
    Path("text.pt").write_text("nothing")
    torch.save({"state_dict": nn.Linear(2, 2).state_dict()}, "other.pt")
    torch.save(OwnNetwork("own_net_of_test.Net", 3, {"width": 5}).body.state_dict(), "wide.pt")
    given = {"network": "own_net_of_test.Net", "num_classes": 3, "arguments": {"width": 4}} | arguments
    with pytest.raises(ValueError, match=message):
        OwnNetwork(**given)
