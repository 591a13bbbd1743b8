"""Every objective against its formula, written down once more in NumPy."""

import numpy as np
import pytest
import torch
from numpy.random import default_rng
from scipy.stats import norm
from torch import Tensor, nn

from lightning_modules.objectives import (
    CATRS,
    MACER,
    Attacker,
    Consistency,
    Noise,
    NoiseAugmentation,
    Objective,
    SmoothAdv,
    SmoothMix,
    Stability,
)
from smoothing.attacks import Draws
from smoothing.measures import AnisotropicGaussian, Gaussian, GaussianMixture, Laplace
from smoothing.numerics.random import generator
from tests.lightning_modules.objectives.linear import Array, Linear, predictions, softmax

KEY = (0, 1, 2, 3, 4)
SIGMA = 0.5
X = torch.from_numpy(default_rng(0).uniform(0.3, 0.7, (6, 1, 3, 4)))
LABELS = torch.tensor([0, 1, 2, 2, 1, 0])
ROWS = np.arange(6)


def loss_of(objective: Objective, network: nn.Module, labels: Tensor = LABELS, epoch: int = 100) -> float:
    loss = objective.loss(network, Noise(Gaussian(SIGMA), KEY), X, labels, epoch)
    assert loss.shape == ()
    return float(loss.detach())


def first_draws(number: int, x: Tensor = X) -> Tensor:
    return Noise(Gaussian(SIGMA), KEY).draws(number)(x)


def cross_entropy(predicted: Array, labels: Tensor = LABELS) -> Array:
    """``(draws, batch)``."""
    return -np.log(predicted[:, ROWS, labels.numpy()])


def kl(target: Array, predicted: Array) -> Array:
    return (target * (np.log(target) - np.log(predicted))).sum(-1)


@pytest.mark.parametrize("draws", [1, 3])
def test_noise_augmentation(draws: int) -> None:
    network = Linear(3, 12)
    expected = cross_entropy(predictions(network, first_draws(draws), draws)).mean()
    assert loss_of(NoiseAugmentation(draws), network) == pytest.approx(expected)


def test_stability() -> None:
    network = Linear(3, 12)
    clean, noisy = predictions(network, X, 1), predictions(network, first_draws(1), 1)
    expected = cross_entropy(clean).mean() - 2.5 * (clean * np.log(noisy)).sum(-1).mean()
    assert loss_of(Stability(2.5), network) == pytest.approx(expected)


def test_consistency() -> None:
    network = Linear(3, 12)
    each = predictions(network, first_draws(4), 4)
    mean = each.mean(0)
    entropy = -(mean * np.log(mean)).sum(-1).mean()
    expected = cross_entropy(each).mean() + 7 * kl(mean, each).mean() + 0.25 * entropy
    assert loss_of(Consistency(7, 0.25, draws=4), network) == pytest.approx(expected)


@pytest.mark.parametrize("margin", [0.5, 1.0, 100.0])
def test_macer(margin: float) -> None:
    network = Linear(3, 12)
    each = predictions(network, first_draws(8), 8)
    sharp = softmax(3 * np.log(each)).mean(0)
    classification = cross_entropy(each.mean(0, keepdims=True)).mean()
    hinge, counted = 0.0, 0
    for row, label in zip(sharp, LABELS, strict=True):
        top = np.sort(row)[::-1]
        radius = norm.ppf(top[0]) - norm.ppf(top[1])
        if row.argmax() == label and radius < margin:
            hinge += margin - radius
            counted += 1
    assert counted > 0
    expected = classification + 4 * SIGMA / 2 * hinge / 6
    assert loss_of(MACER(4, margin, 3, draws=8), network) == pytest.approx(expected, rel=1e-5)
    assert loss_of(MACER(4, margin, 3, draws=8, deferred=9), network, epoch=8) == pytest.approx(
        classification, rel=1e-5
    )


def test_macer_where_predictions_round_to_one() -> None:
    network = Linear(3, 12)
    sure = network(X).argmax(1)
    with torch.no_grad():
        network.weight *= 1e4
        network.bias *= 1e4
    noise = Noise(Gaussian(1e-6), KEY)
    MACER().loss(network, noise, X, sure, 0).backward()
    assert torch.isfinite(network.weight.grad).all()


def test_macer_needs_gaussian_noise() -> None:
    assert MACER().supports(Gaussian(0.5)) is None
    assert MACER().supports(AnisotropicGaussian([0.5])) is None
    for other in (Laplace(0.5), GaussianMixture([0.5, 1.0])):
        assert (
            MACER().supports(other)
            == f"its radius is that of Gaussian noise, and the measure is {type(other).__name__}"
        )
    assert all(objective.supports(Laplace(0.5)) is None for objective in (Consistency(), SmoothAdv(), CATRS()))


class Shift(Attacker):
    """Always goes the same way."""

    def attack(self, network: nn.Module, draws: Draws, x: Tensor, labels: Tensor, strength: float) -> Tensor:
        return x + 0.1 * strength


