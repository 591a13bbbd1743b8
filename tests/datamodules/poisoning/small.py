"""Digits, random networks and one setup of an attack, small enough for quick tests."""

from functools import cache

import torch
from torch import nn

from datamodules import Digits
from datamodules.poisoning import RandomTrigger, Setup, Trigger, draw_setups

SHAPE = (1, 8, 8)


@cache
def digits() -> Digits:
    data = Digits(classes=(0, 1, 2))
    data.setup()
    return data


def setup(bases: int = 8) -> Setup:
    return draw_setups(digits(), 1, bases)[0]


def trigger() -> Trigger:
    return RandomTrigger(SHAPE, 2)


def body(seed: int = 0) -> nn.Module:
    """Random features."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten()).requires_grad_(False)


def classifier(seed: int = 0, steps: int = 30) -> nn.Module:
    """A network trained for a moment on all digits."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))
        x, labels = digits().training_set()
        optimiser = torch.optim.Adam(network.parameters(), 0.01)
        for _ in range(steps):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(x), labels).backward()
            optimiser.step()
        optimiser.zero_grad()
        return network


def head_on_frozen_body(seed: int = 0) -> nn.Module:
    """A trained classifier, of which only the last layer requires gradients."""
    network = classifier(seed)
    assert isinstance(network, nn.Sequential)
    network.requires_grad_(False)
    network[-1].requires_grad_(True)
    return network
