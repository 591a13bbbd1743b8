"""What every test may ask for."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
import torch
from hypothesis import settings

pytest_plugins = ["pytester"]

# Examples that hypothesis draws are a function of the test, so that a failure repeats; how long one takes is no error.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("long", deadline=None, max_examples=500)
settings.register_profile("endless", deadline=None, max_examples=10**6)
settings.load_profile("repeatable")

if "PYTEST_XDIST_WORKER" in os.environ:
    # Each worker has one core. The threads of several workers would wait for each other.
    torch.set_num_threads(1)
    os.environ.setdefault("OMP_NUM_THREADS", "1")

ALONE = ("cli", "fuzz", "docs/test_launch.py")
"""Tests that watch the clock, or that end processes at chosen moments."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that run alone, and skip what needs an accelerator where there is none."""
    folders = tuple(str(Path(__file__).parent / name) for name in ALONE)
    for item in items:
        if str(item.path).startswith(folders) or item.get_closest_marker("ddp"):
            item.add_marker("alone")
        if item.get_closest_marker("gpu") and not torch.cuda.is_available():
            item.add_marker(pytest.mark.skip(reason="no accelerator"))


@pytest.fixture(autouse=True)
def ends_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a command that ends its process at once end only the test, so that its error is reported."""

    def leave(status: int) -> NoReturn:
        raise SystemExit(status)

    for module in ("main", "errors"):
        monkeypatch.setattr(f"smoothing.cli.{module}.leave", leave)


@pytest.fixture(autouse=True)
def own_wandb() -> Iterator[None]:
    """Start wandb anew in each test, since it reads its environment variables once per process."""
    yield
    if "wandb" in sys.modules:
        sys.modules["wandb"].teardown()


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder that SMOOTHING_DATA names; skips the test where it names none."""
    root = os.environ.get("SMOOTHING_DATA")
    if not root:
        pytest.skip("SMOOTHING_DATA is not set: the data sets are absent")
    return Path(root)


@pytest.fixture(scope="session")
def mnist_root(data_root: Path) -> Path:
    """A torchvision root that holds MNIST; skips the test where it does not."""
    if not (data_root / "MNIST" / "raw").is_dir():
        pytest.skip(f"no MNIST in SMOOTHING_DATA={data_root}")
    return data_root
