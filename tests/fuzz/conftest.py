"""Inputs must not make a command take the memory of the machine."""

import resource
from collections.abc import Iterator

import pytest
import torch

MEMORY = 12 * 2**30
"""Largest size of the address space of a command, in bytes."""


@pytest.fixture(autouse=True)
def little_memory() -> Iterator[None]:
    """Limit the memory of a test. Where there is an accelerator its driver needs more addresses, and none is set."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    if not torch.cuda.is_available():
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)
