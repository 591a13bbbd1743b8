"""What a new user does with the pages alone: arrays, a network and a noise of their own in one run."""

from pathlib import Path

import numpy as np
import torch
import yaml
from sklearn.datasets import load_digits

from smoothing.certificates import Table
from tests.docs.pages import QUIET
from tests.front_door import launch

NET = """
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10))

    def forward(self, x):
        return self.layers(x)
"""
NOISE = """
from smoothing.measures import Gaussian


class Half(Gaussian):
    'Gaussian noise with half of the given standard deviation.'

    def __init__(self, double: float) -> None:
        super().__init__(double / 2)
        self.double = double
"""
CONFIG = """
model:
  class_path: Certification
  init_args:
    measure: &noise {class_path: noise.Half, init_args: {double: 0.5}}
    votes:
      class_path: NetworkVotes
      init_args:
        network:
          class_path: PretrainedClassifier
          init_args:
            architecture: {class_path: OwnNetwork, init_args: {network: net.Net, num_classes: 10, weights: net.pth}}
            trained_under: *noise
    certifiers: {clopper_pearson: {class_path: ClopperPearson, init_args: {n: 1000}}}
data: {class_path: FeatureFile, init_args: {path: mine.npz, every: 20}}
"""


def test_own_arrays_own_network_and_own_noise_are_certified(tmp_path: Path) -> None:
    for name, source in (("net.py", NET), ("noise.py", NOISE), ("mine.yaml", CONFIG)):
        (tmp_path / name).write_text(source)
    digits = load_digits()
    images = (digits.images[:, None] / 16).astype(np.float32)
    np.savez(tmp_path / "mine.npz", X=images, y=digits.target)
    trained = np.arange(len(images)) % 5 != 4
    x, y = torch.from_numpy(images[trained]), torch.from_numpy(digits.target[trained])
    names: dict[str, type[torch.nn.Module]] = {}
    exec(NET, names)
    torch.manual_seed(0)
    network = names["Net"]()
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(x + 0.25 * torch.randn_like(x)), y).backward()
        optimizer.step()
    torch.save({"model": network.state_dict(), "epoch": 3}, tmp_path / "net.pth")
    outcome = launch(["certify", "--config", "mine.yaml", *QUIET], tmp_path)
    assert outcome.status == 0, outcome.err
    table = Table.read_csv(tmp_path / "runs/mine/certificates.csv")
    config = yaml.safe_load((tmp_path / "runs/mine/config.yaml").read_text())
    assert config["model"]["init_args"]["measure"]["class_path"] == "noise.Half"
    assert len(table) == 18
    assert (table["correct"] & (table["radius"] > 0.2)).mean() > 0.5
    assert table["radius"].max() < 0.25 * 3.1
