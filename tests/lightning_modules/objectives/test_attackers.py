import pytest
import torch
from torch import Tensor, nn

from lightning_modules.objectives import DDN, PGD, Attacker, Noise
from smoothing.attacks import smoothed_loss, standing_still
from smoothing.measures import Gaussian
from tests.lightning_modules.objectives.linear import Linear

X = torch.full((4, 1, 3, 4), 0.5, dtype=torch.float64)
ATTACKERS = [PGD(0.4), PGD(5.0), DDN(0.4), DDN(5.0)]


def problem(sigma: float = 0.25) -> tuple[Linear, Tensor, Noise]:
    network = Linear(2, 12)
    return network, network(X).argmax(1), Noise(Gaussian(sigma), (0,))


@pytest.mark.parametrize("attacker", ATTACKERS, ids=["PGD", "wide PGD", "DDN", "wide DDN"])
def test_examples_stay_in_the_ball_and_on_the_scale(attacker: PGD | DDN) -> None:
    network, labels, noise = problem()
    x = torch.rand(4, 1, 3, 4, dtype=torch.float64)
    for strength in (0.5, 1.0):
        moved = attacker.attack(network, noise.draws(3), x, labels, strength)
        assert not moved.requires_grad
        assert 0 <= moved.min() <= moved.max() <= 1
        assert ((moved - x).flatten(1).norm(dim=1) <= strength * attacker.radius * (1 + 1e-12)).all()


def test_pgd_goes_straight_to_the_border_of_a_linear_network() -> None:
    network, labels, noise = problem()
    moved = PGD(0.4, steps=3).attack(network, noise.draws(3), X, labels, 1.0)
    uphill = network.weight[1 - labels] - network.weight[labels]
    expected = 0.4 * uphill / uphill.norm(dim=1, keepdim=True)
    torch.testing.assert_close((moved - X).flatten(1), expected.detach())


def test_ddn_finds_the_nearest_point_on_the_other_side() -> None:
    # Without noise to speak of, that is the distance to a plane.
    network, labels, noise = problem(sigma=1e-9)
    margin = network(X).gather(1, labels[:, None]) - network(X).gather(1, 1 - labels[:, None])
    distance = (margin[:, 0] / (network.weight[0] - network.weight[1]).norm()).detach()
    assert (distance > 0.05).all()
    moved = DDN(radius=1.0, steps=100).attack(network, noise.draws(1), X, labels, 1.0)
    assert (network(moved).argmax(1) != labels).all()
    lengths = (moved - X).flatten(1).norm(dim=1)
    assert (lengths >= distance).all()
    assert (lengths < 1.1 * distance).all()


def test_ddn_leaves_alone_what_it_cannot_mislead() -> None:
    network, labels, noise = problem()
    with torch.no_grad():
        network.bias[labels[0]] += 100
    assert torch.equal(DDN().attack(network, noise.draws(2), X, labels, 1.0), X)


@pytest.mark.parametrize("attacker", [PGD(0.3), DDN(1.0)], ids=["PGD", "DDN"])
def test_the_mean_prediction_gets_worse(attacker: Attacker) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 32), nn.Tanh(), nn.Linear(32, 3)).double()
    draws = Noise(Gaussian(0.1), (0,)).draws(8)
    labels = network(X).argmax(1)
    moved = attacker.attack(network, draws, X, labels, 1.0)
    before, after = (smoothed_loss(network, draws, x, labels) for x in (X, moved))
    assert (after >= before).all()
    assert after.mean() > before.mean()


def test_attacking_leaves_network_and_gradients_alone() -> None:
    network = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(12), nn.Dropout(), nn.Linear(12, 3)).double()
    network[2].eval()
    state = {name: value.clone() for name, value in network.state_dict().items()}
    PGD().attack(network, Noise(Gaussian(0.1), (0,)).draws(2), X, torch.zeros(4, dtype=torch.long), 1.0)
    assert all(torch.equal(network.state_dict()[name], value) for name, value in state.items())
    assert [module.training for module in network] == [True, True, False, True]
    assert all(parameter.grad is None and parameter.requires_grad for parameter in network.parameters())


def test_a_network_moves_again_after_an_error() -> None:
    network = nn.Linear(2, 2)
    with pytest.raises(RuntimeError), standing_still(network):
        raise RuntimeError
    assert network.training


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (PGD, {"radius": 0}, "PGD: radius = 0; must be finite and above 0"),
        (PGD, {"steps": 0}, "PGD: steps = 0; must be at least 1"),
        (DDN, {"radius": float("nan")}, "DDN: radius = nan; must be finite and above 0"),
        (DDN, {"rate": 1.0}, r"DDN: rate = 1.0; must be within \(0, 1\)"),
    ],
)
def test_bad_arguments_are_refused(kind: type[Attacker], arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        kind(**arguments)
