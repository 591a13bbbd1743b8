"""Numbers of label changes that a mean vote survives, in whole-number arithmetic (THEORY.md 4.3)."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from smoothing.certifiers.exact.leads import Contest
from smoothing.certifiers.exact.mean_vote import rivals
from smoothing.measures.measure import Channel
from smoothing.numerics.threads import for_each
from smoothing.votes.labels.linear import Scores

CHUNK = 2**16
"""Weights processed at a time: few enough to stay in a core's cache."""

ROWS = 8
"""Rows per thread and turn where each row is processed by itself."""

SAMPLE = 2048
"""Weights from which the threshold for large weights is estimated."""

SHARES = (1.2, 2.0)
"""Losses above the threshold are expected to sum to so many times the room, attempt by attempt."""

CERTAIN = 0.85
"""Losses that are expected to sum to this share of the room are added up without sorting."""


def flips_against(scores: Scores, channel: Channel) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the mean vote's prediction, and the most label changes after which it still leads each class.

    Args:
        scores: Integer scores of a batch.
        channel: ``(K, K)`` transition matrix.

    Returns:
        ``(batch,)`` classes, and ``(batch, K)`` whole numbers, n where no change puts that class ahead; infinite for
        the predicted class itself.
    """
    contest = Contest.of(scores, channel)
    winner, leads, which, room = contest.winner, contest.leads, contest.which, contest.room
    weights, labels = scores.weights.numpy(), scores.labels.numpy()
    flips = np.full(room.shape, np.inf)

    def work(some: slice) -> None:
        w, rows = weights[some], np.arange(len(winner))[some]
        negative = np.minimum(w, 0)
        for rival in rivals(winner[some], scores.num_classes).T:
            lowest, span = leads.to_lowest[which[some], rival], leads.span[which[some], rival]
            losses = w * lowest[:, labels]
            losses -= negative * span[:, None]
            flips[rows, rival] = flips_survived(losses, room[rows, rival])

    for_each(work, len(winner), max(1, CHUNK // len(labels)))
    return winner, flips


def fewest_flips(scores: Scores, channel: Channel) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the mean vote's prediction, and the most label changes after which it still leads every class.

    The result equals the minimum of `flips_against`. Rivals are compared in the order of room by span. One change
    costs the lead over a rival at most ``span |w|``, so ``b`` changes cost at most ``span`` times the sum of the ``b``
    largest ``|w|``, which all rivals share. A rival whose room is at least that survives ``b`` changes too and is
    skipped (THEORY.md 4.3).

    Args:
        scores: Integer scores of a batch.
        channel: ``(K, K)`` transition matrix.

    Returns:
        ``(batch,)`` classes, and ``(batch,)`` whole numbers, n where no change alters the prediction.
    """
    contest = Contest.of(scores, channel)
    weights, labels = scores.weights.numpy(), scores.labels.numpy()
    opponents = rivals(contest.winner, scores.num_classes)
    flips = np.empty(len(opponents))

    def work(some: slice) -> None:
        for row in range(len(opponents))[some]:
            other = opponents[row]
            lowest, span = (part[contest.which[row], other] for part in (contest.leads.to_lowest, contest.leads.span))
            flips[row] = _fewest(weights[row], labels, lowest, span, contest.room[row, other])

    for_each(work, len(opponents), ROWS)
    return contest.winner, flips


