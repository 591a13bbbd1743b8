from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from smoothing.measures import AnisotropicGaussian, DenoisedMeasure, Gaussian, SmoothingMeasure, Unchanged
from smoothing.numerics.random import generator
from tests.denoisers import Blur, Spy
from tests.measures.test_conformance import Pushed


class TestDenoised(Pushed):
    norm = 2

    @pytest.fixture(params=[1.0, 1.5], ids=["as-certified", "more-noise"])
    def measure(self, request: pytest.FixtureRequest) -> SmoothingMeasure:
        return DenoisedMeasure(Gaussian(0.5), Blur(request.param), batch_size=16)

    @pytest.fixture
    def refused(self) -> Sequence[Callable[[], object]]:
        return [
            lambda: DenoisedMeasure(Gaussian(0.5), Blur(), batch_size=0),
            lambda: DenoisedMeasure(Gaussian(0.5), Blur(1 - 1e-15)),
            lambda: DenoisedMeasure(Gaussian(0.5), Blur(float("nan"))),
        ]


class TestUnchanged(Pushed):
    norm = 2

    @pytest.fixture
    def measure(self) -> SmoothingMeasure:
        return Unchanged()

    def test_samples_are_a_function_of_the_generator(self, measure: SmoothingMeasure, z: Tensor) -> None:
        assert torch.equal(measure.sample(z, generator((0,))), z)

    def test_says_whether_samples_are_exact(self, measure: SmoothingMeasure, z: Tensor, neighbours: list) -> None:
        """Samples of different objects have no value in common, and nothing is certified."""
        assert not measure.closed_form_radius(np.array([-np.inf]), np.array([-np.inf]), z.shape).any()


def test_the_guarantee_is_that_of_the_certified_noise() -> None:
    bounds = np.log([1e-3, 0.2]), np.log([1e-3, 0.1])
    denoised, plain = DenoisedMeasure(Gaussian(0.25), Blur(4.0)), Gaussian(0.25)
    assert denoised.closed_form_radius(*bounds, (1, 2, 3)).tolist() == plain.closed_form_radius(*bounds, ()).tolist()
    assert denoised.distance == plain.distance
    assert denoised.privacy_loss(0.5, (1, 2, 3)).kl() == plain.privacy_loss(0.5, ()).kl()
    assert not denoised.exact_samples


@pytest.mark.parametrize("measure", [Gaussian(0.25), AnisotropicGaussian([0.2, 0.5, 2.0])])
def test_the_denoiser_is_given_the_object_plus_as_much_noise_as_it_asks_for(measure: Gaussian) -> None:
    z = torch.full((1, 2, 3), 0.75)
    denoised = DenoisedMeasure(measure, Spy(1.25))
    given = denoised.sample_many(z, 40_000, generator((1,))) - z
    certified = measure.draw(z.expand(40_000, 1, 2, 3), generator((2,)))
    assert given.mean((0, 1, 2)).abs().max() < 0.06
    torch.testing.assert_close(given.std((0, 1, 2)), 1.25 * certified.std((0, 1, 2)), rtol=0.02, atol=0)


def test_without_more_noise_the_draws_are_those_that_are_certified() -> None:
    z = torch.rand(16, 1, 2, 3)
    measure = DenoisedMeasure(Gaussian(0.3), Spy(), batch_size=16)
    assert torch.equal(measure.sample(z, generator((1,))), Gaussian(0.3).sample_each(z, generator((1,))))


def test_a_version_does_not_depend_on_how_many_are_drawn() -> None:
    z = torch.rand(11, 1, 2, 3)
    measure = DenoisedMeasure(Gaussian(0.3), Blur(), batch_size=4)
    every = measure.sample_each(z, generator((1,)))
    for count in (1, 4, 7):
        assert torch.equal(measure.sample_each(z[:count], generator((1,))), every[:count])
    assert torch.equal(measure.sample_many(z[0], 3, generator((1,))), measure.sample_many(z[0], 9, generator((1,)))[:3])


def test_batches_are_filled_up() -> None:
    spy = Spy()
    DenoisedMeasure(Gaussian(0.3), spy, batch_size=4).sample_each(torch.rand(9, 1, 5, 5), generator((1,)))
    assert spy.given == [(4, 1, 5, 5)] * 3


def test_an_object_may_be_a_training_set() -> None:
    z = torch.rand(6, 1, 2, 3)
    measure = DenoisedMeasure(Gaussian(0.3), Blur(), batch_size=4)
    one = measure.sample(z, generator((1,)))
    assert torch.equal(one, measure.sample_each(z, generator((1,))))
    two = measure.sample_many(z, 2, generator((1,)))
    assert two.shape == (2, *z.shape)
    assert torch.equal(two[0], one)
    assert not torch.equal(two[1], one)


def test_gradients_pass_through_where_they_are_wanted() -> None:
    z = torch.rand(6, 1, 2, 3, requires_grad=True)
    measure = DenoisedMeasure(Gaussian(0.3), Blur(), batch_size=4)
    measure.sample(z, generator((1,))).sum().backward()
    torch.testing.assert_close(z.grad, torch.ones_like(z))
    with torch.no_grad():
        assert not measure.sample(z, generator((1,))).requires_grad


def test_networks_behind_a_denoiser_see_clean_images() -> None:
    assert isinstance(DenoisedMeasure(Gaussian(0.3), Blur()).resembles, Unchanged)
    plain = Gaussian(0.3)
    assert plain.resembles is plain


@pytest.mark.parametrize(
    ("z", "said"),
    [
        (torch.zeros(3, 2, 3), r"Blur: images of shape \[3, 2, 3\]; must be \[1, 2, 3\], channels, height and width"),
        (torch.zeros(2, 3), r"Blur: images of shape \[2, 3\]; must be"),
        (torch.full((1, 2, 3), 255.0), r"Blur: pixels from 255 to 255; must be within \[0, 1\]"),
        (torch.full((1, 2, 3), -0.1), r"Blur: pixels from -0.1 to -0.1; must be within \[0, 1\]"),
        (torch.full((1, 2, 3), float("nan")), r"Blur: pixels from nan to nan; must be within \[0, 1\]"),
    ],
)
def test_what_the_denoiser_was_not_made_for_is_refused(z: Tensor, said: str) -> None:
    measure = DenoisedMeasure(Gaussian(0.3), Blur())
    with pytest.raises(ValueError, match=said):
        measure.check(z)
    with pytest.raises(ValueError, match=said):
        measure.sample(z, generator((1,)))


class Mixing(Blur):
    """Subtracts the mean image of the batch."""

    def forward(self, noisy: Tensor, sigma: float) -> Tensor:
        return super().forward(noisy, sigma) - noisy.mean(0)


def test_a_denoiser_that_mixes_images_is_refused() -> None:
    message = r"^Mixing: output of a row changes by .*; must depend on that row alone"
    for z in (torch.rand(1, 2, 3), torch.rand(5, 1, 2, 3)):
        with pytest.raises(ValueError, match=message):
            DenoisedMeasure(Gaussian(0.3), Mixing(), batch_size=4).check(z)
    # Images that are denoised one by one have no neighbours.
    DenoisedMeasure(Gaussian(0.3), Mixing(), batch_size=1).check(torch.rand(1, 2, 3))


def test_a_denoiser_is_checked_once_for_a_shape() -> None:
    spy = Spy()
    measure = DenoisedMeasure(Gaussian(0.3), spy, batch_size=4)
    for _ in range(3):
        measure.check(torch.rand(1, 2, 3))
    assert spy.given == [(2, 1, 2, 3)] * 3
