from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler
from torch import Tensor

from lightning_modules.denoisers import Diffusion, UNetDenoiser
from smoothing.measures import DenoisedMeasure, Gaussian
from smoothing.numerics.random import generator
from smoothing.provenance.origin import Origin
from tests.lightning_modules.denoisers.unets import Oracle, tiny

SCHEDULES: list[dict[str, Any]] = [
    {},
    {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
    {"beta_schedule": "squaredcos_cap_v2"},
    {"num_train_timesteps": 4000, "beta_schedule": "squaredcos_cap_v2"},
    {"trained_betas": [0.1, 0.2, 0.3, 0.9]},
    {"rescale_betas_zero_snr": True},
]
PREDICTIONS = ["epsilon", "sample", "v_prediction"]


@pytest.mark.parametrize(
    ("sigma", "step", "applied"), [(0.1, 58, 0.1010), (0.25, 145, 0.2516), (0.5, 259, 0.5024), (1.0, 396, 1.0002)]
)
def test_the_step_of_a_sigma_is_the_published_one(sigma: float, step: int, applied: float) -> None:
    process = Diffusion()
    assert process.step(sigma) == step
    assert process.applied_sigma(sigma) == pytest.approx(applied, abs=5e-5)


@pytest.mark.parametrize("scheduler", SCHEDULES)
@pytest.mark.parametrize("sigma", [0.05, 0.25, 1.0])
def test_it_is_the_first_step_with_enough_noise(scheduler: dict[str, Any], sigma: float) -> None:
    abar = DDPMScheduler(**scheduler).alphas_cumprod.double().numpy()
    process = Diffusion(scheduler)
    step = process.step(sigma)
    with np.errstate(divide="ignore"):
        noise = (1 - abar) / abar
    assert noise[step] >= (2 * sigma) ** 2
    assert (noise[:step] < (2 * sigma) ** 2).all()
    assert process.applied_sigma(sigma) >= sigma


def test_certified_is_never_more_than_applied() -> None:
    process = Diffusion()
    for sigma in torch.rand(2000, generator=torch.Generator().manual_seed(0), dtype=torch.float64).tolist():
        assert process.applied_sigma(sigma) >= sigma
    for step in range(999):
        # As much as a step has, and a little more.
        sigma = float(process._sigmas[step])
        assert process.step(sigma) == step
        assert process.applied_sigma(np.nextafter(sigma, np.inf)) > sigma


@pytest.mark.parametrize("scheduler", SCHEDULES)
def test_no_sigma_beyond_the_schedule(scheduler: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^Diffusion: sigma = 1e\+20; must be at most .*, where the schedule ends$"):
        DenoisedMeasure(Gaussian(1e20), UNetDenoiser(tiny(), Diffusion(scheduler), Origin("A"), "float32"))


@pytest.mark.parametrize("sigma", [0.1, 0.25, 0.5, 1.0])
def test_the_unet_is_given_the_law_that_it_knows_with_at_least_the_noise_that_is_certified(sigma: float) -> None:
    process = Diffusion()
    oracle = Oracle(lambda given, time: given)
    denoiser = UNetDenoiser(oracle, process, Origin("A"), "float32")
    z = torch.tensor([0.0, 0.25, 1.0]).reshape(1, 1, 3)
    measure = DenoisedMeasure(Gaussian(sigma), denoiser, batch_size=60_000)
    measure.sample_many(z, 60_000, generator((1,)))
    ((given, step),) = oracle.calls
    abar = float(DDPMScheduler().alphas_cumprod[step])
    # Ho et al. 2020, equation 4, of images on [-1, 1].
    torch.testing.assert_close(given.mean(0), abar**0.5 * (2 * z - 1), rtol=0, atol=0.02)
    torch.testing.assert_close(given.std(0), torch.full_like(z, (1 - abar) ** 0.5), rtol=0.01, atol=0)
    # The same law on the scale of the images: the measure's, and no less than is certified.
    image = (given / abar**0.5 + 1) / 2
    torch.testing.assert_close(image.std(0), torch.full_like(z, measure.applied_sigma), rtol=0.01, atol=0)
    assert measure.applied_sigma == pytest.approx(((1 - abar) / abar) ** 0.5 / 2, rel=1e-12)
    assert measure.applied_sigma >= sigma == measure.measure.sigma


@pytest.mark.parametrize("kind", PREDICTIONS)
def test_the_target_of_training_is_what_denoising_uses(kind: str) -> None:
    process = Diffusion({"prediction_type": kind})
    x = torch.rand(16, 1, 4, 4)
    taught = process.training_batch(x, generator((0,)))
    abar = DDPMScheduler().alphas_cumprod[taught.time].reshape(-1, 1, 1, 1)
    clean = process._prediction.clean(taught.given, taught.target, abar.sqrt(), (1 - abar).sqrt())
    torch.testing.assert_close((clean + 1) / 2, x, rtol=0, atol=2e-2)
    scheduler = DDPMScheduler()
    noise = (taught.given - abar.sqrt() * (2 * x - 1)) / (1 - abar).sqrt()
    torch.testing.assert_close(taught.given, scheduler.add_noise(2 * x - 1, noise, taught.time), rtol=0, atol=1e-5)
    velocity = scheduler.get_velocity(2 * x - 1, noise, taught.time)
    wanted = {"epsilon": noise, "sample": 2 * x - 1, "v_prediction": velocity}[kind]
    torch.testing.assert_close(taught.target, wanted, rtol=0, atol=2e-3)
    assert 0.9 < noise.std() < 1.1


@pytest.mark.parametrize("kind", PREDICTIONS)
@pytest.mark.parametrize("steps", [1, 4, 2000])
@pytest.mark.parametrize("scheduler", SCHEDULES[:3])
def test_a_unet_that_knows_the_image_gives_it_back(kind: str, steps: int, scheduler: dict[str, Any]) -> None:
    process = Diffusion(scheduler | {"prediction_type": kind}, steps)
    abar = DDPMScheduler(**scheduler).alphas_cumprod
    x = torch.rand(3, 2, 4, 4)

    def output(given: Tensor, time: int) -> Tensor:
        signal, noise = abar[time].sqrt(), (1 - abar[time]).sqrt()
        epsilon = (given - signal * (2 * x - 1)) / noise
        wanted = {"epsilon": epsilon, "sample": 2 * x - 1, "v_prediction": signal * epsilon - noise * (2 * x - 1)}[kind]
        # Further channels hold the variance.
        return torch.cat([wanted, torch.full_like(wanted, 9.0)], 1)

    oracle = Oracle(output, channels=2, out=4)
    denoiser = UNetDenoiser(oracle, process, Origin("A"), "float32")
    noisy = x + denoiser.applied_sigma(0.5) * torch.randn(x.shape, generator=generator((0,)))
    torch.testing.assert_close(denoiser(noisy, 0.5), x, rtol=0, atol=1e-4)
    last = process.step(0.5)
    assert len(oracle.calls) == min(steps, last + (steps > last))
    assert oracle.calls[0][1] == last


@pytest.mark.parametrize("kind", PREDICTIONS)
def test_one_step_is_what_diffusers_makes_of_it(kind: str) -> None:
    unet, scheduler = tiny(), DDPMScheduler(prediction_type=kind, clip_sample=True)
    process = Diffusion({"prediction_type": kind})
    x = torch.rand(2, 1, 8, 8)
    step = process.step(0.25)
    x_t = scheduler.alphas_cumprod[step].sqrt() * (2 * x - 1)
    with torch.no_grad():
        wanted = scheduler.step(unet(x_t, step).sample, step, x_t).pred_original_sample
        torch.testing.assert_close(process.denoise(unet, x, 0.25), (wanted + 1) / 2, rtol=0, atol=1e-5)


def test_several_steps_are_those_of_the_deterministic_sampler_of_diffusers() -> None:
    # Of 1000 steps every hundredth; of these, those after the first are ours.
    sampler = DDIMScheduler(clip_sample=True)
    sampler.set_timesteps(10)
    sigma = float(Diffusion()._sigmas[900])
    unet, x = tiny(), torch.rand(2, 1, 8, 8)
    sample = sampler.alphas_cumprod[900].sqrt() * (2 * x - 1)
    with torch.no_grad():
        for time in sampler.timesteps[:-1]:
            made = sampler.step(unet(sample, time).sample, time, sample, use_clipped_model_output=True)
            sample = made.prev_sample
        ours = Diffusion(steps=9).denoise(unet, x, sigma)
    torch.testing.assert_close(ours, (made.pred_original_sample + 1) / 2, rtol=0, atol=1e-4)


def test_rows_do_not_mix() -> None:
    process, unet = Diffusion(steps=3), tiny()
    x = torch.rand(4, 1, 8, 8)
    with torch.no_grad():
        first = process.denoise(unet, x, 0.5)
        x[1:] = 0
        torch.testing.assert_close(process.denoise(unet, x, 0.5)[0], first[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 0}, "Diffusion: steps = 0; must be at least 1"),
        ({"scheduler": {"beta_schedul": "linear"}}, "Diffusion: scheduler = .*; must be arguments of DDPMScheduler"),
        ({"scheduler": {"beta_schedule": "steep"}}, "Diffusion: scheduler = .*steep.*; must be arguments"),
        ({"scheduler": {"prediction_type": "mood"}}, "prediction_type = mood; must be one of epsilon, sample, v_pred"),
    ],
)
def test_arguments_out_of_their_range(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Diffusion(**arguments)
