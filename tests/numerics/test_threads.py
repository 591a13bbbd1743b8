"""Work on several threads."""

from collections.abc import Iterator

import pytest
import torch

from smoothing.numerics.threads import for_each


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("inference", [True, False])
def test_threads_have_the_inference_mode_of_the_caller(inference: bool) -> None:
    with torch.inference_mode(inference):
        x = torch.zeros(8)
        for_each(lambda some: x[some].add_(1), 8, 2)
        assert x.tolist() == [1.0] * 8
        assert x.is_inference() == inference
