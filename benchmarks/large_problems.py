"""Cost of certificates against label flips on the shape of ImageNet and on a million training points, from slices.

``python -m benchmarks.large_problems`` prints a table of results/speed.md. ``--smoke`` uses small sizes. The slices
have fewer training points or fewer test examples, so that they take minutes. Times are extrapolated in proportion to
both, which is how products and sorts grow up to a logarithm. The features of the slice are a memory map.

Memory is that of the process without pages of the map, which the operating system may drop at any time.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

import numpy as np
import torch
from torch import Tensor

from benchmarks.label_flips import CLASSES, certify, problem
from smoothing.certifiers import Chernoff, ExactVote
from smoothing.votes import Relative, Ridge

IMAGENET = (1_200_000, 2_048, 1_000)
"""Training points, features and classes."""

MILLION = (1_000_000, 10_000)
"""Training points and test examples."""


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that a call takes and by how many bytes memory grows at most, as far as samples show."""

    def resident() -> int:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon"))

    ended, seen = Event(), [resident()]

    def watch() -> None:
        while not ended.wait(0.02):
            seen.append(resident())

    thread = Thread(target=watch)
    thread.start()
    start = time.perf_counter()
    try:
        work()
    finally:
        taken = time.perf_counter() - start
        ended.set()
        thread.join()
    return taken, max(seen) - seen[0]


def mapped(folder: Path, n: int, k: int, num_classes: int) -> tuple[Tensor, Tensor]:
    """Return features ``(n, k)`` float32 of overlapping classes as a memory map, and labels ``(n,)``."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(num_classes, (n,), generator=generator)
    centres = torch.randn(num_classes, k, generator=generator)
    x = np.memmap(folder / "x.f32", np.float32, "w+", shape=(n, k))
    for part in torch.arange(n).split(10_000):
        block = torch.randn(len(part), k, generator=generator) + 0.2 * centres[labels[part]]
        x[part.numpy()] = block.numpy()
    x.flush()
    return torch.from_numpy(np.memmap(folder / "x.f32", np.float32, "c", shape=(n, k))), labels


def imagenet(n: int, k: int, num_classes: int, points: int) -> None:
    """Print the cost of a slice of the shape of ImageNet."""
    with TemporaryDirectory() as folder:
        x, labels = mapped(Path(folder), n, k, num_classes)
        votes = Ridge(Relative(1.0))
        fit, grown = measured(lambda: votes.fit(x, labels, num_classes))
        tests = x[:points].clone() + 0.1
        certify(ExactVote(), votes, tests[:1], 1)
        costs = [
            measured(lambda one=one: certify(one, votes, tests, 32))[0] / points for one in (Chernoff(), ExactVote())
        ]
    whole = IMAGENET[0] / n
    print(f"\nShape of ImageNet, a slice of n = {n:,}, k = {k:,}, K = {num_classes:,}:\n")
    print("| what | measured | extrapolated to n = 1,200,000 |\n|---|---|---|")
    copies = grown / (4 * n * k)
    # Besides one copy, memory holds blocks and matrices of the features, which do not grow with n.
    fixed = max(0.0, copies - 1) / whole
    print(f"| memory of `Ridge.fit`, copies of the features | {copies:.2f} | {1 + fixed:.2f} |")
    print(f"| `Ridge.fit`, s | {fit:.1f} | {fit * whole:.0f} |")
    for name, cost in zip(("Chernoff", "ExactVote"), costs, strict=True):
        print(f"| {name}, s per example | {cost:.3f} | {cost * whole:.2f} |")


def million(n: int, points: int, batch: int) -> None:
    """Print the cost of a slice of the test examples of ten classes."""
    made = []
    _, built = measured(lambda: made.append(problem(n, points, CLASSES)))
    votes, x = made[0]
    certify(Chernoff(), votes, x[:batch], batch)
    both = [measured(lambda one=one: certify(one, votes, x, batch)) for one in (Chernoff(), ExactVote())]
    taken, grown = sum(cost for cost, _ in both), max(memory for _, memory in both)
    print(f"\nTen classes, n = {n:,}, a slice of {points:,} test examples:\n")
    print("| what | measured | extrapolated to 10,000 examples |\n|---|---|---|")
    print(f"| Chernoff and ExactVote, s | {taken:.2f} | {taken / points * MILLION[1] * MILLION[0] / n:.0f} |")
    print(f"| memory, GiB | {(built + grown) / 2**30:.2f} | {(built + grown) / 2**30:.2f} |")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="small sizes")
    smoke = parser.parse_args().smoke
    print(f"{torch.get_num_threads()} threads.")
    imagenet(*((2_000, 64, 20, 8) if smoke else (150_000, *IMAGENET[1:], 64)))
    million(*((5_000, 16, 8) if smoke else (MILLION[0], 64, 8)))


if __name__ == "__main__":
    main()
