"""What training many small models at once saves over one after another, in models per second measured within one run.

``python benchmarks/retraining.py`` makes the table of results/speed.md; ``--smoke`` the same on small sizes. Both ways
train the same networks on as many examples, for as many epochs, in batches of the same size, by the same descent. One
after another is measured on one core and on all, and the better of the two counts.
"""

import argparse
import os
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lightning_modules.architectures import SmallCNN
from lightning_modules.learners import Networks, Perceptrons
from smoothing.threads import for_each
from smoothing.votes import Learner

CLASSES = 10
EPOCHS = 5
BATCH = 20


def one_after_another(make: Callable[[], nn.Module], x: Tensor, labels: Tensor, tests: Tensor, momentum: float) -> None:
    """Train one model as is usual, on all cores, and predict."""
    network = make()
    optimiser = torch.optim.SGD(network.parameters(), 0.05, momentum, nesterov=momentum > 0)
    for _ in range(EPOCHS):
        order = torch.randperm(len(x))
        for batch in order.split(BATCH):
            optimiser.zero_grad()
            cross_entropy(network(x[batch]), labels[batch]).backward()
            optimiser.step()
    with torch.no_grad():
        network(tests).argmax(1)


def at_once(learner: Learner, x: Tensor, labels: Tensor, tests: Tensor, models: int) -> None:
    """Train so many models in groups, one group a core."""
    group = x.expand(learner.group, *x.shape), tests.expand(learner.group, *tests.shape)

    def work(some: slice) -> None:
        keys = [(0, some.start + place) for place in range(learner.group)]
        learner.train_and_predict(group[0], labels, CLASSES, group[1], keys)

    for_each(work, models, learner.group)


def models_a_second(work: Callable[[], None], models: int, repeats: int) -> float:
    """The best of several tries."""
    best = 0.0
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        best = max(best, models / (time.perf_counter() - start))
    return best


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="small sizes")
    smoke = parser.parse_args().smoke
    n, m, repeats = (60, 20, 1) if smoke else (2_000, 1_000, 3)
    cores = torch.get_num_threads()
    linear = {"epochs": EPOCHS, "batch_size": BATCH, "learning_rate": 0.05}
    cases: list[tuple[str, tuple[int, ...], Callable[[], nn.Module], float, list[Learner]]] = [
        (
            "linear head on 512 features",
            (512,),
            lambda: nn.Linear(512, CLASSES),
            0.0,
            [Perceptrons((), group=group, **linear) for group in (1, 8, 32)],
        ),
        (
            "MLP 784-128-10",
            (784,),
            lambda: nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, CLASSES)),
            0.0,
            [Perceptrons((128,), group=group, **linear) for group in (1, 4, 16)],
        ),
        (
            "CNN for MNIST, 8 and 16 channels",
            (1, 28, 28),
            lambda: SmallCNN(width=8),
            0.9,
            [Networks(SmallCNN(width=8), weight_decay=0, group=group, **linear) for group in (1, 4, 16)],
        ),
    ]
    print(
        f"{n} examples, {EPOCHS} epochs, batches of {BATCH}, {m} predictions, {cores} threads, load {os.getloadavg()}"
    )
    print("\n| network | one after another, models/s | group | at once, models/s | ratio |\n|---|---|---|---|---|")
    for name, shape, make, momentum, learners in cases:
        source = torch.Generator().manual_seed(0)
        x, tests = (torch.randn(count, *shape, generator=source) for count in (n, m))
        labels = torch.arange(n) % CLASSES
        alone = 0.0
        for threads in {1, cores}:
            torch.set_num_threads(threads)
            work = partial(one_after_another, make, x, labels, tests, momentum)
            alone = max(alone, models_a_second(work, 1, 2 * repeats))
        torch.set_num_threads(cores)
        for learner in learners:
            models = learner.group * cores
            fast = models_a_second(partial(at_once, learner, x, labels, tests, models), models, repeats)
            print(f"| {name} | {alone:.2f} | {learner.group} | {fast:.2f} | {fast / alone:.1f} |", flush=True)


if __name__ == "__main__":
    main()
