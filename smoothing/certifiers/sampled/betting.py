"""Confidence sequences by betting: bounds on a probability that hold at all numbers of draws simultaneously.

A gambler bets that votes are lost with probability less than ``f``. At odds ``o``, the stake is multiplied by ``e^g``
at every draw and by ``e^-o`` at every lost vote, where ``e^g (1 - f + f e^-o) = 1``. If votes are lost with probability
``f`` or more, no stake grows in expectation, and neither does a capital that is spread over several odds. It therefore
ever reaches ``1 / alpha`` times its start with probability at most ``alpha`` (Ville's inequality). After ``t`` draws
with ``l`` lost votes, the capital is the mean of ``e^(t g - l o)`` over the odds (THEORY.md section 5; Waudby-Smith &
Ramdas 2024; for smoothing Voracek 2024).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from smoothing.numerics.rounding import EPSILON, Float

LARGEST_ODDS = 16.0
"""Largest odds, in nats. A lost vote leaves almost nothing of the stake."""

ACCURACY = 1e-12
"""Bound on the error of a sum of logarithms, relative to its largest terms."""


def spread_odds(f: float, alpha: float, horizon: int) -> Float:
    """Return the odds over which the capital is spread, ``(odds,)`` in nats. Each is twice the one before.

    The smallest odds pay best if the share of lost votes is so close to ``f`` that all draws are needed.

    Args:
        f: Probability of a lost vote to bet against, within (0, 1).
        alpha: Failure probability.
        horizon: Largest number of draws.
    """
    smallest = min(np.sqrt(2 * np.log(1 / alpha) / (horizon * f * (1 - f))), LARGEST_ODDS)
    return np.asarray(smallest * 2.0 ** np.arange(1 + int(np.log2(LARGEST_ODDS / smallest))))


def log_capital(lost: NDArray[np.int64], draws: NDArray[np.int64], f: float, odds: Float) -> Float:
    """Return a lower bound on the log of the capital, ``(...,)`` float64. The capital starts at 1.

    Args:
        lost: ``(...,)`` numbers of lost votes.
        draws: ``(...,)`` numbers of draws.
        f: Probability of a lost vote to bet against, within [0, 1).
        odds: ``(odds,)`` odds in nats, with equal parts of the capital.
    """
    growth = -np.log1p(f * np.expm1(-odds)) * (1 - 8 * EPSILON)
    gained, given = draws[..., None] * growth, lost[..., None] * odds
    slack = ACCURACY * (1 + gained.max(-1) + given.max(-1))
    return np.asarray(logsumexp(gained - given, axis=-1) - np.log(len(odds)) - slack)


def most_lost(draws: NDArray[np.int64], f: float, alpha: float, horizon: int) -> NDArray[np.int64]:
    """Return the largest number of lost votes that refutes a loss probability of ``f``, after each number of draws.

    If votes are lost with probability ``f`` or more, any of these refutations ever occurs with probability at most
    ``alpha``.

    Args:
        draws: ``(times,)`` numbers of draws, at least 1.
        f: Probability of a lost vote to be refuted.
        alpha: Failure probability, within (0, 1).
        horizon: Largest number of draws.

    Returns:
        ``(times,)`` int64; -1 where no number of lost votes refutes it.
    """
    if not np.finfo(np.float64).tiny < f < 1:
        # No draws refute that no vote is lost. That all votes are lost need not be refuted.
        return np.full(len(draws), -1)
    odds, wanted = spread_odds(f, alpha, horizon), np.log(1 / alpha) * (1 + ACCURACY)
    enough, too_many = np.full(len(draws), -1), draws + 1
    while (too_many - enough > 1).any():
        middle = np.clip((enough + too_many) // 2, 0, draws)
        rich = log_capital(middle, draws, f, odds) >= wanted
        enough, too_many = np.where(rich, np.maximum(middle, enough), enough), np.where(rich, too_many, middle)
    return enough
