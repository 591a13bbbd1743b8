import pytest
import torch
from torch import Tensor, nn

from smoothing.attacks import PGD, Ball, L1Ball, L2Ball, LinfBall, ScaledBall, smoothed_loss
from smoothing.attacks.inputs.expectation import Draws
from smoothing.measures import AnisotropicGaussian, Gaussian, LabelFlip, Laplace, SmoothingMeasure, UniformLinf

SCALES = [0.1, 0.2, 0.4, 0.3, 0.1, 0.2]
KINDS: list[tuple[SmoothingMeasure, Ball | None, Ball]] = [
    (Gaussian(0.3), None, L2Ball()),
    (Laplace(0.3), None, L1Ball()),
    (UniformLinf(0.3), None, LinfBall()),
    (AnisotropicGaussian(SCALES), *[ScaledBall(L2Ball(), torch.tensor(SCALES))] * 2),
]


def problem(batch: int = 8) -> tuple[nn.Module, Tensor, Tensor]:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 3)).double()
    x = torch.rand(batch, 6, dtype=torch.float64)
    return network, x, network(x).argmax(1)


@pytest.mark.parametrize(("measure", "given", "ball"), KINDS, ids=["l2", "l1", "linf", "scaled"])
def test_attacks_stay_in_the_ball_and_reduce_the_vote(measure: SmoothingMeasure, given: Ball | None, ball: Ball):
    network, x, labels = problem()
    radius = torch.linspace(0, 0.7, len(x), dtype=torch.float64)
    moved = PGD(10, 16, given).attack(network, measure, x, labels, radius, (0,))
    assert not moved.requires_grad
    assert (ball.size(moved - x) <= radius * (1 + 1e-12)).all()
    assert torch.equal(moved[0], x[0])
    draws = Draws(measure, 4000, (9,))
    assert (smoothed_loss(network, draws, moved, labels) > smoothed_loss(network, draws, x, labels))[1:].all()


def test_the_same_key_gives_the_same_attack():
    network, x, labels = problem()
    radius = torch.full((len(x),), 0.5)
    moved = [PGD(5, 4).attack(network, Gaussian(0.3), x, labels, radius, (seed,)) for seed in (1, 1, 2)]
    assert torch.equal(moved[0], moved[1])
    assert not torch.equal(moved[0], moved[2])


def test_the_network_is_not_changed():
    network = nn.Sequential(nn.BatchNorm1d(6), nn.Dropout(), nn.Linear(6, 3)).double()
    state = {name: value.clone() for name, value in network.state_dict().items()}
    x = torch.rand(4, 6, dtype=torch.float64)
    PGD(3, 2).attack(network, Gaussian(0.1), x, torch.zeros(4, dtype=torch.long), torch.ones(4), (0,))
    assert all(torch.equal(network.state_dict()[name], value) for name, value in state.items())
    assert network.training
    assert all(parameter.grad is None for parameter in network.parameters())


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"^PGD: steps = 0; must be at least 1$"):
        PGD(steps=0)
    with pytest.raises(ValueError, match=r"^PGD: draws = -1; must be at least 1$"):
        PGD(draws=-1)
    network, x, labels = problem()
    with pytest.raises(ValueError, match=r"^ball: not given; must be given for l0 \(flips\)"):
        PGD().attack(network, LabelFlip(0.1, 2), x, labels, torch.ones(len(x)), (0,))
