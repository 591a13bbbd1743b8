"""Certificates against label flips, n = 50,000, K = 10: what is exact on the device, and its cost."""

from copy import copy
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from benchmarks.accelerator.report import DEVICE, SMALL, arguments, seconds
from smoothing.certifiers import Chernoff, ExactVote
from smoothing.measures import LabelFlip
from smoothing.numerics.exact_product import ExactProduct
from smoothing.votes import Ballots, Ridge
from smoothing.votes.labels.linear import Scores

N, TESTS, FEATURES, CLASSES = (500, 8, 16, 10) if SMALL else (50_000, 512, 128, 10)


def problem() -> tuple[Tensor, Tensor, Tensor]:
    """Return training features, labels, and features of test examples, of overlapping classes."""
    source = torch.Generator().manual_seed(0)
    labels = torch.randint(CLASSES, (N + TESTS,), generator=source)
    centres = torch.randn(CLASSES, FEATURES, generator=source)
    x = torch.randn(N + TESTS, FEATURES, generator=source) + 0.5 * centres[labels]
    return x[:N], labels[:N], x[N:]


def moved(votes: Ridge, device: torch.device) -> Ridge:
    """Return fitted votes with the same numbers on another device."""
    there = copy(votes)
    there.labels = votes.labels.to(device)
    product: ExactProduct = copy(votes._product)
    product.rows, product.column_scale = product.rows.to(device), product.column_scale.to(device)
    there._product = product
    return there


def sums(votes: Ridge, x: Tensor) -> tuple[Scores, Tensor]:
    """Return scores and their sums by class."""
    scores = votes.scores(x)
    return scores, scores.class_sums


def main() -> None:
    """Measure."""
    report, _, _ = arguments("label_flips")
    x, labels, tests = problem()
    votes = Ridge()
    votes.fit(x, labels, CLASSES)
    there, on = moved(votes, DEVICE), tests.to(DEVICE)
    with report.attempt("scores"):
        (here, own), (other, others) = sums(votes, tests), sums(there, on)
        product = torch.equal(votes.weights(tests.double()), there.weights(on.double()).cpu())
        cpu, device = (seconds(partial(sums, *pair), 3) for pair in ((votes, tests), (there, on)))
        report.add(
            n=N,
            classes=CLASSES,
            examples=TESTS,
            weights_have_the_same_bits=product,
            scores_have_the_same_bits=torch.equal(here.weights, other.weights.cpu()),
            class_sums_have_the_same_bits=torch.equal(own, others.cpu()),
            cpu_ms=1e3 * cpu,
            device_ms=1e3 * device,
        )
    with report.attempt("fit"):
        fitted = Ridge()
        device = seconds(lambda: fitted.fit(x.to(DEVICE), labels.to(DEVICE), CLASSES))
        cpu = seconds(lambda: Ridge().fit(x, labels, CLASSES))
        same = torch.equal(fitted._product.rows.cpu(), votes._product.rows)
        report.add(fit_has_the_same_bits=same, cpu_ms=1e3 * cpu, device_ms=1e3 * device)
    few = tests[: 8 if SMALL else 64]
    for certifier in (Chernoff(), ExactVote()):
        with report.attempt(type(certifier).__name__):
            ballots = Ballots(LabelFlip(0.1, CLASSES), votes, few, torch.arange(len(few)), 0)
            cost = seconds(lambda ballots=ballots, certifier=certifier: certifier.certify(ballots))  # type: ignore[misc]
            carried = Ballots(LabelFlip(0.1, CLASSES), votes, few, torch.arange(len(few)), 0)
            scores = there.scores(few.to(DEVICE))
            parts = {name: getattr(scores, name).cpu() for name in ("weights", "offsets", "labels")}
            carried.__dict__["scores"] = replace(scores, **parts)
            ours, theirs = certifier.certify(ballots), certifier.certify(carried)
            report.add(
                certifier=type(certifier).__name__,
                examples=len(few),
                cpu_s=cost,
                radii_from_scores_of_the_device_agree=bool((ours.radius == theirs.radius).all()),
            )
    report.add(
        decision="Products, rounded scores and class sums are whole numbers below 2^53 in float64: every order of "
        "summation gives the same bits, on a device too. Bounds and orders of flips stay on the CPU, since PyTorch "
        "states no error bound for logarithms and exponentials on a device, and certifiers round outward with NumPy."
    )


if __name__ == "__main__":
    main()
