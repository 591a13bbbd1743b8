import torch

from lightning_modules.denoisers import NoDenoiser
from smoothing.measures import DenoisedMeasure, Gaussian
from smoothing.numerics.random import generator


def test_it_is_plain_noise() -> None:
    z, noise = torch.rand(5, 3, 4, 4), Gaussian(0.3)
    measure = DenoisedMeasure(noise, NoDenoiser(), batch_size=5)
    assert torch.equal(measure.sample(z, generator((1,))), noise.sample(z, generator((1,))))
    assert measure.resembles is noise
    assert measure.applied_sigma == 0.3
    assert measure.checkpoint is None
    assert measure.assumptions == ()
    assert measure.denoiser.trained_on == ()
