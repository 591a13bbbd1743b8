"""Projected gradient descent on a smoothed classifier."""

from collections.abc import Sequence

from torch import Tensor, nn

from smoothing.arguments import at_least
from smoothing.attacks.inputs.ascent import ascend, standing_still
from smoothing.attacks.inputs.balls import Ball, ball_of
from smoothing.attacks.inputs.expectation import Draws, smoothed_loss
from smoothing.measures.measure import SmoothingMeasure


class PGD:
    """Projected gradient ascent on the loss of the mean prediction under noise, in a ball of the measure's distance.

    The method of Salman et al. (2019, section 2.2), with new draws in every step (expectation over noise, Athalye et
    al. 2018). Attacked inputs are not clipped to the range of the inputs, since certificates cover every change.

    Args:
        steps: Number of steps T, at least 1. Each has length ``2 radius / T``.
        draws: Number of draws for the gradient of each step, at least 1.
        ball: Ball of allowed changes; the ball of the measure's distance by default.

    Raises:
        ValueError: If a number is less than 1.
    """

    def __init__(self, steps: int = 20, draws: int = 32, ball: Ball | None = None) -> None:
        at_least(self, 1, steps=steps, draws=draws)
        self.steps = steps
        self.draws = draws
        self.ball = ball

    def attack(
        self,
        network: nn.Module,
        measure: SmoothingMeasure,
        x: Tensor,
        labels: Tensor,
        radius: Tensor,
        seed: Sequence[int],
    ) -> Tensor:
        """Attack one batch.

        Args:
            network: Differentiable map from noisy inputs ``(n, ...)`` to logits ``(n, K)``.
            measure: The smoothing measure.
            x: Inputs ``(batch, ...)``, floating point.
            labels: Predicted classes that the attack tries to change, ``(batch,)`` int64.
            radius: Largest change of each input, ``(batch,)``, at least 0.
            seed: Key of the draws.

        Returns:
            Inputs like ``x``, without gradient, each within its radius of ``x`` up to rounding.

        Raises:
            ValueError: If no ball is given and the measure's distance has no default.
        """
        ball = ball_of(measure.distance) if self.ball is None else self.ball
        radius = radius.to(x)

        def project(moved: Tensor) -> Tensor:
            return x + ball.project(moved - x, radius)

        moved = x
        with standing_still(network):
            for step in range(self.steps):
                draws = Draws(measure, self.draws, (*seed, step))

                def loss(here: Tensor, draws: Draws = draws) -> Tensor:
                    return smoothed_loss(network, draws, here, labels)

                moved = ascend(loss, moved, 1, 2 * radius / self.steps, project, ball)
        return moved
