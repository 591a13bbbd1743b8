"""Attacks: searches for changes that alter predictions. They give upper bounds on radii, never certificates.

A new attack on training labels is a subclass of `Attack`, exported here.
"""

from typing import TYPE_CHECKING

from smoothing.lazy import attach

if TYPE_CHECKING:
    from smoothing.attacks.attack import Attack
    from smoothing.attacks.inputs.ascent import ascend, direction, standing_still
    from smoothing.attacks.inputs.balls import Ball, L1Ball, L2Ball, LinfBall, ScaledBall, ball_of
    from smoothing.attacks.inputs.expectation import Draws, mean_log_probability, smoothed_loss
    from smoothing.attacks.inputs.pgd import PGD
    from smoothing.attacks.labels.best_attack import BestAttack
    from smoothing.attacks.labels.collective_attack import (
        CollectiveAttack,
        CollectiveAttacked,
        GreedyFlips,
        LocalSearchFlips,
        attacked_together,
    )
    from smoothing.attacks.labels.head_attacks import HeadAttack, InfluenceAttack, NearestAttack

__getattr__, __dir__ = attach(__name__, __file__)

__all__ = [
    "PGD",
    "Attack",
    "Ball",
    "BestAttack",
    "CollectiveAttack",
    "CollectiveAttacked",
    "Draws",
    "GreedyFlips",
    "HeadAttack",
    "InfluenceAttack",
    "L1Ball",
    "L2Ball",
    "LinfBall",
    "LocalSearchFlips",
    "NearestAttack",
    "ScaledBall",
    "ascend",
    "attacked_together",
    "ball_of",
    "direction",
    "mean_log_probability",
    "smoothed_loss",
    "standing_still",
]
