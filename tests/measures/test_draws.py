"""Noise follows its distribution function, without atoms, at ordinary and extreme parameters."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats

from smoothing.measures import (
    AdditiveNoise,
    AnisotropicGaussian,
    Gaussian,
    GaussianMixture,
    GeneralisedGaussian,
    Laplace,
    Rounded,
    SmoothingMeasure,
    Splitting,
    Uniform,
    UniformLinf,
)
from smoothing.numerics.random import generator

N = 400_000

Cdf = Callable[[np.ndarray], np.ndarray]


def mixture(x: np.ndarray) -> np.ndarray:
    return np.asarray(0.25 * stats.norm.cdf(x, scale=1e-3) + 0.75 * stats.norm.cdf(x, scale=1e3))


def generalised(scale: float, exponent: float) -> tuple[AdditiveNoise, Cdf]:
    """By the law of the certificate: SciPy's underflows at large exponents."""
    noise = GeneralisedGaussian(scale, exponent)
    return noise, lambda x: np.exp(noise.noise.log_cdf(np.asarray(x)))


CASES: list[tuple[AdditiveNoise, Cdf]] = [
    *((Gaussian(s), stats.norm(scale=s).cdf) for s in (1e-20, 0.5, 1e20)),
    (AnisotropicGaussian([0.5]), stats.norm(scale=0.5).cdf),
    (GaussianMixture([1e-3, 1e3], [1, 3]), mixture),
    *((Laplace(b), stats.laplace(scale=b).cdf) for b in (1e-20, 0.5, 1e20)),
    *((Uniform(w), stats.uniform(-w, 2 * w).cdf) for w in (1e-20, 0.5, 1e20)),
    (UniformLinf(0.5), stats.uniform(-0.5, 1).cdf),
    *(generalised(0.5, e) for e in (1.0, 1.5, 2.0, 20.0, 1e3)),
    *(generalised(s, 1e3) for s in (1e-20, 1e20)),
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize(("noise", "cdf"), CASES, ids=[repr(noise) for noise, _ in CASES])
def test_noise_follows_its_distribution_function(noise: AdditiveNoise, cdf: Cdf, dtype: torch.dtype) -> None:
    drawn = noise.draw(torch.zeros(N, 1, dtype=dtype), generator((0,))).double().flatten().numpy()
    assert np.isfinite(drawn).all()
    assert stats.kstest(drawn, cdf).pvalue > 1e-7
    sizes = np.abs(drawn)
    assert np.unique(sizes, return_counts=True)[1].max() <= 10, "an atom"
    assert stats.kstest(sizes, lambda x: 2 * cdf(x) - 1).pvalue > 1e-7


@pytest.mark.parametrize(("noise", "cdf"), CASES, ids=[repr(noise) for noise, _ in CASES])
def test_rounded_noise_has_the_mass_of_every_level(noise: AdditiveNoise, cdf: Cdf) -> None:
    measure = Rounded(noise, 9)
    if not noise.draw(torch.zeros(9, 1), generator((1,))).abs().max() < 1e5:
        with pytest.raises(ValueError, match=r"Rounded: noise = .+; must be at most"):
            measure.sample_many(torch.zeros(1), N, generator((1,)))
        return
    levels = (8 * measure.sample_many(torch.zeros(1, dtype=torch.float64), N, generator((1,)))).round().numpy()
    ends = np.arange(-400, 401) - 0.5
    expected = np.diff(cdf(ends / 8)) * N
    common = expected > 10
    seen = np.histogram(levels, ends)[0]
    rest = N - expected[common].sum(), N - seen[common].sum()
    assert stats.chisquare([*seen[common], rest[1] + 10], [*expected[common], rest[0] + 10]).pvalue > 1e-7


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("noise", [*(noise for noise, _ in CASES if "0.5" in repr(noise)), Splitting(0.75)], ids=repr)
def test_half_precision_is_rounded_after_the_sum(noise: SmoothingMeasure, dtype: torch.dtype) -> None:
    """A draw in half precision would have atoms of its own."""
    z = torch.full((N, 1), 0.4, dtype=dtype)
    assert torch.equal(noise.sample_each(z, generator((2,))), noise.sample_each(z.float(), generator((2,))).to(dtype))


def test_lengths_that_single_precision_cannot_draw_are_refused() -> None:
    for kind in (Gaussian, Laplace, Uniform, UniformLinf, lambda s: GeneralisedGaussian(s, 2.0)):
        for length in (1e-50, 1e50):
            with pytest.raises(ValueError, match=r"^\w+: \w+ = .+; must be within \[1e-30, 1e\+30\]"):
                kind(length)
    for sigmas in ([0.5, 1e-50], [1e50]):
        for both in (AnisotropicGaussian, GaussianMixture):
            with pytest.raises(ValueError, match=r"^\w+: sigmas = .+; must be within \[1e-30, 1e\+30\]"):
                both(sigmas)
    with pytest.raises(ValueError, match=r"GeneralisedGaussian: exponent = 1001.0; must be within"):
        GeneralisedGaussian(0.5, 1001.0)
