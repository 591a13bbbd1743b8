"""Training of `FastCifar`: seconds per model, accuracy without and with noise, the cost of 10,000 models."""

from functools import partial

import numpy as np
import torch
from torch import Tensor

from benchmarks.accelerator.part import CIFAR10Part
from benchmarks.accelerator.report import DEVICE, SMALL, Report, arguments, seconds
from lightning_modules.learners import FastCifar
from smoothing.measures import Gaussian
from smoothing.provenance.origin import Origin
from smoothing.votes import Draw, RetrainedVotes

WHOLE = 50_000
"""Training images of CIFAR-10."""


def train(learner: FastCifar, x: Tensor, y: Tensor, tests: Tensor, key: int) -> Tensor:
    """Train one model without noise, and predict."""
    return learner.train_and_predict(x[None], y, 10, tests[None], [(0, key)])[0]


def plain(report: Report, x: Tensor, y: Tensor, tests: Tensor, truth: Tensor, epochs: int, compiled: bool) -> None:
    """Report models that are trained without noise."""
    learner = FastCifar(epochs=epochs, compile=compiled, **({"widths": (8, 8, 8), "batch_size": 100} if SMALL else {}))
    first = seconds(lambda: train(learner, x, y, tests, 0))
    made: list[Tensor] = []
    models = 1 if SMALL else 3
    cost = seconds(lambda: made.extend(train(learner, x, y, tests, key) for key in range(models))) / models
    again = train(learner, x, y, tests, 0)
    report.add(
        images=len(x),
        epochs=epochs,
        compiled=compiled,
        first_model_s=first,
        s_per_model=cost,
        accuracy_without_noise=float(np.mean([float((row == truth).float().mean()) for row in made])),
        same_bits_again=bool(torch.equal(again, made[0])),
    )


def noisy(report: Report, x: Tensor, y: Tensor, tests: Tensor, truth: Tensor, sigma: float, models: int) -> None:
    """Report models that are trained under noise on their training images."""
    learner = FastCifar(**({"epochs": 1, "widths": (8, 8, 8), "batch_size": 100} if SMALL else {}))
    votes = RetrainedVotes(learner)
    votes.fit(x, y, 10)
    votes.serve(Origin.parse("CIFAR10 train"), tests, torch.arange(len(tests)), {})
    drawn: list[np.ndarray] = []
    cost = seconds(lambda: drawn.extend(votes.draw(Gaussian(sigma), [Draw(1, i) for i in range(models)], 0, DEVICE)))
    counts = torch.nn.functional.one_hot(torch.from_numpy(np.stack(drawn)).long(), 10).sum(0)
    report.add(
        images=len(x),
        sigma=sigma,
        models=models,
        s_per_model=cost / models,
        accuracy_of_a_model=float(np.mean([(row == truth.numpy()).mean() for row in drawn])),
        accuracy_of_the_vote=float((counts.argmax(1) == truth).float().mean()),
        hours_for_10_000_models=cost / models * 10_000 / 3600,
    )


def main() -> None:
    """Measure."""
    report, _, folder = arguments("fast_cifar")
    data = CIFAR10Part(folder)
    data.setup()
    x, y = data.training_set()
    tests, truth = data._loaded[1]
    if SMALL:
        x, y, tests, truth = x[:200], y[:200], tests[:50], truth[:50]
    on = [tensor.to(DEVICE) for tensor in (x, y, tests, truth)]
    with report.attempt("without noise"):
        plain(report, *on, 1 if SMALL else 10, False)
    for sigma in (0.25,) if SMALL else (0.1, 0.25, 0.5):
        with report.attempt(f"sigma {sigma}"):
            noisy(report, x, y, tests, truth, sigma, 2 if SMALL else 8)
    if SMALL:
        return
    with report.attempt("without noise, more epochs"):
        plain(report, *on, 40, False)
    with report.attempt("as many images as CIFAR-10"):
        # Repeated images: for the time alone.
        repeats = -(-WHOLE // len(x))
        many, labels = on[0].repeat(repeats, 1, 1, 1)[:WHOLE], on[1].repeat(repeats)[:WHOLE]
        learner = FastCifar()
        work = partial(train, learner, many, labels, on[2], 0)
        cost = seconds(work, 2)
        report.add(images=WHOLE, s_per_model=cost, hours_for_10_000_models=cost * 10_000 / 3600, note="images repeat")
    if report.left > 30:
        with report.attempt("compiled"):
            plain(report, *on, 10, True)


if __name__ == "__main__":
    main()
