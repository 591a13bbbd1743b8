"""Cost of a draw of a network, relative to the plain loop, measured within one run.

``python -m benchmarks.throughput`` makes a table of results/speed.md; ``--smoke`` the same on small sizes.
"""

import argparse
import os
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from lightning_modules.architectures import CifarResNet, LeNet
from smoothing.measures import Gaussian
from smoothing.votes import NetworkVotes

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
NOISE_BATCH = 1024 if DEVICE == "cuda" else 128
MEASURE = Gaussian(0.5)
PUBLISHED = 400
PLAIN_BATCHES = (100, PUBLISHED, 1000)
"""Batch sizes of the plain loop. The published commands use 400, the default of the published program is 1000."""

Work = Callable[[], object]


def named(batch: int) -> str:
    """Return the name of the plain loop in the table."""
    return f"plain loop, float32, batch {batch}"


def plain_loop(network: nn.Module, x: Tensor, draws: int, batch: int) -> list[int]:
    """Count as the reference code of Cohen et al. (2019): repeat, add noise, argmax, count in Python."""
    counts = [0] * 10
    with torch.no_grad():
        while draws > 0:
            size = min(batch, draws)
            draws -= size
            repeated = x.repeat((size, 1, 1, 1))
            noise = torch.randn_like(repeated) * MEASURE.sigma
            for winner in network(repeated + noise).argmax(1).cpu().numpy():
                counts[winner] += 1
    return counts


def forward_alone(network: nn.Module, images: Tensor, draws: int) -> float:
    """Pass prepared images through the network and wait for the result."""
    with torch.no_grad():
        for _ in range(draws // len(images)):
            logits = network(images)
    return float(logits[0, 0])


def fastest(works: dict[str, Work], rounds: int) -> dict[str, float]:
    """Return the shortest time of each task. Tasks take turns, so that other load affects all of them equally."""
    best = dict.fromkeys(works, float("inf"))
    for work in works.values():
        work()
    for _ in range(rounds):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def works_on(network: nn.Module, shape: tuple[int, ...], draws: int, compiled: tuple[bool, ...]) -> dict[str, Work]:
    """Return all ways to count ``draws`` votes of a network on images of a shape."""
    network = network.to(DEVICE).eval()
    x = torch.rand(1, *shape, device=DEVICE)
    works: dict[str, Work] = {named(batch): partial(plain_loop, network, x, draws, batch) for batch in PLAIN_BATCHES}
    for precision in ("float32", "bfloat16"):
        cast = NetworkVotes(network, 10, NOISE_BATCH, precision)._network
        images = torch.rand(NOISE_BATCH, *shape, device=DEVICE, dtype=getattr(torch, precision))
        images = images.contiguous(memory_format=torch.channels_last)
        works[f"forward pass alone, {precision}"] = partial(forward_alone, cast, images, draws)
        for compile in compiled:
            votes = NetworkVotes(network, 10, NOISE_BATCH, precision, compile)
            counts = partial(votes.counts, MEASURE, x, torch.tensor([0]), draws, (0, 1))
            works[f"NetworkVotes, {precision}{', compiled' if compile else ''}"] = counts
    return works


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="small sizes")
    smoke = parser.parse_args().smoke
    draws, rounds, compiled = (1024, 1, (False,)) if smoke else (2048, 3, (False, True))
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start\n")
    print(f"| network | threads | what | draws per second | plain loop of {PUBLISHED} = 1 | fastest plain loop = 1 |")
    print("|---|---|---|---|---|---|")
    for name, network, shape in (
        ("LeNet, 1 x 28 x 28", LeNet(), (1, 28, 28)),
        ("ResNet-20, 3 x 32 x 32", CifarResNet(20), (3, 32, 32)),
    ):
        works = works_on(network, shape, draws, compiled)
        for threads in sorted({1, os.cpu_count() or 1}):
            torch.set_num_threads(threads)
            best = fastest(works, rounds)
            plain = {batch: best[named(batch)] for batch in PLAIN_BATCHES}
            for what, seconds in best.items():
                speeds = (
                    f"{draws / seconds:,.0f} | {plain[PUBLISHED] / seconds:.2f} | {min(plain.values()) / seconds:.2f}"
                )
                print(f"| {name} | {threads} | {what} | {speeds} |", flush=True)
    print(f"\nload {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
