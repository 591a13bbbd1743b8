"""Ensembles of retrained convolutional networks: models per second, stacked and one after another."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from benchmarks.accelerator.part import digits
from benchmarks.accelerator.report import DEVICE, SMALL, Report, arguments, seconds
from benchmarks.retraining import CLASSES, EPOCHS, RATE, one_after_another
from lightning_modules.architectures import SmallCNN
from lightning_modules.learners import Networks, Perceptrons
from smoothing.measures import Gaussian
from smoothing.provenance.origin import Origin
from smoothing.votes import Draw, Learner, RetrainedVotes

BATCH = 50
SIGMA = 0.5
N, TESTS = (100, 20) if SMALL else (2_000, 1_000)
GROUPS = (1, 2) if SMALL else (1, 16, 64, 256)


def stacked(report: Report, learner: Learner, alone: float, x: Tensor, y: Tensor, tests: Tensor, truth: Tensor) -> None:
    """Report models that are trained at once."""
    votes = RetrainedVotes(learner)
    votes.fit(x, y, CLASSES)
    votes.serve(Origin.parse("MNIST test"), tests, torch.arange(len(tests)), {})

    def draw() -> list[np.ndarray]:
        return votes.draw(Gaussian(SIGMA), [Draw(1, i) for i in range(learner.group)], 0, DEVICE)

    first, again = draw(), draw()
    cost = seconds(draw)
    report.add(
        learner=type(learner).__name__,
        group=learner.group,
        models_per_s=learner.group / cost,
        over_one_after_another=learner.group / cost / alone,
        accuracy_of_a_model=float(np.mean([(row == truth.numpy()).mean() for row in first])),
        same_bits_again=all(map(np.array_equal, first, again)),
    )


def main() -> None:
    """Measure."""
    report, _, folder = arguments("ensembles")
    x, y = digits(folder)
    x, y, tests, truth = x[:N], y[:N], x[N : N + TESTS], y[N : N + TESTS]
    moved = [tensor.to(DEVICE) for tensor in (x, y, tests)]
    alone = float("nan")

    def make(kind: Callable[[], torch.nn.Module]) -> Callable[[], torch.nn.Module]:
        return lambda: kind().to(DEVICE)

    with report.attempt("one after another"):
        work = lambda: one_after_another(make(lambda: SmallCNN(width=8)), *moved, 0.9, BATCH)  # noqa: E731
        work()
        alone = 1 / seconds(work, 2)
        report.add(images=N, epochs=EPOCHS, batch=BATCH, one_after_another_models_per_s=alone)
    how = {"epochs": EPOCHS, "batch_size": BATCH, "learning_rate": RATE}
    for group in GROUPS:
        if report.left < 8:
            report.add(left_out=f"Networks, group {group}", reason="no time was left")
            continue
        with report.attempt(f"Networks, group {group}"):
            learner = Networks(SmallCNN(width=8), weight_decay=0, group=group, **how)  # type: ignore[arg-type]
            stacked(report, learner, alone, x, y, tests, truth)
    for group in GROUPS[1:]:
        with report.attempt(f"Perceptrons, group {group}"):
            stacked(report, Perceptrons((128,), group=group, **how), alone, x, y, tests, truth)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
