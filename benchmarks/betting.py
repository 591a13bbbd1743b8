"""Number of draws that `Sequential` needs, compared with a fixed number of draws.

The images are those of released logs. The radius of an image determines the fraction of draws that its class wins, and
coins with this probability replace the network. ``python -m benchmarks.betting`` prints a table of
results/speed.md. ``--smoke`` uses small sizes.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.stats import beta, norm
from torch import Tensor

from smoothing.certificates.tsv import read_tsv
from smoothing.certifiers import ClopperPearson, Sequential
from smoothing.measures import Gaussian, SmoothingMeasure
from smoothing.numerics.blocks import blocks
from smoothing.numerics.random import generator
from smoothing.votes import Ballots, Votes

COINS = 1024
N0 = 100
FIXED_N = 100_000
ALPHA = 0.001


@dataclass(frozen=True)
class Log:
    """A released log with `FIXED_N` draws.

    Attributes:
        file: Path within tests/data.
        sigma: Standard deviation of the noise.
        alpha: Failure probability that fits the radii.
        radii: Radii to test.
    """

    file: str
    sigma: float
    alpha: float
    radii: tuple[float, ...]

    def shares(self, examples: int) -> Tensor:
        """Return the fractions of draws won by evenly spaced images, one half where the log abstains.

        Args:
            examples: Number of images, at most as many as the log has.

        Returns:
            ``(examples,)`` float64.
        """
        table, _ = read_tsv(Path(__file__).resolve().parents[1] / "tests" / "data" / self.file)
        radius = np.asarray(table["radius"], np.float64)[:: len(table) // examples][:examples]
        won = np.arange(FIXED_N + 1)
        reached = norm.ppf(beta.ppf(self.alpha, won, FIXED_N - won + 1)[1:]) * self.sigma
        share = (1 + np.searchsorted(reached, radius * (1 - 1e-6))) / FIXED_N
        return torch.from_numpy(np.where(radius > 0, share, 0.5))


LOGS = (
    Log("cohen_certify/cifar10_resnet110_train0.12_certify0.12.tsv", 0.12, 0.001, (0.12, 0.25)),
    Log("cohen_certify/cifar10_resnet110_train0.25_certify0.25.tsv", 0.25, 0.01, (0.25, 0.5, 0.75)),
    Log("cohen_certify/cifar10_resnet110_train0.25_certify0.50.tsv", 0.5, 0.001, (0.25, 0.5, 0.75, 1.0, 1.25)),
    Log("cohen_certify/cifar10_resnet110_train0.50_certify0.50.tsv", 0.5, 0.01, (0.25, 0.5, 0.75, 1.0, 1.25)),
    Log("mnist_lenet_gaussian_0.50.tsv", 0.5, 0.001, (0.5, 1.0, 1.25)),
    Log("cohen_certify/cifar10_resnet110_train1.00_certify1.00.tsv", 1.0, 0.01, (0.5, 1.0, 1.5, 2.0)),
)


class Coins(Votes):
    """Base function. Its input is the probability of class 0."""

    object = "test input"
    num_classes = 2

    def object_shape(self, x: Tensor) -> Sequence[int]:
        """Return the shape of one number."""
        return (1,)

    def counts(
        self, measure: SmoothingMeasure, x: Tensor, index: Tensor, draws: int, seed: Sequence[int], first: int = 0
    ) -> Tensor:
        """Count coin flips."""
        won = torch.zeros(len(x), dtype=torch.long)
        for row, name in enumerate(index.tolist()):
            for block, selected in blocks(first, draws, COINS):
                coins = torch.rand(COINS, generator=generator((*seed, name, block)), dtype=torch.float64)[selected]
                won[row] += (coins < x[row]).sum()
        return torch.stack([won, draws - won], 1)


def measure_log(log: Log, examples: int) -> list[tuple[float, float]]:
    """Print the rows of a log. Return mean draws and undecided fraction for each single radius."""
    x = log.shares(examples)
    ballots = Ballots(Gaussian(log.sigma), Coins(), x, torch.arange(len(x)), 0)
    fixed = ClopperPearson(n0=N0, n=FIXED_N, alpha=ALPHA).certify(ballots)
    seen = []
    for radii in (*((radius,) for radius in log.radii), log.radii):
        answer = Sequential(radii, n0=N0, max_draws=FIXED_N, alpha=ALPHA).certify(ballots)
        assert answer.n is not None
        draws, undecided = N0 + float(np.mean(answer.n)), float(np.mean(answer.n == FIXED_N))
        certified, by_fixed = (float(np.mean(one.radius > max(radii))) for one in (answer, fixed))
        print(
            f"| {Path(log.file).stem} | {log.sigma} | {', '.join(map(str, radii))} | {draws:,.0f} | "
            f"{(N0 + FIXED_N) / draws:.0f} | {undecided:.1%} | {certified:.1%} | {by_fixed:.1%} |",
            flush=True,
        )
        seen.append((draws, undecided))
    return seen[: len(log.radii)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="small sizes")
    logs, examples = (LOGS[:1], 20) if parser.parse_args().smoke else (LOGS, 500)
    print(f"| log | sigma | robust at | draws, mean | times fewer | undecided | certified | by n = {FIXED_N:,} |")
    print("|---|---|---|---|---|---|---|---|")
    seen = [one for log in logs for one in measure_log(log, examples) if log.sigma <= 0.5]
    draws, undecided = np.mean(seen, 0)
    fewer = (N0 + FIXED_N) / draws
    print(f"| all questions of one radius | <= 0.5 | | {draws:,.0f} | {fewer:.0f} | {undecided:.1%} | | |")


if __name__ == "__main__":
    main()
