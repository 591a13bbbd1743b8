"""The referee for objects that are too large for brute force: an attack that must not succeed."""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import binom
from torch import Tensor, nn

from smoothing.attacks import PGD
from smoothing.certificates.certificates import Certificates
from smoothing.votes.ballots import Ballots

INSIDE = 0.999
"""Share of its certified radius that an attack may use; rounding of the input takes less than the rest."""

CHANCE = 1e-9
"""Probability of seeing a prediction turned that is not, for each row."""

DRAWS = 10_000
"""Votes that are counted at an attacked input."""

STEPS, TRIAL = 100, 101
"""Streams of draws, beside those of certifiers: for the steps of an attack, and for the votes on what it found."""


def turned(
    attack: PGD, network: nn.Module, ballots: Ballots, certificates: Certificates, radius: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Attack what was predicted, and count votes at what the attack found.

    Args:
        attack: The attack.
        network: The base classifier that is put to the vote, differentiable.
        ballots: Inputs, measure and votes.
        certificates: What was certified for them; only predictions are read.
        radius: ``(batch,)`` how far to go, at least 0 and finite.

    Returns:
        ``(batch,)`` whether another class surely has more votes there than the predicted one; abstentions never turn.
    """
    predicted = torch.from_numpy(certificates.prediction).to(ballots.x.device)
    seed, asked = ballots.seed, predicted.clamp(min=0)
    far: Tensor = torch.from_numpy(radius)
    moved = attack.attack(network, ballots.measure, ballots.x, asked, far, (seed, STEPS))
    counts = ballots.votes.counts(ballots.measure, moved, ballots.index, DRAWS, (seed, TRIAL)).numpy()
    ours = np.arange(counts.shape[1]) == asked.cpu().numpy()[:, None]
    won, rival = counts[ours], np.where(ours, -1, counts).max(1)
    # Were the predicted class ahead, each rival would win at most half of the draws that fall to it or to the class.
    chance = (counts.shape[1] - 1) * binom.sf(rival - 1, won + rival, 0.5)
    return np.asarray((certificates.prediction >= 0) & (chance < CHANCE))


def never_turned_inside(attack: PGD, network: nn.Module, ballots: Ballots, certificates: Certificates) -> None:
    """Refute certificates of test inputs by attacks within their radius.

    A sampled certificate may be wrong with its own ``alpha``; this finds only what is wrong beyond doubt.

    Args:
        attack: The attack.
        network: The base classifier that is put to the vote, differentiable.
        ballots: Inputs, measure and votes.
        certificates: What was certified for them.

    Raises:
        AssertionError: Naming the row, its class and its radius.
    """
    radius = INSIDE * np.where(np.isfinite(certificates.radius), certificates.radius, 0.0)
    for row in np.flatnonzero(turned(attack, network, ballots, certificates, radius)):
        raise AssertionError(
            f"row {row}: class {certificates.prediction[row]} is certified at {certificates.radius[row]:g}, "
            f"and turned within {radius[row]:g}"
        )
