"""Attacks: changes of an input that mislead a smoothed classifier. What is certified, they must not reach."""

from smoothing.attacks.ascent import ascend, direction, standing_still
from smoothing.attacks.balls import Ball, L1Ball, L2Ball, LinfBall, ScaledBall, ball_of
from smoothing.attacks.expectation import Draws, mean_log_probability, smoothed_loss
from smoothing.attacks.pgd import PGD

__all__ = [
    "PGD",
    "Ball",
    "Draws",
    "L1Ball",
    "L2Ball",
    "LinfBall",
    "ScaledBall",
    "ascend",
    "ball_of",
    "direction",
    "mean_log_probability",
    "smoothed_loss",
    "standing_still",
]
