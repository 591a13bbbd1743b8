"""Certificates by enumeration, against all small images."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from smoothing.certifiers import Enumeration
from smoothing.guarantees import KL
from smoothing.measures import Gaussian, LabelFlip, SharedSplitting, Splitting
from smoothing.votes import Ballots, NearestNeighbours, NetworkVotes

LEVELS, PIXELS = 5, 3


def rough(seed: int, num_classes: int) -> nn.Module:
    """A network with many changes of the prediction between levels."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Linear(PIXELS, 32), nn.ReLU(), nn.Linear(32, num_classes))
        network[0].weight.data.mul_(4)
        network[0].bias.data.normal_(0, 1)
    return network


def all_images() -> tuple[Tensor, Tensor]:
    """Return levels and images, ``(5**3, 3)`` each."""
    codes = torch.tensor(list(product(range(LEVELS), repeat=PIXELS)))
    return codes, codes.float() / (LEVELS - 1)


def put(votes: NetworkVotes, measure: SharedSplitting, x: Tensor) -> Ballots:
    return Ballots(measure, votes, x, torch.arange(len(x)), 0)


@pytest.mark.parametrize("width", [0.5, 0.75, 1.5, 4.0])
def test_no_image_within_a_radius_is_predicted_otherwise(width: float) -> None:
    codes, x = all_images()
    distance = (codes[:, None] - codes).abs().sum(2).numpy()
    certified, tight = 0, 0
    for seed, num_classes in ((0, 2), (1, 3), (2, 2), (3, 4)):
        votes = NetworkVotes(rough(seed, num_classes), num_classes)
        answer = Enumeration().certify(put(votes, SharedSplitting(width, LEVELS, seed), x))
        other = answer.prediction[:, None] != answer.prediction
        for row, radius in enumerate(answer.radius):
            inside = distance[row] < Fraction(radius) * (LEVELS - 1)
            assert not other[row][inside].any()
            certified += int(inside.sum() > 1)
            nearest = distance[row][other[row]].min(initial=99)
            tight += int(inside.sum() > 1 and nearest <= Fraction(radius) * (LEVELS - 1) + 1)
    assert certified > 20
    assert tight > 0 or width > 1


def test_votes_are_counted_and_radii_follow_from_them() -> None:
    _, x = all_images()
    votes, measure = NetworkVotes(rough(5, 3), 3), SharedSplitting(1.5, LEVELS)
    answer = Enumeration().certify(put(votes, measure, x))
    assert measure.versions == 12
    counts = np.zeros((len(x), 3), int)
    for row, z in enumerate(x):
        predicted = rough(5, 3)(measure.version(z, torch.arange(12))).argmax(1)
        counts[row] = np.bincount(predicted.numpy(), minlength=3)
    assert (counts.argmax(1) == answer.prediction).all()
    ordered = np.sort(counts, 1)
    assert (answer.n_a == ordered[:, -1]).all()
    assert (answer.n_b == ordered[:, -2]).all()
    assert (answer.n == 12).all()
    exact = [Fraction(int(a - b), 2 * (LEVELS - 1)) for a, b in ordered[:, :-3:-1]]
    for radius, truth in zip(answer.radius, exact, strict=True):
        assert truth * (1 - Fraction(1, 10**12)) <= Fraction(radius) <= truth
    assert answer.deterministic
    assert answer.sound
    assert answer.alpha is None


def test_versions_are_those_of_splitting_and_change_with_single_levels() -> None:
    """Raising one pixel by one level changes exactly one version, whatever the pixel's own number."""
    measure = SharedSplitting(0.75, LEVELS, seed=3)
    codes, x = all_images()
    numbers = torch.arange(measure.versions)
    versions = torch.stack([measure.version(z, numbers) for z in x])
    assert versions.min() >= 0
    assert versions.max() <= 1
    for first in range(0, len(x), 7):
        for second in range(len(x)):
            changed = int((versions[first] != versions[second]).flatten(1).any(1).sum())
            step = int((codes[first] - codes[second]).abs().sum())
            assert changed <= step
            assert step != 1 or changed == 1
    middle = Splitting(0.75).split(x[7].double(), torch.full((PIXELS,), 0.125, dtype=torch.float64))
    assert all((versions[7].double() - middle).abs()[:, pixel].min() < 1e-6 for pixel in range(PIXELS))


def test_batch_and_noise_batch_change_nothing() -> None:
    _, x = all_images()
    measure = SharedSplitting(20.0, LEVELS)
    assert measure.versions == 160
    few = Enumeration().certify(put(NetworkVotes(rough(6, 3), 3), measure, x[40:50]))
    many = Enumeration().certify(put(NetworkVotes(rough(6, 3), 3, noise_batch=256), measure, x))
    assert few.n_a is not None
    assert many.n_a is not None
    assert few.n_a.tolist() == many.n_a[40:50].tolist()
    assert few.radius.tolist() == many.radius[40:50].tolist()


def test_pairs_without_a_census_are_refused() -> None:
    votes = NetworkVotes(rough(0, 2), 2)
    assert Enumeration().supports(SharedSplitting(0.5, LEVELS), votes) is None
    assert "Splitting has too many versions" in str(Enumeration().supports(Splitting(0.5), votes))
    assert "Gaussian has too many versions" in str(Enumeration().supports(Gaussian(0.5), votes))
    assert "LabelFlip" in str(Enumeration().supports(LabelFlip("0.1", 2), NearestNeighbours(3)))
    assert "cannot count votes" in str(Enumeration().supports(SharedSplitting(0.5), NearestNeighbours(3)))


def test_an_infinite_divergence_certifies_nothing() -> None:
    _, x = all_images()
    answer = Enumeration(KL()).certify(put(NetworkVotes(rough(0, 2), 2), SharedSplitting(1.5, LEVELS), x))
    assert (answer.radius == 0).all()
