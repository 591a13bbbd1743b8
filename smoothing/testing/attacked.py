"""Referee for objects that are too large for brute force: an attack must not succeed within the radius."""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import binom
from torch import Tensor, nn

from smoothing.attacks import PGD
from smoothing.certificates.certificates import Certificates
from smoothing.votes.ballots import Ballots

INSIDE = 0.999
"""Fraction of the certified radius that an attack may use. Rounding of the input needs less than the rest."""

CHANCE = 1e-9
"""Probability of a false refutation, per row."""

DRAWS = 10_000
"""Number of draws at an attacked input."""

STEPS, TRIAL = 100, 101
"""Streams of draws, distinct from those of certifiers: for the steps of an attack, and for votes on its result."""


def turned(
    attack: PGD, network: nn.Module, ballots: Ballots, certificates: Certificates, radius: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Attack predictions, and count votes at the attacked inputs.

    Args:
        attack: The attack.
        network: The base classifier, differentiable.
        ballots: Inputs, measure and votes.
        certificates: Certificates of the inputs, of which only the predictions are used.
        radius: Largest change of each input, ``(batch,)``, at least 0 and finite.

    Returns:
        Whether another class significantly has more votes than the predicted one at the attacked input, ``(batch,)``;
        False for abstentions.
    """
    predicted = torch.from_numpy(certificates.prediction).to(ballots.x.device)
    seed, classes = ballots.seed, predicted.clamp(min=0)
    largest: Tensor = torch.from_numpy(radius)
    moved = attack.attack(network, ballots.measure, ballots.x, classes, largest, (seed, STEPS))
    counts = ballots.votes.counts(ballots.measure, moved, ballots.index, DRAWS, (seed, TRIAL)).numpy()
    ours = np.arange(counts.shape[1]) == classes.cpu().numpy()[:, None]
    won, rival = counts[ours], np.where(ours, -1, counts).max(1)
    # If the predicted class led, each rival would win at most half of the draws of these two classes.
    chance = (counts.shape[1] - 1) * binom.sf(rival - 1, won + rival, 0.5)
    return np.asarray((certificates.prediction >= 0) & (chance < CHANCE))


def never_turned_inside(attack: PGD, network: nn.Module, ballots: Ballots, certificates: Certificates) -> None:
    """Refute certificates of test inputs by attacks within their radius.

    A sampled certificate may be wrong with probability ``alpha``. The referee finds only significant errors.

    Args:
        attack: The attack.
        network: The base classifier, differentiable.
        ballots: Inputs, measure and votes.
        certificates: Certificates of the inputs.

    Raises:
        AssertionError: If a prediction changes within its radius. The message contains row, class and radius.
    """
    radius = INSIDE * np.where(np.isfinite(certificates.radius), certificates.radius, 0.0)
    for row in np.flatnonzero(turned(attack, network, ballots, certificates, radius)):
        raise AssertionError(
            f"row {row}: class {certificates.prediction[row]} is certified at {certificates.radius[row]:g}, "
            f"and changed within {radius[row]:g}"
        )
