import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from lightning_modules.architectures import LeNet
from smoothing.certifiers import ClopperPearson
from smoothing.measures import Gaussian, GaussianMixture, LabelFlip
from smoothing.provenance.identity import source_hashes, state_hashes
from smoothing.votes import NetworkVotes, Ridge


class Net(nn.Module):
    num_classes = 2

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 2)
        self.register_buffer("scale", torch.ones(2), persistent=False)
        self.threshold = 0.5

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x.flatten(1)) * self.scale


@dataclass
class Record:
    values: list[Any] = field(default_factory=lambda: [1, Fraction(1, 3)])
    table: np.ndarray[Any, Any] = field(default_factory=lambda: np.arange(6).reshape(2, 3))


class Slots:
    __slots__ = ("inner",)

    def __init__(self, inner: object) -> None:
        self.inner = inner


def made() -> dict[str, Any]:
    torch.manual_seed(0)
    x, y = np.arange(10.0).reshape(-1, 1), np.arange(10) > 4
    ridge = Ridge()
    ridge.fit(torch.rand(20, 3), torch.arange(20) % 2, 2)
    return {
        "network": SimpleNamespace(held=[{"deep": Net()}]),
        "record": Slots(Record()),
        "sklearn": LogisticRegression().fit(x, y),
        "votes": NetworkVotes(Net()),
        "fitted": ridge,
        "measure": GaussianMixture([0.1, 0.9], [0.2, 0.3]),
        "set": {"b", "a", "c"},
        "noise": torch.arange(3, dtype=torch.bfloat16),
        "lock": SimpleNamespace(lock=threading.Lock()),
    }


def test_equal_objects_have_equal_hashes() -> None:
    assert state_hashes(made()) == state_hashes(made())


def test_networks_have_entries_of_their_own() -> None:
    assert state_hashes({"votes": NetworkVotes(Net()), "encoder": None, "body": LeNet()}).keys() == {
        "votes",
        "votes.network",
        "body",
    }


def alter(value: torch.Tensor) -> None:
    with torch.no_grad():
        value.flatten()[0] += 1


@pytest.mark.parametrize(
    ("changed", "change"),
    [
        ("network.held.deep", lambda made: alter(made["network"].held[0]["deep"].linear.weight)),
        ("network.held.deep", lambda made: alter(made["network"].held[0]["deep"].scale)),
        ("network.held.deep", lambda made: setattr(made["network"].held[0]["deep"], "threshold", 0.6)),
        ("network.held.deep", lambda made: made["network"].held[0]["deep"].register_forward_hook(print)),
        ("network.held.deep", lambda made: setattr(made["network"].held[0]["deep"].linear, "extra", 1)),
        ("record", lambda made: made["record"].inner.values.append(2)),
        ("record", lambda made: made["record"].inner.table.__setitem__((0, 0), 7)),
        ("record", lambda made: setattr(made["record"].inner, "table", np.arange(6))),
        ("sklearn", lambda made: made["sklearn"].coef_.__setitem__((0, 0), 7)),
        ("votes.network", lambda made: alter(made["votes"]._network.linear.bias)),
        ("votes", lambda made: setattr(made["votes"], "noise_batch", 7)),
        ("fitted", lambda made: alter(made["fitted"].labels)),
        ("set", lambda made: made["set"].add("d")),
        ("noise", lambda made: alter(made["noise"])),
    ],
)
def test_every_change_changes_its_entry_alone(changed: str, change: Callable[[dict[str, Any]], object]) -> None:
    objects = made()
    before = state_hashes(objects)
    change(objects)
    after = state_hashes(objects)
    assert {name for name in before if before[name] != after[name]} == {changed}


def test_parameters_count() -> None:
    objects = [
        Gaussian(0.1),
        Gaussian(0.2),
        LabelFlip(0.1, 2),
        LabelFlip(0.1, 3),
        ClopperPearson(),
        ClopperPearson(n=77),
    ]
    assert len({state_hashes({"it": made})["it"] for made in objects}) == len(objects)


def test_a_file_that_is_named_counts_by_its_content(tmp_path: Path) -> None:
    file = tmp_path / "w.pt"
    hashes = []
    for content in (None, b"a", b"b"):
        if content is not None:
            file.write_bytes(content)
        hashes += [state_hashes({"it": SimpleNamespace(path=path)})["it"] for path in (file, str(file))]
    assert len(set(hashes)) == 6


def test_cycles_end() -> None:
    ring = SimpleNamespace(name="ring")
    ring.next = [ring]
    assert state_hashes({"ring": ring}).keys() == {"ring"}


def test_functions_count_by_name_and_by_what_they_hold() -> None:
    def scaled(factor: float) -> Callable[[float], float]:
        return lambda x: factor * x

    one, same, two = (state_hashes({"it": SimpleNamespace(f=scaled(f))})["it"] for f in (1.0, 1.0, 2.0))
    assert one == same != two


def test_sources_of_a_user_are_hashed_with_what_they_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "imported_by_a_user.py").write_text("X = 1\n")
    (tmp_path / "of_a_user.py").write_text(
        "import numpy\n"
        "from smoothing.measures import Gaussian\n"
        "class Base(Gaussian):\n"
        "    def late(self):\n"
        "        import imported_by_a_user\n"
        "class Mine(Base): pass\n"
    )
    import imported_by_a_user  # type: ignore[import-not-found]  # noqa: F401
    import of_a_user  # type: ignore[import-not-found]

    deep = {"votes": SimpleNamespace(inner=[of_a_user.Mine(0.1)])}
    before = source_hashes(deep)
    assert before.keys() == {"imported_by_a_user", "of_a_user"}
    (tmp_path / "imported_by_a_user.py").write_text("X = 2\n")
    after = source_hashes(deep)
    assert after["imported_by_a_user"] != before["imported_by_a_user"]
    assert after["of_a_user"] == before["of_a_user"]
    assert source_hashes({"class": of_a_user.Mine}) == after


def test_sources_of_this_project_and_of_libraries_are_not() -> None:
    held = {"votes": NetworkVotes(LeNet(num_classes=2)), "measure": Gaussian(0.1), "sklearn": LogisticRegression()}
    assert source_hashes(held) == {}


@pytest.mark.parametrize(
    "hold",
    [
        lambda first, second: SimpleNamespace(networks=[first, second]),
        lambda first, second: SimpleNamespace(networks={0: first, 1: second}),
        lambda first, second: SimpleNamespace(net=first, _net=second),
        lambda first, second: SimpleNamespace(networks={Slots(first), Slots(second)}),
        lambda first, second: SimpleNamespace(call=first.forward, other=second.forward),
        lambda first, second: SimpleNamespace(call=[SimpleNamespace(net=first).__eq__, second]),
    ],
    ids=["list", "numbers", "underscore", "set", "methods", "method of an object"],
)
@pytest.mark.parametrize("changed", [0, 1])
def test_every_one_of_several_networks_counts(hold: Callable[[Net, Net], Any], changed: int) -> None:
    torch.manual_seed(0)
    networks = [Net(), Net()]
    held = hold(*networks)
    before = state_hashes({"votes": held})
    assert state_hashes({"votes": held}) == before
    with torch.no_grad():
        networks[changed].linear.weight[0, 0] += 1
    assert state_hashes({"votes": held}) != before


def test_whether_weights_are_trained_counts() -> None:
    net = Net()
    before = state_hashes({"net": net})
    net.linear.weight.requires_grad_(False)
    assert state_hashes({"net": net}) != before
