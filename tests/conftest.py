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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs an accelerator where there is none."""
    if torch.cuda.is_available():
        return
    for item in items:
        if item.get_closest_marker("gpu"):
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