def flips_survived(losses: NDArray[np.float64], room: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the largest number of changes, ``(rows,)``, whose losses sum to at most ``room`` whichever they are.

    Args:
        losses: ``(rows, n)`` loss by each change, at least 0.
        room: ``(rows,)`` loss that is survived.
    """
    return np.asarray((np.sort(losses, axis=1)[:, ::-1].cumsum(1) <= room[:, None]).sum(1), np.float64)


def _fewest(
    w: NDArray[np.float64],
    labels: NDArray[np.int64],
    lowest: NDArray[np.float64],
    span: NDArray[np.float64],
    room: NDArray[np.float64],
) -> int:
    """Return the fewest changes survived against any rival.

    Args:
        w: ``(n,)`` weights of one input.
        labels: ``(n,)`` training labels.
        lowest: ``(rivals, K)`` rows of `Leads.to_lowest`.
        span: ``(rivals,)`` entries of `Leads.span`.
        room: ``(rivals,)`` entries of `Leads.room`.
    """
    # A rival that no label change favours (span 0) never wins.
    reach = np.divide(room, span, out=np.full(len(room), np.inf), where=span > 0)
    size = np.abs(w)
    # Sums of weights and offsets stay below this.
    fewest, most = len(w), 2.0**53
    for rival in np.argsort(reach, kind="stable"):
        if room[rival] >= span[rival] * most:
            continue
        survived = _survived_against(w, size, labels, lowest[rival], float(span[rival]), float(room[rival]))
        if survived < fewest:
            fewest = survived
            most = _largest_sum(size, fewest) if len(room) > 1 else most
    return fewest


def _survived_against(
    w: NDArray[np.float64],
    size: NDArray[np.float64],
    labels: NDArray[np.int64],
    lowest: NDArray[np.float64],
    span: float,
    room: float,
) -> int:
    """Return the changes survived against one rival; see `_fewest`. A loss is at most ``span`` times the ``size``."""
    every = slice(None, None, max(1, len(w) // SAMPLE))
    estimate = _Estimate.of(_losses(w[every], labels[every], lowest, span), len(w), room)
    for threshold in estimate.thresholds():
        if not span:
            break
        near = np.flatnonzero(size >= threshold / span)
        losses = _losses(w[near], labels[near], lowest, span)
        losses = losses[losses >= threshold]
        if losses.sum() > room:
            return _most_survived(losses, room, estimate.certain())
    return _most_survived(_losses(w, labels, lowest, span), room, estimate.certain())


def _losses(
    w: NDArray[np.float64], labels: NDArray[np.int64], lowest: NDArray[np.float64], span: float
) -> NDArray[np.float64]:
    """Return the losses by changes of labels, ``(n,)``: ``w lowest`` or ``w (lowest - span)``, at least 0."""
    factor = lowest.take(labels, mode="clip")
    losses = w * factor
    factor -= span
    factor *= w
    return np.maximum(losses, factor, out=losses)


def one_survived(losses: NDArray[np.float64], room: float) -> int:
    """Return `flips_survived` of one row of losses, ``(n,)``.

    Only losses above a threshold are sorted. If their sum exceeds the room, no smaller loss matters.
    """
    estimate = _Estimate.of(losses[:: max(1, len(losses) // SAMPLE)], len(losses), room)
    for threshold in estimate.thresholds():
        large = losses[losses >= threshold]
        if large.sum() > room:
            return _most_survived(large, room, estimate.certain())
    return _most_survived(losses, room, estimate.certain())


class _Estimate(NamedTuple):
    """Sums of the largest losses, estimated from a sample.

    Attributes:
        sample: Some losses, descending.
        share: Estimated sum of all losses that are at least as large as each, in units of the room.
    """

    sample: NDArray[np.float64]
    share: NDArray[np.float64]

    @classmethod
    def of(cls, sample: NDArray[np.float64], n: int, room: float) -> "_Estimate":
        """Return the estimate from a sample of ``n`` losses."""
        sample = np.sort(sample)[::-1]
        return cls(sample, sample.cumsum() * (n / len(sample) / max(room, 1.0)))

    def thresholds(self) -> Iterator[float]:
        """Yield losses from which on all losses probably sum to more than the room."""
        for share in SHARES:
            place = int(np.searchsorted(self.share, share))
            if place < len(self.sample):
                yield float(self.sample[place])

    def certain(self) -> float:
        """Return a loss such that the losses above it probably sum to less than the room."""
        place = int(np.searchsorted(self.share, CERTAIN))
        return float(self.sample[place]) if place < len(self.sample) else 0.0


def _most_survived(losses: NDArray[np.float64], room: float, certain: float) -> int:
    """Return `flips_survived` of one row of losses, ``(n,)``.

    If the losses above ``certain`` sum to at most the room, all of them are survived, and only the others are sorted.
    """
    large = losses > certain
    first = losses[large]
    spent = first.sum()
    if spent > room:
        return int(np.searchsorted(np.sort(first)[::-1].cumsum(), room, side="right"))
    return len(first) + int(np.searchsorted(np.sort(losses[~large])[::-1].cumsum(), room - spent, side="right"))


def _largest_sum(size: NDArray[np.float64], count: int) -> float:
    """Return an upper bound on the sum of the ``count`` largest absolute weights, without sorting them.

    For every ``t >= 0`` the sum is at most ``count t + sum max(|w| - t, 0)``, with equality at the quantile.
    """
    sample = _sample(size)
    threshold = sample[min(count * len(sample) // len(size), len(sample) - 1)]
    return float(count * threshold + (size[size > threshold] - threshold).sum())


def _sample(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return evenly spaced entries, about `SAMPLE` of them, in descending order."""
    return np.sort(values[:: max(1, len(values) // SAMPLE)])[::-1]
