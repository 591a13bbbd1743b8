"""What many classes and large training sets cost, against the work that cannot be saved.

``python -m benchmarks.rivals`` makes tables of results/speed.md; ``--smoke`` the same on small sizes. Ratios are taken
within one run, from the median over alternating repeats, on one thread.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.label_flips import Q, problem
from smoothing.certifiers import BerryEsseen, Certifier, Chernoff, ExactVote
from smoothing.certifiers.analytic import analytic_certifier
from smoothing.certifiers.analytic.pairwise import pairwise_bounds
from smoothing.certifiers.exact.flips import flips_against
from smoothing.measures import LabelFlip
from smoothing.votes import Ballots, LinearVotes
from smoothing.votes.labels.linear import Scores


def alternating(works: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """Return the median seconds of several works that take turns."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(repeats):
        for work, own in zip(works, times, strict=True):
            start = time.perf_counter()
            work()
            own.append(time.perf_counter() - start)
    return [median(own) for own in times]


def fresh(votes: LinearVotes, scores: Scores, x: Tensor) -> Ballots:
    """Return ballots with given scores, whose class sums are not computed yet."""
    ballots = Ballots(LabelFlip(Q, votes.num_classes), votes, x, torch.arange(len(x)), 0)
    ballots.__dict__["scores"] = Scores(scores.weights, scores.offsets, scores.labels)
    return ballots


def certified(certifier: Certifier, votes: LinearVotes, scores: Scores, x: Tensor) -> None:
    """Certify a batch from its scores."""
    certifier.certify(fresh(votes, scores, x))


def against_all(certifier: Certifier, votes: LinearVotes, scores: Scores, x: Tensor) -> None:
    """Certify a batch from its scores; every rival is compared."""
    if isinstance(certifier, ExactVote):
        channel = LabelFlip(Q, votes.num_classes).channel
        assert channel is not None
        flips_against(Scores(scores.weights, scores.offsets, scores.labels), channel)[1].min(1)
        return

    def every(*arguments: Any) -> NDArray[np.float64]:
        return pairwise_bounds(*arguments[:4], spare=np.inf)

    with patch.object(analytic_certifier, "pairwise_bounds", every):
        certifier.certify(fresh(votes, scores, x))


def newton(weights: NDArray[np.float64], signs: NDArray[np.float64], q: float) -> NDArray[np.float64]:
    """Return Chernoff's bound for two classes in plain NumPy: Newton's method, without outward rounding.

    Args:
        weights: ``(batch, n)`` weights.
        signs: ``(n,)`` 1 for labels of class 1, -1 for labels of class 0.
        q: Flip probability.
    """
    terms = weights * signs
    terms = terms * np.sign(terms.sum(1, keepdims=True))
    tilt = np.zeros((len(terms), 1))
    for _ in range(30):
        grown = np.exp(tilt * terms)
        lost, won = q * grown, (1 - q) / grown
        total = lost + won
        mean = (lost - won) / total
        slope = (terms * mean).sum(1, keepdims=True)
        step = slope / (terms**2 * (1 - mean**2)).sum(1, keepdims=True)
        tilt = tilt - step
        if (np.abs(step) <= 1e-3 * tilt).all():
            break
    return np.asarray(np.log(q * np.exp(tilt * terms) + (1 - q) * np.exp(-tilt * terms)).sum(1))


def many_classes(cases: Sequence[tuple[int, int, int]], repeats: int) -> None:
    """Print what each certifier costs, and how many times more if every rival is compared."""
    print("| certifier | classes | training points | ms per example | every rival compared: times more |")
    print("|---|---|---|---|---|")
    for num_classes, n, examples in cases:
        votes, x = problem(n, examples, num_classes)
        scores = votes.scores(x)
        for certifier in (ExactVote(), Chernoff(), BerryEsseen()):
            own, full = alternating(
                [partial(certified, certifier, votes, scores, x), partial(against_all, certifier, votes, scores, x)],
                repeats,
            )
            name = type(certifier).__name__
            print(f"| {name} | {num_classes} | {n:,} | {1e3 * own / examples:.2f} | {full / own:.1f} |")


def against_the_product(cases: Sequence[tuple[int, int, int]], repeats: int) -> None:
    """Print what scores and exact certificates cost in units of the matrix product that the weights are."""
    print(
        "| classes | training points | product, ms per example | scores / product | ExactVote, all in all / product |"
    )
    print("|---|---|---|---|---|")
    for num_classes, n, examples in cases:
        votes, x = problem(n, examples, num_classes)
        features, rows = x.double(), torch.randn(n, x.shape[1]).double()

        def exact(votes: LinearVotes = votes, x: Tensor = x, num_classes: int = num_classes) -> None:
            ExactVote().certify(Ballots(LabelFlip(Q, num_classes), votes, x, torch.arange(len(x)), 0))

        product, scores, whole = alternating(
            [partial(torch.matmul, features, rows.T), partial(votes.scores, x), exact], repeats
        )
        cells = f"{1e3 * product / examples:.3f} | {scores / product:.2f} | {whole / product:.2f}"
        print(f"| {num_classes} | {n:,} | {cells} |")


def against_newton(cases: Sequence[tuple[int, int]], repeats: int) -> None:
    """Print what Newton's method in NumPy, without rounding outward, costs in units of ours."""
    print("| training points | NumPy's Newton / Chernoff+tight, two classes, from scores |")
    print("|---|---|")
    for n, examples in cases:
        votes, x = problem(n, examples)
        scores = votes.scores(x)
        unit = (scores.weights / scores.weights.abs().sum(1, keepdim=True)).numpy()
        signs = 2.0 * scores.labels.numpy() - 1
        own, plain = alternating(
            [partial(certified, Chernoff(), votes, scores, x), partial(newton, unit, signs, Q)], repeats
        )
        print(f"| {n:,} | {plain / own:.2f} |")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="small sizes")
    smoke = parser.parse_args().smoke
    torch.set_num_threads(1)
    repeats = 2 if smoke else 5
    many_classes([(10, 2_000, 16)] if smoke else [(10, 10_000, 64), (10, 100_000, 16), (100, 100_000, 8)], repeats)
    print()
    large = [(2, 2_000, 64)] if smoke else [(2, 10_000, 512), (2, 100_000, 128), (10, 100_000, 128)]
    against_the_product(large, repeats)
    print()
    against_newton([(1_000, 64)] if smoke else [(1_000, 512), (13_007, 128)], repeats)


if __name__ == "__main__":
    main()