@pytest.mark.parametrize(("epoch", "strength"), [(0, 0.25), (2, 0.75), (3, 1.0), (9, 1.0)])
def test_smooth_adv_learns_from_the_noise_that_it_attacked(epoch: int, strength: float) -> None:
    network = Linear(3, 12)
    expected = cross_entropy(predictions(network, first_draws(3, X + 0.1 * strength), 3)).mean()
    assert loss_of(SmoothAdv(Shift(), draws=3, warm_up=4), network, epoch=epoch) == pytest.approx(expected)


@pytest.mark.parametrize("one_step", [False, True])
@pytest.mark.parametrize(("epoch", "strength"), [(0, 0.5), (5, 1.0)])
def test_smooth_mix(one_step: bool, epoch: int, strength: float) -> None:
    # With two classes the loss of a linear network grows fastest from one class to the other, noise or not.
    network, labels = Linear(2, 12), LABELS % 2
    uphill = (network.weight[1 - labels] - network.weight[labels]).detach()
    uphill = (uphill / uphill.norm(dim=1, keepdim=True)).view_as(X)
    near, far = X + one_step * strength * 0.05 * uphill, X + 4 * 0.05 * uphill
    assert 0 < far.min() < far.max() < 1

    each = predictions(network, first_draws(3, near), 3)
    mean = each.mean(0)
    share = torch.rand(6, generator=generator((*KEY, 0, 1)), dtype=torch.float64) / 2
    assert 0.05 < share.std() < 0.25
    mixed = first_draws(3, near + share.view(-1, 1, 1, 1) * (far - near))
    part = share.numpy()[:, None]
    divergence = kl((1 - part) * mean + part / 2, predictions(network, mixed, 3))
    right = mean.argmax(1) == labels.numpy()
    assert 0 < right.sum() < 6
    expected = cross_entropy(each, labels).mean() + 2 * strength * (right * divergence).mean()
    objective = SmoothMix(2, draws=3, steps=4, step=0.05, one_step=one_step, warm_up=2)
    assert loss_of(objective, network, labels, epoch) == pytest.approx(expected)


def attacked(network: Linear, target: Array, radius: float, steps: int) -> Array:
    """Predictions where noise is turned against a target inside a ball, its first two moments kept."""
    weight, bias = network.weight.detach().numpy(), network.bias.detach().numpy()
    clean = X.flatten(1).numpy()
    answer = []
    for noisy in first_draws(3).flatten(1).numpy().reshape(3, 6, 12):
        for row in range(6):
            start = noisy[row] - clean[row]
            moved = start
            for _ in range(steps):
                gradient = (softmax((clean[row] + moved) @ weight.T + bias) - target[row]) @ weight
                moved = moved + 2 * radius / steps * gradient / np.linalg.norm(gradient)
                change = moved - start
                moved = start + change * min(1, radius / np.linalg.norm(change))
                moved = (moved - moved.mean()) / np.sqrt((moved**2).mean())
                moved = moved * np.sqrt((start**2).mean()) + start.mean()
            answer.append(softmax((clean[row] + moved) @ weight.T + bias))
    return np.array(answer).reshape(3, 6, -1)


def test_cat_rs_attacks_the_noise_of_what_is_always_right() -> None:
    network = Linear(3, 12)
    with torch.no_grad():
        network.weight *= 0.05
        network.bias *= 20
    labels = network.bias.argmax().repeat(6)
    each = predictions(network, first_draws(3), 3)
    mean = each.mean(0)
    worst = kl(mean, attacked(network, mean, 0.5, 4)).max(0)
    expected = (cross_entropy(each, labels).mean(0) + 3 * worst).mean()
    assert loss_of(CATRS(3, draws=3, radius=0.5, steps=4), network, labels) == pytest.approx(expected)


def test_cat_rs_spares_what_is_always_wrong() -> None:
    network = Linear(3, 12)
    with torch.no_grad():
        network.weight *= 0.05
        network.bias *= 20
    labels = network.bias.argmin().repeat(6)
    least = cross_entropy(predictions(network, first_draws(3), 3), labels).min(0)
    assert loss_of(CATRS(3, draws=3), network, labels) == pytest.approx(least.mean() / 3)


def test_cat_rs_counts_a_binomial_number_of_draws() -> None:
    network = Linear(3, 12)
    each = predictions(network, first_draws(5), 5)
    right = (each.argmax(-1) == LABELS.numpy()).mean(0)
    assert ((right > 0) & (right < 1)).any()
    kept = torch.binomial(torch.full((6,), 5.0), torch.from_numpy(right).float(), generator=generator((*KEY, 0, 1)))
    losses = np.sort(cross_entropy(each), 0)
    expected = np.mean([losses[: max(int(k), 1), row].sum() / 5 for row, k in enumerate(kept)])
    assert loss_of(CATRS(0, draws=5), network) == pytest.approx(expected)
