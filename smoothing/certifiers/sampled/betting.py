"""Confidence sequences by betting: bounds on a probability that hold at every number of draws at once.

A gambler who thinks that votes are lost more rarely than with probability ``f`` bets on it, draw by draw: with the odds
``o`` a stake grows by ``e^g`` with every draw and shrinks by ``e^o`` with every lost vote, where
``e^g (1 - f + f e^-o) = 1``. If votes are lost with probability ``f`` or more, stakes do not grow in expectation, nor
does a capital spread over several odds; so it ever reaches ``1 / alpha`` times its start with probability ``alpha`` at
most (Ville's inequality). After ``t`` draws with ``l`` lost, it is the mean of ``e^(t g - l o)`` over the odds
(THEORY.md section 5; Waudby-Smith & Ramdas 2024; for smoothing Voracek 2024).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from smoothing.numerics.rounding import EPSILON, Float

LARGEST_ODDS = 16.0
"""Odds, in nats, at which next to nothing of a stake is left after one lost vote."""

ACCURACY = 1e-12
"""How far a sum of logarithms may be off, relative to its largest terms."""


def spread_odds(f: float, alpha: float, horizon: int) -> Float:
    """Odds among which to spread the capital, each twice the one before, ``(odds,)`` in nats.

    The smallest are those that pay best where the votes lost are so near to ``f`` that all draws are needed.

    Args:
        f: Probability of a lost vote to bet against, within (0, 1).
        alpha: Failure probability.
        horizon: Number of draws after which nothing more is asked.
    """
    smallest = min(np.sqrt(2 * np.log(1 / alpha) / (horizon * f * (1 - f))), LARGEST_ODDS)
    return np.asarray(smallest * 2.0 ** np.arange(1 + int(np.log2(LARGEST_ODDS / smallest))))


def log_capital(lost: NDArray[np.int64], draws: NDArray[np.int64], f: float, odds: Float) -> Float:
    """Lower bound on the log of the capital, which starts as 1; ``(...,)`` float64.

    Args:
        lost: ``(...,)`` votes lost.
        draws: ``(...,)`` votes drawn.
        f: Probability of a lost vote that is bet against, within [0, 1).
        odds: ``(odds,)`` in nats, equal parts of the capital on each.
    """
    growth = -np.log1p(f * np.expm1(-odds)) * (1 - 8 * EPSILON)
    gained, given = draws[..., None] * growth, lost[..., None] * odds
    slack = ACCURACY * (1 + gained.max(-1) + given.max(-1))
    return np.asarray(logsumexp(gained - given, axis=-1) - np.log(len(odds)) - slack)


def most_lost(draws: NDArray[np.int64], f: float, alpha: float, horizon: int) -> NDArray[np.int64]:
    """How many votes may be lost after each number of draws, so that fewer than ``f`` are lost in truth.

    Whoever says so at any of these times, or at all, is wrong with probability ``alpha`` at most.

    Args:
        draws: ``(times,)`` numbers of draws, at least 1.
        f: Probability of a lost vote to be refuted.
        alpha: Failure probability, within (0, 1).
        horizon: Number of draws after which nothing more is asked.

    Returns:
        ``(times,)`` int64; -1 where even no lost vote is one too many.
    """
    if not np.finfo(np.float64).tiny < f < 1:
        # No votes refute that none are lost; that all are lost is no hypothesis anyone needs to refute.
        return np.full(len(draws), -1)
    odds, wanted = spread_odds(f, alpha, horizon), np.log(1 / alpha) * (1 + ACCURACY)
    enough, too_many = np.full(len(draws), -1), draws + 1
    while (too_many - enough > 1).any():
        middle = np.clip((enough + too_many) // 2, 0, draws)
        rich = log_capital(middle, draws, f, odds) >= wanted
        enough, too_many = np.where(rich, np.maximum(middle, enough), enough), np.where(rich, too_many, middle)
    return enough
