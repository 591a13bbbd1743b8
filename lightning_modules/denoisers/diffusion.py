"""Denoising diffusion as a process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import NoneType
from typing import Any

import torch
from torch import Tensor, nn

from lightning_modules.denoisers.process import Process, TrainingBatch
from smoothing.arguments import at_least, instance

Mix = Callable[[Tensor, Tensor, Any, Any], Tensor]
"""Maps two images, and the factors of clean image and noise with ``signal^2 + noise^2 = 1``, to an image."""

GENERATION_STEPS = 50
"""Number of steps to generate images from noise."""


@dataclass(frozen=True)
class Prediction:
    """A type of prediction of a UNet for ``x_t = signal * x_0 + noise * epsilon``.

    Attributes:
        target: Computes the target from ``x_0``, ``epsilon``, signal and noise.
        clean: Computes the predicted ``x_0`` from ``x_t``, the output of the UNet, signal and noise.
    """

    target: Mix
    clean: Mix


PREDICTIONS = {
    "epsilon": Prediction(
        target=lambda x_0, epsilon, signal, noise: epsilon,
        clean=lambda x_t, output, signal, noise: (x_t - noise * output) / signal,
    ),
    "sample": Prediction(
        target=lambda x_0, epsilon, signal, noise: x_0,
        clean=lambda x_t, output, signal, noise: output,
    ),
    "v_prediction": Prediction(
        target=lambda x_0, epsilon, signal, noise: signal * epsilon - noise * x_0,
        clean=lambda x_t, output, signal, noise: signal * x_t - noise * output,
    ),
}
"""Types of prediction by their names in diffusers (Ho et al. 2020; Salimans and Ho 2022)."""


class Diffusion(Process):
    """A Markov chain that turns images into noise in many steps, and a UNet that reverses it (Ho et al. 2020).

    After step ``t``, an image ``x`` on [-1, 1] is ``sqrt(abar_t) x + sqrt(1 - abar_t) epsilon``. Divided by the
    first root, this is ``x`` plus noise of standard deviation ``sqrt((1 - abar_t) / abar_t)``, twice that on the scale
    [0, 1]. For a
    certified sigma, ``t*`` is the first step with at least that noise (THEORY.md section 6; Carlini et al. 2022).

    Args:
        scheduler: Arguments of `diffusers.DDPMScheduler`: ``num_train_timesteps``, ``beta_schedule``, ``beta_start``,
            ``beta_end``, ``prediction_type`` and so on. Default: 1000 linear steps, and prediction of the noise.
        steps: Number of denoising steps, at least 1. Several steps use the deterministic sampler of Song et al. (2021),
            evenly spaced from ``t*``, without repetition.

    Raises:
        ValueError: If diffusers refuses the arguments, or an argument is out of its range.
    """

    def __init__(self, scheduler: Mapping[str, Any] | None = None, steps: int = 1) -> None:
        # Imported here, since importing diffusers takes seconds.
        from diffusers import DDPMScheduler

        at_least(self, 1, steps=steps)
        instance(self, (Mapping, NoneType), scheduler=scheduler)
        given = dict(scheduler or {})
        try:
            self._made = DDPMScheduler(**given)
        except (TypeError, ValueError, RuntimeError, NotImplementedError) as error:
            raise ValueError(f"Diffusion: scheduler = {given}; must be arguments of DDPMScheduler: {error}") from error
        # With the defaults of diffusers, so that equal schedules have equal descriptions.
        self.scheduler = {name: value for name, value in self._made.config.items() if not name.startswith("_")}
        self.steps = steps
        kind = self._made.config.prediction_type
        if kind not in PREDICTIONS:
            raise ValueError(f"Diffusion: prediction_type = {kind}; must be one of {', '.join(PREDICTIONS)}")
        self._prediction = PREDICTIONS[kind]
        self._abar = self._made.alphas_cumprod.double()
        self._sigmas = ((1 - self._abar) / self._abar).sqrt() / 2

    def step(self, sigma: float) -> int:
        """Return ``t*``: the first step with at least noise ``sigma``, counted from 0.

        Raises:
            ValueError: If no step has that much noise.
        """
        enough = (self._sigmas >= sigma) & self._sigmas.isfinite()
        if not enough.any():
            largest = self._sigmas[self._sigmas.isfinite()].max()
            raise ValueError(f"Diffusion: sigma = {sigma}; must be at most {largest:.4g}, where the schedule ends")
        return int(enough.long().argmax())

    def applied_sigma(self, sigma: float) -> float:
        """Return the noise after step ``t*``; see `Process.applied_sigma`."""
        return float(self._sigmas[self.step(sigma)])

    def training_batch(self, x: Tensor, generator: torch.Generator) -> TrainingBatch:
        """Add noise of random steps; see `Process.training_batch`."""
        time = torch.randint(len(self._abar), (len(x),), generator=generator, device=x.device)
        epsilon = torch.empty_like(x).normal_(generator=generator)
        abar = self._abar.to(x.device)[time].to(x.dtype).reshape(-1, 1, 1, 1)
        signal, noise, clean = abar.sqrt(), (1 - abar).sqrt(), 2 * x - 1
        target = self._prediction.target(clean, epsilon, signal, noise)
        return TrainingBatch(signal * clean + noise * epsilon, time, target)

    def denoise(self, unet: nn.Module, noisy: Tensor, sigma: float) -> Tensor:
        """See `Process.denoise`."""
        last = self.step(sigma)
        signal, _ = self._shares(last)
        return self._walk(unet, signal * (2 * noisy - 1), last, self.steps)

    def generate(self, unet: nn.Module, start: Tensor) -> Tensor:
        """See `Process.generate`."""
        return self._walk(unet, start, len(self._abar) - 1, GENERATION_STEPS)

    def save(self, unet: Any, folder: Path) -> None:
        """Save a complete `diffusers.DDPMPipeline`; see `Process.save`."""
        from diffusers import DDPMPipeline

        DDPMPipeline(unet, self._made).save_pretrained(folder)

    def _walk(self, unet: nn.Module, x: Tensor, last: int, steps: int) -> Tensor:
        """Denoise from step ``last`` to a clean image."""
        times = sorted({round(last * (1 - done / steps)) for done in range(steps)}, reverse=True)
        clean = self._clean(unet, x, times[0])
        for now, after in pairwise(times):
            (signal, noise), (next_signal, next_noise) = self._shares(now), self._shares(after)
            x = next_signal * clean + next_noise * (x - signal * clean) / noise
            clean = self._clean(unet, x, after)
        return (clean + 1) / 2

    def _clean(self, unet: nn.Module, x: Tensor, time: int) -> Tensor:
        # Further channels are predicted variances.
        output = unet(x, time).sample[:, : x.shape[1]]
        return self._prediction.clean(x, output, *self._shares(time)).clamp(-1, 1)

    def _shares(self, time: int) -> tuple[float, float]:
        abar = float(self._abar[time])
        return abar**0.5, (1 - abar) ** 0.5
