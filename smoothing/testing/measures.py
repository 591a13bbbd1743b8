"""Conformance suite for smoothing measures."""

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import inf

import numpy as np
import pytest
import torch
from scipy.stats import beta, chisquare, ks_2samp, pearsonr
from torch import Tensor

from smoothing.distance import Distance
from smoothing.guarantees.neyman_pearson import laws
from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.random import generator
from smoothing.privacy_loss import PrivacyLoss
from smoothing.testing.brute_force import Float, best_event, noise
from smoothing.testing.neighbours import (
    JointNeighbours,
    Neighbours,
    default_joint_neighbours,
    default_neighbours,
)

DRAWS = 4000
"""Number of draws per Monte Carlo test."""

SHARED = 0.05
"""Smallest fraction of values that samples of two objects have in common if they lie on one grid."""

FARTHEST = -600.0
"""Thresholds ``log f`` down to this value must decrease with the distance."""

CHANCE = 1e-7
"""False alarm probability of each statistical test."""

LOG_F = np.log(np.concatenate([np.logspace(-30, -2, 57), np.linspace(0.02, 1, 50)]))
"""Probabilities at which laws are evaluated."""

SLACK = 1e-9
"""Tolerance for outward rounding."""


class MeasureConformance:
    """Tests of a measure. Subclass it, name the subclass ``Test...`` and define the fixtures.

    `measure` and `z` are required, `refused` is required if the constructor has parameters. The privacy loss of a
    measure with a `channel` is compared with all label vectors. All others are tested by Monte Carlo. Define
    `neighbours` if the distance is not l0, l1, l2 or l-inf in input units, or if not all tensors are valid objects, for
    example images with levels.
    """

    @pytest.fixture
    def measure(self) -> SmoothingMeasure:
        """Measure under test."""
        raise NotImplementedError("define the fixture `measure`")

    @pytest.fixture
    def z(self) -> Tensor:
        """Small object: with at most 4,096 label vectors if the measure has a channel."""
        raise NotImplementedError("define the fixture `z`")

    @pytest.fixture
    def refused(self) -> Sequence[Callable[[], object]]:
        """Constructor calls with a parameter out of range, one for each kind of error."""
        return []

    @pytest.fixture
    def neighbours(self, measure: SmoothingMeasure, z: Tensor) -> Neighbours:
        """Changed objects in random, axis and diagonal directions, with their distances from `z`."""
        return default_neighbours(measure, z)

    @pytest.fixture
    def joint_neighbours(self, measure: SmoothingMeasure, z: Tensor) -> JointNeighbours:
        """Objects that change in several parts of a product, with the distance of each part; empty without `beside`."""
        return default_joint_neighbours(measure, z) if measure.beside else []

    @pytest.fixture
    def radii(self, measure: SmoothingMeasure, neighbours: Neighbours) -> list[float]:
        """Distances at which the law is evaluated, ascending."""
        return sorted({distance for _, distance in neighbours})

    def test_refuses_parameters_out_of_range(self, refused: Sequence[Callable[[], object]]) -> None:
        """Errors name class, parameter and allowed values."""
        for call in refused:
            with pytest.raises(ValueError, match=r"^\w+: \w+ = .+; must "):
                call()

    def test_describes_its_distance(self, measure: SmoothingMeasure, z: Tensor, neighbours: Neighbours) -> None:
        """`distance` is a `Distance`, and no object is farther away than `diameter`."""
        assert isinstance(measure.distance, Distance)
        assert measure.distance.unit
        for _, distance in neighbours:
            assert 0 < distance <= measure.diameter(z.shape)
            assert not measure.distance.integer or float(distance).is_integer()
        if measure.distance.norm == "l0" and not measure.beside:
            assert measure.diameter(z.shape) == z.numel()

    def test_says_whether_samples_are_exact(self, measure: SmoothingMeasure, z: Tensor, neighbours: Neighbours) -> None:
        """`exact_samples` is True for whole numbers, and only if samples of different objects have common values.

        Tested in double precision, where values of sums ``z + noise`` rarely coincide.
        """
        if not z.is_floating_point():
            assert measure.exact_samples, "samples are whole numbers: set exact_samples = True"
        elif measure.exact_samples:
            changed, _ = neighbours[-1]
            at_z, at_changed = (
                measure.sample_many(about.double(), DRAWS, generator((part,), z.device))[:, changed != z].cpu().numpy()
                for part, about in enumerate((z, changed))
            )
            assert np.isin(at_changed, at_z).mean() > SHARED, (
                "exact_samples is True, but samples do not lie on a common grid"
            )

    def test_samples_are_like_the_object(self, measure: SmoothingMeasure, z: Tensor) -> None:
        """Shape, dtype and device are kept, and the object is not modified."""
        before = z.clone()
        sample = measure.sample(z, generator((0,), z.device))
        assert (sample.shape, sample.dtype, sample.device) == (z.shape, z.dtype, z.device)
        assert torch.equal(z, before)

    def test_samples_are_a_function_of_the_generator(self, measure: SmoothingMeasure, z: Tensor) -> None:
        """Samples depend only on the generator, not on earlier calls. Global generators are not used."""

        def seed(number: int) -> None:
            torch.manual_seed(number)
            np.random.seed(number)
            random.seed(number)

        def states() -> tuple[object, ...]:
            return torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()  # type: ignore[index]

        def draws(key: int) -> list[Tensor]:
            single, many = (generator((7, key, part), z.device) for part in range(2))
            return [measure.sample(z, single), measure.sample_many(z, 3, many)]

        seed(1)
        before = states()
        first = [draws(key) for key in range(20)]
        assert states() == before
        seed(2)
        measure.sample(z, generator((8,), z.device))
        second = [draws(key) for key in reversed(range(20))][::-1]
        for a, b in zip(first, second, strict=True):
            assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))
        assert any(not torch.equal(first[0][0], other[0]) for other in first[1:])

    def test_many_samples_are_independent(self, measure: SmoothingMeasure, z: Tensor) -> None:
        """`sample_many` has the distribution of repeated calls of `sample`, and draws are independent."""
        before = z.clone()
        many = measure.sample_many(z, DRAWS, generator((1,), z.device))
        assert (many.shape, many.dtype, many.device) == ((DRAWS, *z.shape), z.dtype, z.device)
        assert torch.equal(z, before)
        source = generator((2,), z.device)
        single = torch.stack([measure.sample(z, source) for _ in range(DRAWS)])
        for name, statistic in _statistics(z, z + 1, 0):
            together, alone = (statistic(sample).cpu().numpy() for sample in (many, single))
            assert ks_2samp(together, alone, method="asymp").pvalue > CHANCE, name
            for values in (together, alone):
                for first, second in _pairs(values):
                    assert ks_2samp(first, second, method="asymp").pvalue > CHANCE, name
                    _assert_uncorrelated(first, second, name)

    def test_samples_of_different_objects_are_independent(
        self, measure: SmoothingMeasure, z: Tensor, neighbours: Neighbours
    ) -> None:
        """`sample_each` randomises every object independently, with the distribution of `sample`."""
        changed, _ = neighbours[0]
        objects = torch.stack([z, changed]).repeat(DRAWS // 2, *[1] * z.dim())
        samples = measure.sample_each(objects, generator((3,), z.device))
        assert (samples.shape, samples.dtype, samples.device) == (objects.shape, z.dtype, z.device)
        alone = measure.sample_many(changed, DRAWS // 2, generator((4,), z.device))
        for name, statistic in _statistics(z, changed, 0):
            first, second = (statistic(samples[part::2]).cpu().numpy() for part in range(2))
            assert ks_2samp(second, statistic(alone).cpu().numpy(), method="asymp").pvalue > CHANCE, name
            _assert_uncorrelated(first, second, name)

    def test_coordinates_are_independent_where_it_says_so(self, measure: SmoothingMeasure, z: Tensor) -> None:
        """Coordinates are independent if `coordinatewise` is True."""
        if not measure.coordinatewise:
            pytest.skip("not coordinatewise")
        source = generator((5,), z.device)
        samples = torch.stack([measure.sample(z, source) for _ in range(DRAWS)])
        change = (samples.double() - z.double()).flatten(1).cpu().numpy()
        for number in range(1, min(change.shape[1], 9)):
            for values in (change, np.abs(change), (change != 0).astype(np.float64)):
                _assert_uncorrelated(values[:, 0], values[:, number], f"coordinates 0 and {number}")

    def test_channel_is_what_samples_follow(self, measure: SmoothingMeasure, z: Tensor) -> None:
        """Rows of `channel` are probabilities and agree with frequencies of samples."""
        if measure.channel is None:
            pytest.skip("no channel")
        channel = measure.channel.astype(np.float64)
        num_classes = len(channel)
        assert channel.shape == (num_classes, num_classes)
        assert (channel >= 0).all()
        np.testing.assert_allclose(channel.sum(1), 1, rtol=0, atol=4e-16 * num_classes)
        for label, row in enumerate(channel):
            sample = measure.sample(
                torch.full((20_000,), label, dtype=z.dtype, device=z.device), generator((label,), z.device)
            )
            seen = np.bincount(sample.cpu().numpy(), minlength=num_classes)
            assert len(seen) == num_classes
            assert not seen[row == 0].any()
            expected = row[row > 0] / row.sum() * seen.sum()
            assert len(expected) == 1 or chisquare(seen[row > 0], expected).pvalue > CHANCE

    def test_gain_is_a_law(self, measure: SmoothingMeasure, z: Tensor, radii: list[float]) -> None:
        """``G`` is nondecreasing, concave, within ``[f, 1]``, and has the shape of its argument."""
        for radius in radii:
            for law in laws(measure, radius, z.shape):
                gain = np.exp(law.log_gain(LOG_F))
                f = np.exp(LOG_F)
                assert (gain[1:] >= gain[:-1]).all()
                assert (gain >= f * (1 - SLACK)).all()
                assert gain[-1] == 1
                nearness = (f[1:-1] - f[:-2]) / (f[2:] - f[:-2])
                chord = (1 - nearness) * gain[:-2] + nearness * gain[2:]
                assert (gain[1:-1] >= chord * (1 - SLACK)).all()
                assert law.log_gain(LOG_F.reshape(1, -1)).shape == (1, len(LOG_F))
                assert law.log_gain(np.array([-np.inf])) <= law.log_gain(LOG_F[:1])

    def test_gain_grows_with_distance(self, measure: SmoothingMeasure, z: Tensor, radii: list[float]) -> None:
        """The law at a distance dominates the laws at smaller distances."""
        gains = [np.exp(_worst_log_gain(measure, radius, z, LOG_F)) for radius in [0.0, *radii]]
        for nearer, farther in pairwise(gains):
            assert (farther >= nearer * (1 - SLACK)).all()

    def test_no_votes_certify_without_end(self, measure: SmoothingMeasure, z: Tensor, radii: list[float]) -> None:
        """Thresholds decrease strictly with the distance, unless distances are bounded."""
        if measure.diameter(z.shape) < inf:
            pytest.skip("distances are bounded")
        radius, before = radii[-1], 0.0
        while before > FARTHEST:
            threshold = min(law.log_threshold() for law in laws(measure, radius, z.shape))
            assert threshold < before, f"the law at distance {radius:g} allows no more than at half of it"
            radius, before = 2 * radius, threshold

    def test_threshold_agrees_with_gain(self, measure: SmoothingMeasure, z: Tensor, radii: list[float]) -> None:
        """``G`` of the threshold is at most one half. If the threshold is 0, ``G`` is at least one half everywhere."""
        for radius in radii:
            for law in laws(measure, radius, z.shape):
                threshold = law.log_threshold()
                assert threshold < 0
                if threshold > -np.inf:
                    assert np.exp(law.log_gain(np.array([threshold]))) <= 0.5 * (1 + SLACK)
                else:
                    assert np.exp(law.log_gain(LOG_F[:1])) >= 0.5 * (1 - SLACK)

    def test_kl_agrees_with_gain(self, measure: SmoothingMeasure, z: Tensor, radii: list[float]) -> None:
        """By data processing, no event has a larger divergence than the law."""
        for radius in radii:
            for law in laws(measure, radius, z.shape):
                assert law.kl() * (1 + SLACK) + SLACK >= _divergence_of_events(law).max()

    def test_closed_form_agrees_with_the_law(self, measure: SmoothingMeasure, z: Tensor) -> None:
        """The closed form agrees with the law from below, and a tie has radius 0 exactly."""
        tie = measure.closed_form_radius(np.log([0.5]), np.log([0.5]), z.shape)
        assert tie is None or tie == 0
        for less in (0.0, 1.0):
            fail, rival = LOG_F, LOG_F - less
            radius = measure.closed_form_radius(fail, rival, z.shape)
            if radius is None:
                pytest.skip("no closed form")
            assert (radius[np.exp(fail) + np.exp(rival) >= 1] == 0).all()
            assert not measure.distance.integer or (radius == np.round(radius)).all()
            for row in np.flatnonzero((radius > 0) & (radius < measure.diameter(z.shape))):
                bound = fail[row : row + 1], rival[row : row + 1]
                inside, outside = radius[row] * (1 - SLACK), radius[row] * (1 + SLACK)
                if measure.distance.integer:
                    inside, outside = radius[row], radius[row] + 1
                assert all((law.margin(*bound) > 0).all() for law in laws(measure, inside, z.shape))
                assert not all((law.margin(*bound) > 0).all() for law in laws(measure, outside, z.shape))

    def test_no_direction_exceeds_the_law(self, measure: SmoothingMeasure, z: Tensor, neighbours: Neighbours) -> None:
        """No event violates domination. The test is exact with a channel and Monte Carlo otherwise."""
        if measure.channel is None:
            _refute_by_draws(measure, z, neighbours)
        else:
            for number, (changed, distance) in enumerate(neighbours):
                _refute_by_enumeration(measure, z, changed, distance, number)

    def test_no_joint_change_exceeds_the_joint_law(
        self, measure: SmoothingMeasure, z: Tensor, joint_neighbours: JointNeighbours
    ) -> None:
        """No event violates domination if several parts change; if only the last does, as under its own law."""
        if not measure.beside:
            pytest.skip("one object")
        _refute_by_draws(measure, z, joint_neighbours)
        for _, (*_, radius) in joint_neighbours:
            at_zero = _worst_log_gain(measure, (*[0.0] * len(measure.beside), radius), z, LOG_F)
            np.testing.assert_array_equal(at_zero, _worst_log_gain(measure, radius, z, LOG_F))

    def test_joint_gain_grows_with_each_distance(
        self, measure: SmoothingMeasure, z: Tensor, joint_neighbours: JointNeighbours
    ) -> None:
        """The joint law dominates every law at which one of the distances is smaller."""
        for _, distances in joint_neighbours:
            whole = np.exp(_worst_log_gain(measure, distances, z, LOG_F))
            for place in range(len(distances)):
                less = (*distances[:place], 0.0, *distances[place + 1 :])
                assert (whole >= np.exp(_worst_log_gain(measure, less, z, LOG_F)) * (1 - SLACK)).all()


Distances = float | tuple[float, ...]
"""One distance, or one of each part of a product."""


def _worst_log_gain(measure: SmoothingMeasure, distance: Distances, z: Tensor, log_f: Float) -> Float:
    loss = measure.joint_loss(distance, z.shape) if isinstance(distance, tuple) else laws(measure, distance, z.shape)
    return np.asarray(np.max([law.log_gain(log_f) for law in (loss if isinstance(loss, list) else [loss])], axis=0))


def _limit(measure: SmoothingMeasure, distance: Distances, z: Tensor, f: float) -> float:
    with np.errstate(divide="ignore"):
        return float(np.exp(_worst_log_gain(measure, distance, z, np.log([f]))[0]))


def _divergence_of_events(law: PrivacyLoss) -> Float:
    """Return the KL divergence between the probabilities of each best event under the two laws."""
    f, gain = np.exp(LOG_F[:-1]), np.exp(law.log_gain(LOG_F[:-1]))
    with np.errstate(divide="ignore", invalid="ignore"):
        miss = np.where(gain < 1, (1 - gain) * np.log((1 - gain) / (1 - f)), 0)
    return np.asarray(gain * np.log(gain / f) + miss)


def _refute_by_enumeration(measure: SmoothingMeasure, z: Tensor, changed: Tensor, distance: float, seed: int) -> None:
    """Compare the law with best events, random events and the true divergence."""
    channel = measure.channel
    assert channel is not None
    mu, rho = noise(channel, z.flatten().tolist()), noise(channel, changed.flatten().tolist())
    rng = np.random.default_rng(seed)
    events = [best_event(mu, rho, f) for f in np.exp(LOG_F)]
    events += [(rng.random(len(mu)) < share).astype(np.float64) for share in rng.random(100)]
    for event in events:
        f, gain = min(1.0, float(event @ mu)), float(event @ rho)
        limit = _limit(measure, distance, z, f)
        assert gain <= limit * (1 + SLACK), f"an event of mass {f:g} becomes {gain:g} at distance {distance:g}"
    with np.errstate(divide="ignore", invalid="ignore"):
        divergence = float(np.where(rho > 0, rho * np.log(rho / mu), 0).sum())
    assert divergence <= max(law.kl() for law in laws(measure, distance, z.shape)) * (1 + SLACK)


def _refute_by_draws(measure: SmoothingMeasure, z: Tensor, neighbours: Sequence[tuple[Tensor, Distances]]) -> None:
    """Search half-spaces, balls, agreements and learned events that gain more probability than the law allows."""

    def draws(about: Tensor, part: int) -> Tensor:
        return measure.sample_many(about, DRAWS, generator((part,), z.device))

    pilot, mu = draws(z, 0), draws(z, 1)
    for number, (changed, distance) in enumerate(neighbours):
        learned_from, rho = draws(changed, 2 + 2 * number), draws(changed, 3 + 2 * number)
        for name, statistic in [
            *_statistics(z, changed, number),
            *_learned_statistics(z, changed, pilot, learned_from),
        ]:
            at_pilot, under_mu, under_rho = (statistic(sample) for sample in (pilot, mu, rho))
            for level in (0.5, 0.9, 0.99, 1.0):
                cut = at_pilot.quantile(level)
                hits, caught = int((under_mu > cut).sum()), int((under_rho > cut).sum())
                if hits == DRAWS or not caught:
                    continue
                f = float(beta.isf(CHANCE, hits + 1, DRAWS - hits))
                gain = float(beta.ppf(CHANCE, caught, DRAWS - caught + 1))
                limit = _limit(measure, distance, z, f)
                assert gain <= limit, f"{name} > {cut:g}, of mass {f:g}, becomes {gain:g} at distance {distance}"


def _pairs(values: Float) -> Iterator[tuple[Float, Float]]:
    """Yield pairs of halves that would be correlated if draws were shared between neighbours or blocks."""
    middle = len(values) // 2
    yield values[::2], values[1::2]
    yield values[: middle // 2 * 2 : 2], values[2 : middle // 2 * 2 + 2 : 2]
    yield values[:middle], values[middle : 2 * middle]


def _assert_uncorrelated(first: Float, second: Float, name: str) -> None:
    if np.ptp(first) > 0 and np.ptp(second) > 0:
        assert pearsonr(first, second).pvalue > CHANCE, f"{name}: draws are correlated"


def _learned_statistics(
    z: Tensor, changed: Tensor, under_mu: Tensor, under_rho: Tensor
) -> Iterator[tuple[str, Callable[[Tensor], Tensor]]]:
    """Yield statistics that are fitted to samples of both laws, for use on other samples."""
    old, new = z.flatten().double(), changed.flatten().double()
    common, at_z = (sample.flatten(1).mode(0).values for sample in (under_rho, under_mu))

    def features(w: Tensor) -> Tensor:
        flat = w.flatten(1).double()
        from_old, from_new = flat - old, flat - new
        one = torch.ones(len(flat), 1, dtype=torch.float64, device=z.device)
        columns = [from_old, from_old.abs(), from_new.abs(), from_old.square()]
        norms = [change.norm(order, 1)[:, None] for change in (from_old, from_new) for order in (1, 2, inf)]
        return torch.cat([one, *columns, *norms], 1)

    both = torch.cat([features(under_mu), features(under_rho)])
    scale = both.abs().amax(0).clamp(min=1e-300)
    kind = torch.tensor([0.0] * len(under_mu) + [1.0] * len(under_rho), dtype=torch.float64, device=z.device)
    ridge = both / scale
    gram = ridge.T @ ridge + 1e-6 * len(ridge) * torch.eye(ridge.shape[1], dtype=torch.float64, device=z.device)
    weights = torch.linalg.solve(gram, ridge.T @ kind)
    yield "learned score", lambda w: features(w) / scale @ weights
    yield (
        "commonest values of the changed object",
        lambda w: ((w.flatten(1) == common).sum(1) - (w.flatten(1) == at_z).sum(1)).double(),
    )


def _statistics(z: Tensor, changed: Tensor, seed: int) -> Iterator[tuple[str, Callable[[Tensor], Tensor]]]:
    """Yield named statistics ``(draws,)`` of samples ``(draws, ...)`` that may separate the two laws."""
    old, new = z.flatten().double(), changed.flatten().double()
    directions = torch.randn(2, len(old), generator=generator((seed,)), dtype=torch.float64).to(z.device)

    def flat(w: Tensor) -> Tensor:
        return w.flatten(1).double()

    yield "projection on the change", lambda w: flat(w) @ (new - old)
    yield "agreement with the changed object", lambda w: ((flat(w) == new).sum(1) - (flat(w) == old).sum(1)).double()
    yield "distance from the object", lambda w: (flat(w) - old).norm(dim=1)
    yield "nearness to the object", lambda w: -(flat(w) - old).norm(dim=1)
    yield "l1 nearness to the changed object", lambda w: (flat(w) - old).norm(1, 1) - (flat(w) - new).norm(1, 1)
    yield "relative nearness", lambda w: (flat(w) - old).norm(dim=1) / (flat(w) - new).norm(dim=1).clamp(min=1e-300)
    yield "largest coordinate", lambda w: (flat(w) - old).abs().amax(1)
    for direction in directions:
        yield "random projection", lambda w, d=direction: flat(w) @ d  # type: ignore[misc]
