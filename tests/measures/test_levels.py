"""Measures on images with levels."""

import numpy as np
import pytest
import torch
from torch import Tensor

from smoothing.guarantees import NeymanPearson, VoteBound
from smoothing.measures import AnisotropicGaussian, Discrete, Gaussian, OnLevels, Quantised, Rounded, SparseDiscrete
from smoothing.numerics.random import generator

MEASURES = [Quantised(Discrete("0.2", 256)), Rounded(Gaussian(0.5)), Rounded(Gaussian(0.5), 256)]


def image(*codes: int) -> Tensor:
    return torch.tensor(codes).float() / 255


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("pixel", [0.5, -1 / 255, 256 / 255, 0.1 + 1e-5, float("nan"), float("inf")])
def test_pixels_off_the_grid_are_refused(measure: OnLevels, pixel: float) -> None:
    z = image(0, 17, 255, 128)
    z[2] = pixel
    with pytest.raises(
        ValueError, match=r"^(Quantised|Rounded): pixel = .+; must be a multiple of 1/255 within \[0, 1\]"
    ):
        measure.sample_many(z, 3, generator((0,)))


@pytest.mark.parametrize("measure", MEASURES)
def test_all_levels_are_read_however_they_were_divided(measure: OnLevels) -> None:
    codes = torch.arange(256)
    ways = [codes.float() / 255, codes.float() * (1 / 255), codes.double() / 255, (codes.double() / 255).float()]
    samples = [measure.sample(way, generator((1,))) for way in ways]
    for sample, way in zip(samples, ways, strict=True):
        assert sample.dtype == way.dtype
        assert torch.equal((sample * 255).round(), (samples[0] * 255).round())


def test_rounded_noise_has_no_trace_of_the_object() -> None:
    """One draw moves two objects by the same whole numbers of levels, also beyond 0 and 1."""
    measure = Rounded(Gaussian(0.5))
    first, second = image(0, 17, 255, 128), image(3, 254, 1, 127)
    moved = []
    for z in (first, second):
        sample = measure.sample_many(z, 500, generator((2,)))
        codes = sample.double() * 255
        assert (codes - codes.round()).abs().max() < 1e-4
        assert torch.equal(sample, codes.round().float() / 255)
        moved.append(codes.round() - (z * 255).round())
    assert torch.equal(*moved)
    assert (moved[0] + 255 < 0).any()


def test_rounded_noise_is_the_noise_rounded() -> None:
    measure, z = Gaussian(0.3), image(*range(0, 256, 5))
    exact = measure.sample_many(z.double(), 200, generator((3,)))
    rounded = Rounded(measure).sample_many(z, 200, generator((3,)))
    assert torch.equal((exact * 255).round(), (rounded.double() * 255).round())


def test_laws_are_those_within() -> None:
    bound = VoteBound(np.log([1e-3, 0.2, 0.55]), np.log([1e-3, 0.1, 0.3]))
    for outer in (*MEASURES, Rounded(AnisotropicGaussian([0.1, 0.2])), Quantised(SparseDiscrete("0.1", "0.3"))):
        assert outer.distance == outer.measure.distance
        expected = NeymanPearson().radius(outer.measure, bound, (2, 2))
        np.testing.assert_array_equal(NeymanPearson().radius(outer, bound, (2, 2)), expected)
        assert outer.exact_samples
        assert outer.assumptions == (f"inputs are multiples of 1/{outer.num_levels - 1} within [0, 1]",)


def test_only_samples_on_a_grid_are_exact() -> None:
    assert Discrete("0.1", 2).exact_samples
    assert SparseDiscrete("0.1", "0.1").exact_samples
    assert not Gaussian(0.5).exact_samples


def test_sigmas_must_fit_the_object() -> None:
    measure = AnisotropicGaussian([[0.1, 0.2, 0.3]])
    assert measure.sample(torch.zeros(2, 3), generator((0,))).shape == (2, 3)
    for shape in ((2, 4), (3,)):
        with pytest.raises(ValueError, match=r"AnisotropicGaussian: sigmas = .+; must broadcast to \["):
            measure.sample(torch.zeros(shape), generator((0,)))
