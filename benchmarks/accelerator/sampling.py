"""Draws per second of a network under noise, against the forward pass alone on prepared images."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks.accelerator.report import DEVICE, SMALL, Report, arguments, seconds
from lightning_modules.architectures import CifarResNet, LeNet
from smoothing.measures import Gaussian
from smoothing.votes import NetworkVotes
from smoothing.votes.network import as_stated

MEASURE = Gaussian(0.5)

Case = tuple[str, Callable[[], nn.Module], tuple[int, ...], int, int, int]
"""Name, network, shape of an input, classes, noisy versions per pass, draws."""


def resnet50() -> nn.Module:
    """Return ResNet-50 with random weights."""
    import torchvision

    made: nn.Module = torchvision.models.resnet50()
    return made


CASES: tuple[Case, ...] = (
    ("LeNet, 1 x 28 x 28", LeNet, (1, 28, 28), 10, 4096, 1_000_000),
    ("ResNet-20, 3 x 32 x 32", partial(CifarResNet, 20), (3, 32, 32), 10, 2048, 100_000),
    ("ResNet-50, 3 x 224 x 224", resnet50, (3, 224, 224), 1000, 256, 5_000),
)


@contextmanager
def tf32() -> Iterator[None]:
    """Compute products of float32 in TF32."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=True):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def forward(network: nn.Module, images: Tensor, passes: int) -> None:
    """Pass prepared images through the network."""
    with torch.no_grad():
        for _ in range(passes):
            network(images)


def measure(report: Report, case: Case, precision: str, compiled: bool) -> None:
    """Report one network in one precision."""
    name, make, shape, classes, batch, draws = case
    if SMALL:
        batch, draws = 128, 128
    passes = -(-draws // batch)
    torch.manual_seed(0)
    votes = NetworkVotes(make().to(DEVICE), classes, batch, precision, compiled)  # type: ignore[arg-type]
    x = torch.rand(1, *shape, device=DEVICE)

    def count(draws: int) -> Tensor:
        return votes.counts(MEASURE, x, torch.tensor([0]), draws, (0, 1))

    start = seconds(partial(count, batch))
    images = votes._laid_out(torch.rand(batch, *shape, device=DEVICE))
    with as_stated(DEVICE):
        forward(votes._network, images, 2)
        alone = seconds(partial(forward, votes._network, images, passes), 2)
    counted = seconds(partial(count, passes * batch), 2)
    same = torch.equal(
        count(batch + 128), count(batch) + votes.counts(MEASURE, x, torch.tensor([0]), 128, (0, 1), batch)
    )
    report.add(
        network=name,
        arithmetic=f"{precision}{', compiled' if compiled else ''}",
        forward_alone_per_s=round(passes * batch / alone),
        draws_per_s=round(passes * batch / counted),
        ratio=alone / counted,
        within_15_percent=alone / counted >= 0.85,
        first_call_s=start,
        resumed_bits_agree=same,
    )


def measure_tf32(report: Report, case: Case) -> None:
    """Report the forward pass in TF32, which votes never use."""
    name, make, shape, classes, batch, draws = case
    if SMALL:
        batch, draws = 128, 128
    passes = -(-draws // batch)
    votes = NetworkVotes(make().to(DEVICE), classes, batch)
    images = votes._laid_out(torch.rand(batch, *shape, device=DEVICE))
    with tf32():
        forward(votes._network, images, 2)
        alone = seconds(partial(forward, votes._network, images, passes), 2)
    report.add(network=name, arithmetic="TF32, forward alone: votes turn TF32 off", per_s=round(passes * batch / alone))


def main() -> None:
    """Measure all networks, the slow compilations last."""
    report, _, _ = arguments("sampling")
    cases = CASES[:2] if SMALL else CASES
    for case in cases:
        for precision in ("float32",) if SMALL else ("float32", "bfloat16"):
            with report.attempt(f"{case[0]}, {precision}"):
                measure(report, case, precision, False)
    for case in cases:
        with report.attempt(f"{case[0]}, TF32"):
            measure_tf32(report, case)
    if SMALL:
        return
    for precision in ("bfloat16", "float32"):
        for case in cases:
            if report.left < 15:
                report.add(left_out=f"{case[0]}, {precision}, compiled", reason="no time was left")
                continue
            with report.attempt(f"{case[0]}, {precision}, compiled"):
                measure(report, case, precision, True)


if __name__ == "__main__":
    main()
