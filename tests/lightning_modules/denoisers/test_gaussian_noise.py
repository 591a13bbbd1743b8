from typing import Any

import pytest
import torch
from torch import Tensor

from lightning_modules.denoisers import GaussianNoise, UNetDenoiser
from smoothing.measures import DenoisedMeasure, Gaussian
from smoothing.numerics.random import generator
from smoothing.provenance.origin import Origin
from tests.lightning_modules.denoisers.unets import Oracle


def test_just_the_certified_noise_is_applied() -> None:
    process = GaussianNoise(0.1, 0.5)
    assert [process.applied_sigma(sigma) for sigma in (0.1, 0.3, 0.5)] == [0.1, 0.3, 0.5]
    assert GaussianNoise(0.25).applied_sigma(0.25) == 0.25


@pytest.mark.parametrize(
    ("arguments", "sigma", "message"),
    [
        ({"sigma": 0.25}, 0.5, r"sigma = 0.5; must be 0.25, which the denoiser was trained for"),
        ({"sigma": 0.1, "largest": 0.5}, 0.51, r"sigma = 0.51; must be within \[0.1, 0.5\], which"),
        ({"sigma": 0.1, "largest": 0.5}, 0.09, r"sigma = 0.09; must be within \[0.1, 0.5\], which"),
    ],
)
def test_other_noise_is_refused(arguments: dict[str, Any], sigma: float, message: str) -> None:
    denoiser = UNetDenoiser(Oracle(lambda given, time: given), GaussianNoise(**arguments), Origin("A"), "float32")
    with pytest.raises(ValueError, match=f"^GaussianNoise: {message}"):
        DenoisedMeasure(Gaussian(sigma), denoiser)


def test_the_target_of_training_is_what_denoising_uses() -> None:
    process = GaussianNoise(0.25)
    x = torch.rand(4, 1, 8, 8)
    taught = process.training_batch(x, generator((0,)))

    def output(given: Tensor, time: Tensor) -> Tensor:
        torch.testing.assert_close(given, taught.given)
        assert (taught.time == time).all()
        return taught.target

    noisy = taught.given * (1 + 4 * 0.25**2) ** 0.5 / 2 + 0.5
    assert (noisy - x).std() == pytest.approx(0.25, rel=0.1)
    torch.testing.assert_close(process.denoise(Oracle(output), noisy, 0.25), x)


def test_noise_of_a_training_batch_has_the_stated_size() -> None:
    taught = GaussianNoise(0.1, 1.0).training_batch(torch.full((500, 1, 8, 8), 0.5), generator((0,)))
    sigma = taught.time / 1000
    assert 0.1 <= sigma.min() < 0.12
    assert 0.98 < sigma.max() <= 1.0
    noise = taught.given.std((1, 2, 3)) * (1 + 4 * sigma**2).sqrt() / 2
    torch.testing.assert_close(noise, sigma, rtol=0.4, atol=0)


@pytest.mark.parametrize("arguments", [{"sigma": 0.0}, {"sigma": 0.5, "largest": 0.4}, {"sigma": float("inf")}])
def test_arguments_out_of_their_range(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^GaussianNoise: \w+ = .*; must be finite"):
        GaussianNoise(**arguments)
