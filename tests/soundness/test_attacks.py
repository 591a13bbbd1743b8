"""Attacks never succeed within a certified radius, and succeed at some larger distance."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import log_ndtr
from sklearn.datasets import load_digits
from torch import Tensor, nn

from smoothing.attacks import PGD, Ball, Draws, L1Ball, L2Ball, LinfBall, ScaledBall
from smoothing.certificates import Certificates
from smoothing.certifiers import ClopperPearson
from smoothing.guarantees import NeymanPearson, VoteBound
from smoothing.measures import (
    AnisotropicGaussian,
    Gaussian,
    GaussianMixture,
    Laplace,
    SmoothingMeasure,
    Splitting,
    Uniform,
    UniformLinf,
)
from smoothing.testing import never_turned_inside, turned
from smoothing.votes import Ballots, NetworkVotes

TRAINING, ATTACKED = slice(0, 1400), slice(1400, 1416)
SIGMAS = [0.2, 0.4] * 32

KINDS: dict[str, tuple[SmoothingMeasure, Ball | None, float]] = {
    "gaussian": (Gaussian(0.3), None, 3),
    "mixture": (GaussianMixture([0.2, 0.4]), None, 5),
    "anisotropic": (AnisotropicGaussian(SIGMAS), ScaledBall(L2Ball(), torch.tensor(SIGMAS)), 3),
    "laplace": (Laplace(0.2), None, 10),
    "uniform": (Uniform(0.5), None, 10),
    "splitting": (Splitting(0.5), None, 10),
    "uniform linf": (UniformLinf(0.4), None, 60),
}
"""Measure; ball, if its distance has no default; and number of radii at which attacks succeed."""


def digits() -> tuple[Tensor, Tensor]:
    images, labels = (torch.from_numpy(array) for array in load_digits(return_X_y=True))
    return (images / 16).float(), labels


def certified(measure: SmoothingMeasure) -> tuple[nn.Module, Ballots, Certificates]:
    """A small network trained under the measure's noise, and certificates of test digits."""
    x, labels = digits()
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    for step in range(200):
        chosen = torch.randint(TRAINING.stop, (128,))
        loss = nn.functional.cross_entropy(network(Draws(measure, 1, (step,))(x[chosen])), labels[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    attacked = x[ATTACKED]
    ballots = Ballots(measure, NetworkVotes(network, 10), attacked, torch.arange(len(attacked)), 0)
    return network, ballots, ClopperPearson(n0=100, n=2000).certify(ballots)


@pytest.mark.parametrize("kind", KINDS)
def test_attacks_succeed_outside_the_radii_and_never_inside(kind: str):
    measure, ball, far = KINDS[kind]
    network, ballots, certificates = certified(measure)
    attack = PGD(20, 16, ball)
    certain = certificates.radius > 0
    assert certain.mean() > 0.7
    never_turned_inside(attack, network, ballots, certificates)
    outside = turned(attack, network, ballots, certificates, far * certificates.radius)
    assert outside[certain].mean() > 0.7
    assert not outside[~certain].any()


def test_radii_that_are_too_large_are_refuted():
    network, ballots, certificates = certified(Gaussian(0.3))
    tampered = replace(certificates, radius=2 * certificates.radius)
    with pytest.raises(AssertionError, match=r"^row \d+: class \d is certified at .*, and changed within"):
        never_turned_inside(PGD(20, 16), network, ballots, tampered)


class HalfSpace(nn.Module):
    """Class 1 if ``w x + b > 0``. Under symmetric noise the majority vote is the same."""

    def __init__(self, dim: int, seed: int) -> None:
        super().__init__()
        source = torch.Generator().manual_seed(seed)
        self.w = torch.randn(dim, generator=source, dtype=torch.float64)
        self.b = torch.randn((), generator=source, dtype=torch.float64)

    def margin(self, x: Tensor) -> Tensor:
        return x @ self.w + self.b

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([torch.zeros(len(x), dtype=x.dtype), self.margin(x)], dim=1)


@pytest.mark.parametrize("dim", [1, 3, 100])
@pytest.mark.parametrize("sigma", [0.05, 0.5])
def test_a_half_space_is_attacked_just_beyond_its_exact_radius(dim: int, sigma: float):
    """The class has probability ``Phi(margin / sigma |w|)``; its tight radius is the distance to the plane."""
    network, measure = HalfSpace(dim, seed=dim), Gaussian(sigma)
    x = torch.rand(50, dim, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    predicted = (network.margin(x) > 0).long()
    deviations = network.margin(x).abs() / (sigma * network.w.norm())
    bound = VoteBound.one_sided(log_ndtr(-deviations.numpy()))
    radius = torch.from_numpy(NeymanPearson().radius(measure, bound, (dim,)))
    torch.testing.assert_close(radius, sigma * deviations, rtol=1e-9, atol=0)
    for share, turns in ((1 - 1e-6, False), (1 + 1e-6, True)):
        moved = PGD(5, 4).attack(network, measure, x, predicted, share * radius, (0,))
        assert ((network.margin(moved) > 0).long() != predicted).eq(turns).all()


@pytest.mark.parametrize(
    ("measure", "ball", "dual"),
    [
        (Laplace(0.2), L1Ball(), torch.inf),
        (Uniform(0.2), L1Ball(), torch.inf),
        (UniformLinf(0.2), LinfBall(), 1),
        (Gaussian(0.2), L2Ball(), 2),
    ],
    ids=["laplace", "uniform", "uniform linf", "gaussian"],
)
def test_the_attack_on_a_half_space_is_optimal(measure: SmoothingMeasure, ball: Ball, dual: float):
    """The distance to the plane is the margin over the dual norm of w, an upper bound on exact certificates."""
    network = HalfSpace(20, seed=5)
    x = torch.rand(50, 20, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    predicted = (network.margin(x) > 0).long()
    distance = network.margin(x).abs() / torch.linalg.vector_norm(network.w, dual)
    for share, turns in ((1 - 1e-6, False), (1 + 1e-6, True)):
        moved = PGD(5, 4).attack(network, measure, x, predicted, share * distance, (0,))
        assert (ball.size(moved - x) <= share * distance * (1 + 1e-9)).all()
        assert ((network.margin(moved) > 0).long() != predicted).eq(turns).all()
    votes = Draws(measure, 20_000, (7,))(x).matmul(network.w).add(network.b).gt(0).unflatten(0, (20_000, -1))
    lost = (votes != predicted.bool()).double().mean(0).numpy()
    log_fail = np.log(lost + 5 * np.sqrt(lost / 20_000) + 20 / 20_000)
    radius = NeymanPearson().radius(measure, VoteBound.one_sided(np.minimum(log_fail, 0)), (20,))
    assert (radius <= distance.numpy()).all()
    assert radius.max() > 0
