from copy import deepcopy
from threading import Lock
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from lightning_modules.training.schedule import Learning, one_cycle


class Uncopied:
    """Makes an optimiser, and holds what cannot be copied, as what a config makes does."""

    def __init__(self) -> None:
        self.lock = Lock()

    def __call__(self, parameters: Any) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, lr=0.1)


def test_it_is_shared_by_copies() -> None:
    learning = Learning(Uncopied(), None)
    assert deepcopy({"module": learning})["module"] is learning


def test_the_rate_follows_one_cycle_over_all_steps() -> None:
    trainer: Any = SimpleNamespace(estimated_stepping_batches=10)
    configured: Any = Learning(Uncopied(), None).configure(trainer, [torch.zeros(1, requires_grad=True)])
    rates = []
    for _ in range(11):
        rates.append(configured["optimizer"].param_groups[0]["lr"])
        configured["optimizer"].step()
        configured["lr_scheduler"]["scheduler"].step()
    assert rates == pytest.approx([0.1 * one_cycle(step / 10) for step in range(11)])
    assert (rates[0], max(rates), rates[2]) == (0, 0.1, 0.1)
    assert rates[-1] == pytest.approx(0)
