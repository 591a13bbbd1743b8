import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from smoothing.attacks import Ball, L1Ball, L2Ball, LinfBall, ScaledBall, ball_of
from smoothing.distance import Distance
from smoothing.measures import AnisotropicGaussian, Gaussian, LabelFlip, Laplace, UniformLinf

SCALE = torch.tensor([[0.5, 1.0, 4.0], [2.0, 1.0, 0.25]], dtype=torch.float64)
BALLS: dict[str, Ball] = {"l1": L1Ball(), "l2": L2Ball(), "linf": LinfBall(), "scaled": ScaledBall(L2Ball(), SCALE)}
SIZES = {
    "l1": lambda change: change.abs().sum((1, 2)),
    "l2": lambda change: change.square().sum((1, 2)).sqrt(),
    "linf": lambda change: change.abs().amax((1, 2)),
    "scaled": lambda change: (change / SCALE).square().sum((1, 2)).sqrt(),
}
DUALS = {
    "l1": SIZES["linf"],
    "l2": SIZES["l2"],
    "linf": SIZES["l1"],
    "scaled": lambda gradient: (gradient * SCALE).square().sum((1, 2)).sqrt(),
}


def changes(seed: int, batch: int = 20) -> Tensor:
    return torch.randn(batch, 2, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("name", BALLS)
@given(seed=st.integers(0, 1000), radius=st.sampled_from([0.0, 1e-3, 0.5, 2.0, 50.0]))
def test_projections_are_inside_and_change_nothing_inside(name: str, seed: int, radius: float):
    ball, change = BALLS[name], changes(seed)
    radii = torch.full((len(change),), radius, dtype=torch.float64)
    inside = ball.project(change, radii)
    torch.testing.assert_close(ball.size(inside), SIZES[name](inside))
    assert (SIZES[name](inside) <= radii * (1 + 1e-12)).all()
    kept = SIZES[name](change) <= radii
    torch.testing.assert_close(inside[kept], change[kept])
    torch.testing.assert_close(SIZES[name](inside)[~kept], radii[~kept])


@pytest.mark.parametrize("name", ["l1", "l2", "linf"])
@given(seed=st.integers(0, 1000))
def test_the_projection_is_the_nearest_point(name: str, seed: int):
    """At the projection, no other point of the ball is in the direction of the change."""
    ball, change = BALLS[name], changes(seed)
    radii = torch.full((len(change),), 0.7, dtype=torch.float64)
    inside = ball.project(change, radii)
    others = ball.project(3 * changes(seed + 1), radii)
    for other in others:
        assert (((other - inside) * (change - inside)).sum((1, 2)) <= 1e-12).all()


def test_every_object_has_its_own_radius():
    change = torch.ones(3, 1, 4, dtype=torch.float64)
    radii = torch.tensor([0.0, 1.0, 100.0], dtype=torch.float64)
    assert L1Ball().project(change, radii)[:, 0, 0].tolist() == [0.0, 0.25, 1.0]
    assert L2Ball().project(change, radii)[:, 0, 0].tolist() == [0.0, 0.5, 1.0]
    assert LinfBall().project(change, radii / 2)[:, 0, 0].tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize("name", BALLS)
@given(seed=st.integers(0, 1000), power=st.sampled_from([1.0, 1e-200, 1e150]))
def test_the_step_of_steepest_ascent_gains_most(name: str, seed: int, power: float):
    gradient = power * changes(seed)
    step = BALLS[name].uphill(gradient)
    torch.testing.assert_close(SIZES[name](step), torch.ones(len(step), dtype=torch.float64))
    gain = (step * (gradient / power)).sum((1, 2))
    torch.testing.assert_close(gain, DUALS[name](gradient / power))


@pytest.mark.parametrize("name", BALLS)
def test_a_zero_gradient_gives_a_zero_step(name: str):
    assert not BALLS[name].uphill(torch.zeros(2, 2, 3, dtype=torch.float64)).any()


def test_the_ball_is_that_of_the_distance():
    assert isinstance(ball_of(Laplace(1.0).distance), L1Ball)
    assert isinstance(ball_of(Gaussian(1.0).distance), L2Ball)
    assert isinstance(ball_of(UniformLinf(1.0).distance), LinfBall)


@pytest.mark.parametrize(
    "distance", [LabelFlip(0.1, 2).distance, AnisotropicGaussian([1.0]).distance, Distance("l2", "eyes", False, True)]
)
def test_a_distance_without_a_ball_is_refused(distance: Distance):
    with pytest.raises(ValueError, match=rf"^ball: not given; must be given for {distance.norm} \({distance.unit}\)"):
        ball_of(distance)
