"""Cost of collective certificates of many examples.

``python -m benchmarks.collective`` makes a table of results/speed.md; ``--smoke`` the same on small sizes. Examples
and training points are random points in clouds, one a class. Time and memory include the weights of the votes.
"""

import argparse
import resource
import sys
import time

import numpy as np
import torch

from smoothing.collective import CollectiveVote, collective_bounds
from smoothing.measures import UnchangedLabels
from smoothing.votes import Centre, LinearVotes, NearestNeighbours, Normalise, Ridge

CLASSES, WIDTH, SPREAD = 10, 64, 5.5
"""Number of classes and of features, and distance of the centres of the clouds from the origin."""


def problem(n: int, m: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ``n + m`` points and their classes."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(n + m) % CLASSES
    return torch.randn(n + m, WIDTH, generator=generator) + SPREAD * torch.eye(CLASSES, WIDTH)[y], y


def measured(votes: LinearVotes, n: int, m: int, budgets: list[int]) -> list[str]:
    """Return the cells of one row of the table."""
    x, y = problem(n, m)
    votes.fit(x[:n], y[:n], CLASSES)
    start, used = time.perf_counter(), time.process_time()
    found = collective_bounds(CollectiveVote(budgets), votes, UnchangedLabels(CLASSES), x[n:], y[n:])
    seconds, used = time.perf_counter() - start, time.process_time() - used
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    middle = len(budgets) // 2
    return [
        type(votes).__name__,
        *(f"{number:,}" for number in (m, n, len(budgets))),
        f"{seconds:.0f}",
        f"{used:.0f}",
        f"{memory / 2**30:.1f}",
        f"{budgets[middle]}: {found.pointwise[middle]:.1%} / {found.certified[middle]:.1%}",
    ]


def main(smoke: bool, kinds: list[str]) -> None:
    """Print the table."""
    n, m = (600, 80) if smoke else (50_000, 10_000)
    budgets = np.unique(np.geomspace(n // 500, n // 10, 10).astype(int)).tolist()
    made: dict[str, LinearVotes] = {
        "neighbours": NearestNeighbours(n // 50),
        "ridge": Ridge(transforms=[Centre(), Normalise()]),
    }
    columns = ["votes", "examples", "labels", "budgets", "seconds", "seconds of cores", "GiB, peak"]
    print(f"| {' | '.join([*columns, 'one by one / together at one budget'])} |")
    print("|---|---|---|---|---|---|---|---|")
    for kind in kinds:
        print(f"| {' | '.join(measured(made[kind], n, m, budgets))} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--kinds", nargs="+", default=["neighbours", "ridge"], choices=["neighbours", "ridge"])
    given = parser.parse_args()
    main(given.smoke, given.kinds)
