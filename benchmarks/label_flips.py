"""Cost of certificates against label flips, as ratios measured within one run.

``python -m benchmarks.label_flips`` prints tables of results/speed.md. ``--smoke`` uses small sizes.
"""

import argparse
import resource
import time
from collections.abc import Callable
from functools import partial

import mpmath
import torch
from torch import Tensor

from smoothing.certifiers import Certifier, Chernoff, ExactVote
from smoothing.measures import LabelFlip
from smoothing.votes import Ballots, LinearVotes, Relative, Ridge

Q = 0.3
FEATURES = 50
BATCH = 512
CLASSES = 10


def problem(n: int, examples: int, num_classes: int = 2, seed: int = 0) -> tuple[Ridge, Tensor]:
    """Return a ridge vote fitted to ``n`` examples of overlapping classes, and examples to certify."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(num_classes, (n + examples,), generator=generator)
    centres = torch.randn(num_classes, FEATURES, generator=generator)
    x = torch.randn(n + examples, FEATURES, generator=generator) + 0.5 * centres[labels]
    votes = Ridge(Relative(1.0))
    votes.fit(x[:n], labels[:n], num_classes)
    return votes, x[n:]


def certify(certifier: Certifier, votes: LinearVotes, x: Tensor, batch: int = BATCH) -> None:
    """Certify the examples batch by batch."""
    measure = LabelFlip(Q, votes.num_classes)
    for part in x.split(batch):
        certifier.certify(Ballots(measure, votes, part, torch.arange(len(part)), 0))


def seconds(work: Callable[[], object], repeats: int = 5) -> float:
    """Return the shortest time of several repetitions."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def algorithm_1(weights: list[float], labels: list[int], q: float, digits: int = 50) -> mpmath.mpf:
    """Return the bound of Algorithm 1 of the paper for one example, by Newton's method in ``digits`` digits."""
    with mpmath.workdps(digits):
        q = mpmath.mpf(q)
        terms = [(mpmath.mpf(w) * (1 if y else -1)) for w, y in zip(weights, labels, strict=True)]
        sign = 1 if sum(terms) > 0 else -1
        t = mpmath.mpf(0)
        for _ in range(50):
            slope, curvature, value = mpmath.mpf(0), mpmath.mpf(0), mpmath.mpf(0)
            for w in terms:
                lost, won = q * mpmath.exp(sign * t * w), (1 - q) * mpmath.exp(-sign * t * w)
                mean = (lost - won) / (lost + won)
                value += mpmath.log(lost + won)
                slope += sign * w * mean
                curvature += w * w * (1 - mean * mean)
            if abs(slope) <= mpmath.mpf(10) ** -(digits // 2) * mpmath.sqrt(curvature):
                break
            t -= slope / curvature
        return value


def peak_mib() -> float:
    """Return the largest resident memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def at_scale(n: int, examples: int) -> None:
    """Certify a test set of ten classes with both certifiers, which share only the vote."""
    votes, x = problem(n, examples, CLASSES)
    costs = [seconds(partial(certify, certifier, votes, x), 1) for certifier in (Chernoff(), ExactVote())]
    print(f"\nTen classes, n = {n:,}, {examples:,} examples, {torch.get_num_threads()} threads:\n")
    print("| | Chernoff+tight | ExactVote | peak memory |\n|---|---|---|---|")
    print(f"| seconds | {costs[0]:.0f} | {costs[1]:.0f} | {peak_mib() / 1024:.2f} GiB |")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="small sizes")
    smoke = parser.parse_args().smoke
    n, examples = (500, 64) if smoke else (13_007, 2_163)
    print("| what | figure |\n|---|---|")

    votes, x = problem(n, examples)
    certify(Chernoff(), votes, x[:BATCH])
    before = peak_mib()
    certify(Chernoff(), votes, x)
    print(f"| memory of Chernoff+tight beyond the data, {examples} examples, n = {n} | {peak_mib() - before:.0f} MiB |")
    train, test = torch.randn(n, FEATURES).double(), torch.randn(examples, FEATURES).double()
    product = seconds(lambda: test @ train.T)
    tight = seconds(lambda: certify(Chernoff(), votes, x))
    exact = seconds(lambda: certify(ExactVote(), votes, x))
    print(f"| Chernoff+tight / the product that gives the weights ({1e3 * product:.0f} ms) | {tight / product:.2f} |")
    print(f"| ExactVote / the same product | {exact / product:.2f} |")

    scores = votes.scores(x[:1])
    weights = scores.weights[0] / scores.weights[0].abs().sum()
    slow = seconds(lambda: algorithm_1(weights.tolist(), scores.labels.tolist(), Q), repeats=1)
    print(f"| 50-digit Algorithm 1 / Chernoff+tight, per example | {slow / (tight / examples):,.0f} |")

    at_scale(*((2_000, 100) if smoke else (60_000, 10_000)))

    print("\nTen classes, nanoseconds per example, training point and class:\n")
    print("| training points | examples | Chernoff+tight | ExactVote |\n|---|---|---|---|")
    largest = 10_000 if smoke else 1_000_000
    cases = [(size, max(16, 2_000_000 // size)) for size in (1_000, 10_000, 100_000, 1_000_000) if size <= largest]
    cases += [(10_000, count) for count in (100, 1_000, 10_000) if count * 10_000 <= 100 * largest]
    for size, count in cases:
        votes, x = problem(size, count, CLASSES)
        batch = max(1, min(BATCH, 4_000_000 // size))
        certify(Chernoff(), votes, x[:batch])
        costs = [seconds(partial(certify, c, votes, x, batch), 3) for c in (Chernoff(), ExactVote())]
        chernoff, exact = (1e9 * cost / size / count / CLASSES for cost in costs)
        print(f"| {size:,} | {count:,} | {chernoff:.1f} | {exact:.1f} |")


if __name__ == "__main__":
    main()
