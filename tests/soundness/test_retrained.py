"""Certificates of models with votes in closed form."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import binomtest, norm
from torch import Tensor

from smoothing.certifiers import ClopperPearson
from smoothing.guarantees import JointNeymanPearson, NeymanPearson, VoteBound
from smoothing.measures import Gaussian, Part, Product
from smoothing.votes import Ballots, Learner
from tests.finishing import finishing

SIGMA = 0.7
SEED = 11
CHANCE = 1e-6
DRAWS = 4000
JUST = 1e-6
"""Relative difference between the size of a change and the radius."""


class HalfSpace(Learner):
    """Predicts whether ``<t, z> > 0`` for a test input t, where z is the vector of all training inputs."""

    group = 50

    def train_and_predict(
        self, x: Tensor, labels: Tensor, num_classes: int, tests: Tensor, keys: Sequence[Sequence[int]]
    ) -> Tensor:
        return (torch.einsum("gi,gti->gt", x.flatten(1), tests.flatten(2)) > 0).long()


def half_space_margin(z: Tensor, tests: Tensor) -> np.ndarray:
    """Signed distance of the training set from the plane of each test input, ``(m,)``."""
    return (tests.flatten(1) @ z.flatten() / tests.flatten(1).norm(dim=1)).numpy()


@pytest.fixture(scope="module")
def training_set() -> tuple[Tensor, Tensor, Tensor]:
    """Six training inputs of 2 x 3 pixels, their labels, and fourteen planes, most of them close."""
    source = torch.Generator().manual_seed(SEED)
    z = torch.rand(6, 2, 3, generator=source, dtype=torch.float64)
    return z, torch.tensor([0, 1, 0, 1, 0, 1]), torch.randn(14, 36, generator=source, dtype=torch.float64) - 0.1


def test_votes_of_a_half_space_agree_with_its_margin(training_set: tuple[Tensor, Tensor, Tensor]) -> None:
    z, labels, tests = training_set
    votes = finishing(HalfSpace(), z, labels, tests)
    counts = votes.counts(Gaussian(SIGMA), tests, torch.arange(len(tests)), DRAWS, (SEED, 1))
    exact = norm.cdf(half_space_margin(z, tests) / SIGMA)
    for votes_for, probability in zip(counts[:, 1].tolist(), exact, strict=True):
        assert binomtest(votes_for, DRAWS, probability).pvalue > CHANCE


def test_the_radius_of_a_half_space_is_its_margin(
    training_set: tuple[Tensor, Tensor, Tensor],
) -> None:
    z, labels, tests = training_set
    margin = half_space_margin(z, tests)
    bound = VoteBound.one_sided(norm.logsf(np.abs(margin) / SIGMA))
    votes = finishing(HalfSpace(), z, labels, tests)
    radius = NeymanPearson().radius(Gaussian(SIGMA), bound, votes.object_shape(tests))
    np.testing.assert_allclose(radius, np.abs(margin), rtol=1e-12)
    source = torch.Generator().manual_seed(0)
    for test, reach, side in zip(tests, radius, np.sign(margin), strict=True):
        worst = -side * (test / test.norm()).reshape(z.shape)
        random = torch.randn(200, *z.shape, generator=source, dtype=torch.float64)
        for change in (worst, *random):
            inside = z + reach * (1 - JUST) * change / change.norm()
            assert np.sign(half_space_margin(inside, test[None])) == side
        beyond = z + reach * (1 + JUST) * worst
        assert np.sign(half_space_margin(beyond, test[None])) == -side


def test_certified_radii_of_a_half_space_are_at_most_its_margin(training_set: tuple[Tensor, Tensor, Tensor]) -> None:
    z, labels, tests = training_set
    votes = finishing(HalfSpace(), z, labels, tests)
    ballots = Ballots(Gaussian(SIGMA), votes, tests, torch.arange(len(tests)), SEED)
    answer = ClopperPearson(n0=100, n=DRAWS, alpha=CHANCE).certify(ballots)
    margin = half_space_margin(z, tests)
    predicted = answer.prediction >= 0
    assert predicted.sum() > 7
    assert (answer.prediction[predicted] == (margin[predicted] > 0)).all()
    assert (answer.radius <= np.abs(margin)).all()
    assert (answer.radius[predicted] > 0.5 * np.minimum(np.abs(margin[predicted]), 2 * SIGMA) - 0.2 * SIGMA).all()


class NoisyHalfSpace(Learner):
    """Predicts whether ``sum(x) + sum(z) > 0`` for a noisy test input x."""

    group = 50

    def train_and_predict(
        self, x: Tensor, labels: Tensor, num_classes: int, tests: Tensor, keys: Sequence[Sequence[int]]
    ) -> Tensor:
        return (x.flatten(1).sum(1, keepdim=True) + tests.flatten(2).sum(2) > 0).long()


def test_noise_on_the_test_input_covers_a_backdoor(training_set: tuple[Tensor, Tensor, Tensor]) -> None:
    """The worst pair of changes is one direction in standard deviations of both noises (THEORY.md section 6)."""
    z, labels, _ = training_set
    z = z - z.mean()
    tests = torch.linspace(-3, 3, 8, dtype=torch.float64)[:, None].expand(-1, 4)
    sigma_x = 0.3
    votes = finishing(NoisyHalfSpace(), z, labels, tests)
    measure = Product([Part(Gaussian(sigma_x)), Part(Gaussian(SIGMA), "training inputs")])
    counts = votes.counts(measure, tests, torch.arange(8), DRAWS, (SEED, 1))

    def vote(z: Tensor, x: Tensor) -> float:
        spread = (z.numel() * SIGMA**2 + x.numel() * sigma_x**2) ** 0.5
        return float(norm.cdf(float(z.sum() + x.sum()) / spread))

    for place, x in enumerate(tests):
        assert binomtest(int(counts[place, 1]), DRAWS, vote(z, x)).pvalue > CHANCE
        bound = VoteBound.one_sided(np.array([np.log(min(vote(z, x), 1 - vote(z, x)))]))
        radius = float(NeymanPearson().radius(Gaussian(SIGMA), bound, z.shape)[0])
        side = np.sign(float(z.sum() + x.sum()))
        # In standard deviations the worst change is along the normal of the plane; the radius is in units of sigma.
        normal = (z.numel() * SIGMA**2 + x.numel() * sigma_x**2) ** 0.5
        for size, holds in ((1 - JUST, True), (1 + JUST, False)):
            deviations = size * radius / SIGMA / normal
            delta = torch.full_like(z, -side * deviations * SIGMA * SIGMA)
            omega = torch.full_like(x, -side * deviations * sigma_x * sigma_x)
            spent = (delta.norm() ** 2 + (SIGMA / sigma_x) ** 2 * omega.norm() ** 2) ** 0.5
            assert float(spent) == pytest.approx(size * radius, rel=1e-9)
            point = JointNeymanPearson([float(omega.norm())])
            certified = point.leads(measure, bound, z.shape) & (
                point.radius(measure, bound, z.shape) >= float(delta.norm())
            )
            assert certified[0] == holds
            assert (np.sign(vote(z + delta, x + omega) - 0.5) == side) == holds


class LargestSum(Learner):
    """Predicts, in one dimension, the class with the largest sum of training inputs times the test input."""

    group = 50

    def train_and_predict(
        self, x: Tensor, labels: Tensor, num_classes: int, tests: Tensor, keys: Sequence[Sequence[int]]
    ) -> Tensor:
        sums = torch.stack([x[:, labels == c, 0].sum(1) for c in range(num_classes)], 1)
        return (sums[:, None] * tests[:, :, :1]).argmax(2)


SIZES = np.array([2, 3, 4])
CLASSES = torch.tensor([0, 0, 1, 1, 1, 2, 2, 2, 2])


def class_sum_votes(z: np.ndarray, sign: float) -> np.ndarray:
    """Return the probability of each class, ``(3,)``, by quadrature over independent normal class sums."""
    centres = np.array([sign * z[CLASSES.numpy() == c].sum() for c in range(3)])
    scales = SIGMA * np.sqrt(SIZES)

    def won(c: int) -> float:
        others = [k for k in range(3) if k != c]

        def density(s: float) -> float:
            beaten = np.prod([norm.cdf((s - centres[k]) / scales[k]) for k in others])
            return float(norm.pdf((s - centres[c]) / scales[c]) / scales[c] * beaten)

        low, high = centres[c] - 12 * scales[c], centres[c] + 12 * scales[c]
        return float(quad(density, low, high, epsabs=1e-13, epsrel=1e-12, limit=200)[0])

    return np.array([won(c) for c in range(3)])


@pytest.fixture(scope="module")
def line() -> np.ndarray:
    """Nine training inputs on a line. Class 0 has the largest sum and class 1 the smallest."""
    return np.array([1.1, 0.9, 0.1, -0.3, 0.2, 0.4, 0.2, 0.1, 0.2])


def test_votes_of_class_sums_agree_with_quadrature(line: np.ndarray) -> None:
    z, tests = torch.from_numpy(line)[:, None], torch.tensor([[1.0], [-1.0]], dtype=torch.float64)
    votes = finishing(LargestSum(), z, CLASSES, tests)
    counts = votes.counts(Gaussian(SIGMA), tests, torch.arange(2), DRAWS, (SEED, 1))
    for row, sign in zip(counts.tolist(), (1.0, -1.0), strict=True):
        exact = class_sum_votes(line, sign)
        assert exact.sum() == pytest.approx(1, abs=1e-9)
        for votes_for, probability in zip(row, exact, strict=True):
            assert binomtest(votes_for, DRAWS, probability).pvalue > CHANCE


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_no_change_within_the_radius_alters_the_prediction_of_class_sums(line: np.ndarray, sign: float) -> None:
    exact = class_sum_votes(line, sign)
    winner = int(exact.argmax())
    lost, rival = 1 - exact[winner], np.delete(exact, winner).max()
    bound = VoteBound(np.log([lost]), np.log([rival]))
    radius = float(NeymanPearson().radius(Gaussian(SIGMA), bound, (9, 1))[0])
    assert radius > 0.1
    towards = [np.where(CLASSES.numpy() == c, sign, np.where(CLASSES.numpy() == winner, -sign, 0)) for c in range(3)]
    random = np.random.default_rng(0).standard_normal((20, 9))
    for change in (*(t for c, t in enumerate(towards) if c != winner), *random):
        moved = line + radius * (1 - JUST) * change / np.linalg.norm(change)
        assert class_sum_votes(moved, sign).argmax() == winner
    altered = [line + 4 * radius * t / np.linalg.norm(t) for c, t in enumerate(towards) if c != winner]
    assert any(class_sum_votes(moved, sign).argmax() != winner for moved in altered)
