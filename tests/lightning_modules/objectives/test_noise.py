import pytest
import torch

from lightning_modules.objectives import Noise
from smoothing.measures import Gaussian, GaussianMixture, Laplace, SmoothingMeasure, Splitting

KEY = (0, 1, 2)
MEASURES = [Gaussian(0.5), GaussianMixture([0.1, 10.0]), Laplace(0.3), Splitting(0.5)]


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: type(measure).__name__)
def test_draws_are_repeatable_and_independent_of_each_other(measure: SmoothingMeasure) -> None:
    x = torch.rand(4, 1, 5, 5)
    noise = Noise(measure, KEY)
    first, second = noise.draws(3), noise.draws(3)
    assert torch.equal(first(x), first(x))
    assert torch.equal(first(x), Noise(measure, KEY).draws(3)(x))
    noisy = torch.cat([first(x), second(x), Noise(measure, (0, 1, 3)).draws(3)(x)]).view(9, 4, 25)
    pairs = [(i, j) for i in range(9) for j in range(i)]
    assert not any(torch.equal(noisy[i], noisy[j]) for i, j in pairs)


def test_draws_come_one_after_the_other() -> None:
    x = torch.rand(4, 25)
    noisy = Noise(Gaussian(1e-6), KEY).draws(3)(x)
    torch.testing.assert_close(noisy, x.repeat(3, 1), atol=1e-4, rtol=0)


def test_each_object_and_draw_has_a_scale_of_its_own() -> None:
    x = torch.zeros(64, 100)
    scales = Noise(GaussianMixture([0.1, 10.0]), KEY).draws(2)(x).std(1)
    small = (scales < 1).view(2, 64)
    assert ((scales - torch.where(scales < 1, 0.1, 10.0)).abs() / scales < 0.5).all()
    assert 40 < int(small.sum()) < 88
    assert 16 < int((small[0] != small[1]).sum()) < 48


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: type(measure).__name__)
def test_gradients_pass_through_as_through_a_sum(measure: SmoothingMeasure) -> None:
    x = torch.rand(4, 25, requires_grad=True)
    draws = Noise(measure, KEY).draws(3)
    weights = torch.rand(12, 25)
    noisy = draws(x)
    torch.testing.assert_close(noisy.detach(), draws(x.detach()))
    (noisy * weights).sum().backward()
    torch.testing.assert_close(x.grad, weights.view(3, 4, 25).sum(0))
