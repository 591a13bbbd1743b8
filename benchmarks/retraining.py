"""Speedup of training many small models at once over training one after another, in models per second.

``python -m benchmarks.retraining`` prints a table of results/speed.md. ``--smoke`` uses small sizes. Both ways train
the same networks on the same number of examples and epochs, with the same batch size and optimiser. Training one after
another is measured on one core and on all cores, and the faster one is reported.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lightning_modules.architectures import SmallCNN
from lightning_modules.learners import Networks, Perceptrons
from smoothing.numerics.threads import for_each
from smoothing.votes import Learner

CLASSES = 10
EPOCHS = 5
RATE = 0.05


def one_after_another(
    make: Callable[[], nn.Module], x: Tensor, labels: Tensor, tests: Tensor, momentum: float, batch_size: int
) -> None:
    """Train one model in the usual way, on all cores, and predict."""
    network = make()
    optimiser = torch.optim.SGD(network.parameters(), RATE, momentum, nesterov=momentum > 0)
    for _ in range(EPOCHS):
        order = torch.randperm(len(x))
        for batch in order.split(batch_size):
            optimiser.zero_grad()
            cross_entropy(network(x[batch]), labels[batch]).backward()
            optimiser.step()
    with torch.no_grad():
        network(tests).argmax(1)


def at_once(learner: Learner, x: Tensor, labels: Tensor, tests: Tensor, models: int) -> None:
    """Train a number of models in groups, one group per core."""
    group = x.expand(learner.group, *x.shape), tests.expand(learner.group, *tests.shape)

    def work(some: slice) -> None:
        keys = [(0, some.start + place) for place in range(learner.group)]
        learner.train_and_predict(group[0], labels, CLASSES, group[1], keys)

    for_each(work, models, learner.group)


def models_a_second(work: Callable[[], None], models: int, repeats: int) -> float:
    """Return the best of several repetitions."""
    best = 0.0
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        best = max(best, models / (time.perf_counter() - start))
    return best


Case = tuple[str, tuple[int, ...], Callable[[], nn.Module], float, int, list[Learner]]
"""Name, shape of an input, network, momentum, batch size, and learners that train the same network."""


def cases() -> Iterator[Case]:
    """Yield the cases to compare."""
    for batch in (10, 50):
        how = {"epochs": EPOCHS, "batch_size": batch, "learning_rate": RATE}
        heads: list[Learner] = [Perceptrons((), group=group, **how) for group in (1, 16)]  # type: ignore[arg-type]
        yield "linear head on 512 features", (512,), lambda: nn.Linear(512, CLASSES), 0.0, batch, heads
        layers = nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, CLASSES)
        mlps: list[Learner] = [Perceptrons((128,), group=group, **how) for group in (1, 16)]  # type: ignore[arg-type]
        yield "MLP 784-128-10", (784,), lambda layers=layers: deepcopy(nn.Sequential(*layers)), 0.0, batch, mlps
        cnns: list[Learner] = [
            Networks(SmallCNN(width=8), weight_decay=0, group=group, **how)  # type: ignore[arg-type]
            for group in (1, 16)
        ]
        yield "CNN for MNIST, 8 and 16 channels", (1, 28, 28), lambda: SmallCNN(width=8), 0.9, batch, cnns


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="small sizes")
    smoke = parser.parse_args().smoke
    n, m, repeats = (60, 20, 1) if smoke else (2_000, 1_000, 2)
    cores, load = torch.get_num_threads(), os.getloadavg()[0]
    print(f"{n} examples, {EPOCHS} epochs, {m} predictions; {cores} cores, at a load of {load:.1f} before this run.\n")
    print("| network | batch | one after another, models/s | group | at once, models/s | ratio |")
    print("|---|---|---|---|---|---|")
    for name, shape, make, momentum, batch, learners in cases():
        source = torch.Generator().manual_seed(0)
        x, tests = (torch.randn(count, *shape, generator=source) for count in (n, m))
        labels = torch.arange(n) % CLASSES
        usual = partial(one_after_another, make, x, labels, tests, momentum, batch)
        alone = 0.0
        for threads in {1, cores}:
            torch.set_num_threads(threads)
            alone = max(alone, models_a_second(usual, 1, 2 * repeats))
        torch.set_num_threads(cores)
        for learner in learners:
            models = learner.group * cores
            fast = models_a_second(partial(at_once, learner, x, labels, tests, models), models, repeats)
            print(f"| {name} | {batch} | {alone:.2f} | {learner.group} | {fast:.2f} | {fast / alone:.1f} |", flush=True)


if __name__ == "__main__":
    main()
