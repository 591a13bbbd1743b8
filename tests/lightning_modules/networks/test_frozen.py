"""Frozen networks keep the rows of a batch apart."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from lightning_modules.architectures import Architecture
from lightning_modules.denoisers import Diffusion, UNetDenoiser
from lightning_modules.encoders import Backbone, Encoder, PretrainedEncoder
from lightning_modules.networks.bodies import ClassifierBody
from smoothing.provenance.origin import Origin
from tests.lightning_modules.denoisers.unets import Oracle


class Stubborn(nn.BatchNorm2d):
    """Batch norm that stays in training mode."""

    def train(self, mode: bool = True) -> "Stubborn":
        self.training = True
        return self


class Centred(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x - x.mean(0)


class Features(Backbone):
    def __init__(self, mix: nn.Module) -> None:
        super().__init__()
        self.mix, self.features = mix, 16

    def forward(self, x: Tensor) -> Tensor:
        return self.mix(x).flatten(1)


class Own(Encoder):
    """An encoder of a user, which calls nothing of ours."""

    def __init__(self, mix: nn.Module) -> None:
        super().__init__()
        self.mix = mix

    def forward(self, x: Tensor) -> Tensor:
        return self.mix(x).flatten(1)


MADE: list[Callable[[nn.Module], nn.Module]] = [
    lambda mix: PretrainedEncoder(Features(mix), "A"),
    Own,
    lambda mix: ClassifierBody(
        Architecture(nn.Sequential(mix, nn.Flatten(), nn.Linear(16, 2)), 2, [0.0], [1.0]), ["A"]
    ),
    lambda mix: UNetDenoiser(Oracle(lambda given, time: mix(given)), Diffusion(), Origin("A"), "float32"),
]


def call(made: nn.Module, x: Tensor) -> Tensor:
    output: Tensor = made(x, 0.5) if isinstance(made, UNetDenoiser) else made(x)
    return output


@pytest.mark.parametrize("mix", [Stubborn(1), Centred(), nn.BatchNorm2d(1, track_running_stats=False)])
@pytest.mark.parametrize("make", MADE)
@pytest.mark.parametrize("rows", [2, 5])
def test_rows_that_depend_on_each_other_are_refused(
    make: Callable[[nn.Module], nn.Module], mix: nn.Module, rows: int
) -> None:
    x = torch.rand(rows, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    with pytest.raises(
        ValueError, match=r": the output for an input depends on the other inputs of its batch; must not"
    ):
        call(make(mix), x)
    with pytest.raises(
        ValueError, match=r": the output for an input depends on the other inputs of its batch; must not"
    ):
        call(make(mix), x[:1].expand_as(x))


@pytest.mark.parametrize("make", MADE)
def test_rows_that_do_not_are_mapped_as_before(make: Callable[[nn.Module], nn.Module]) -> None:
    x = torch.rand(5, 1, 4, 4)
    made = make(nn.BatchNorm2d(1).eval() if make is Own else nn.GroupNorm(1, 1))
    expected = made.forward(x, 0.5) if isinstance(made, UNetDenoiser) else made.forward(x)
    assert torch.equal(call(made, x), expected)
