"""What maps each row by itself passes; what looks at other rows, at its position or at earlier calls does not."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from smoothing.numerics.rowwise import check_rowwise


def rows(number: int = 4) -> Tensor:
    return torch.rand(number, 3, generator=torch.Generator().manual_seed(0))


class Calls:
    """Adds the number of earlier calls."""

    number = 0

    def __call__(self, x: Tensor) -> Tensor:
        self.number += 1
        return x + self.number


MUTANTS: dict[str, Callable[[Tensor], Tensor]] = {
    "batch norm": lambda x: nn.functional.batch_norm(x, None, None, training=True),
    "mean": lambda x: x - x.mean(0),
    "largest row": lambda x: x / x.amax(),
    "first row": lambda x: x - 0.01 * x[:1],
    "position": lambda x: x + torch.arange(len(x))[:, None],
    "order": lambda x: x + (torch.arange(len(x)) % 2)[:, None],
    "dropout": lambda x: nn.functional.dropout(x, 0.5),
    "noise": lambda x: x + 0.01 * torch.randn_like(x),
    "calls": Calls(),
    "not a number": lambda x: torch.where(x.amax() > 1, torch.nan, x),
    "sorted": lambda x: x.sort(0).values,
}


@pytest.mark.parametrize("kind", MUTANTS)
@pytest.mark.parametrize("number", [1, 4])
def test_what_depends_on_more_than_a_row_is_refused(kind: str, number: int) -> None:
    with pytest.raises(ValueError, match=r"^Mutant: output of a row changes by .*; must depend on that row alone"):
        check_rowwise("Mutant", nn.Identity(), MUTANTS[kind], rows(number))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_rounding_is_tolerated(dtype: torch.dtype) -> None:
    """Errors of some units in the last place that depend on the position."""

    def rounded(x: Tensor) -> Tensor:
        return x * (1 + 4 * torch.finfo(dtype).eps * (torch.arange(len(x), dtype=dtype)[:, None] % 2))

    check_rowwise("rounded", nn.Identity(), rounded, rows().to(dtype))
    with pytest.raises(ValueError, match="must depend on that row alone"):
        check_rowwise("shifted", nn.Identity(), lambda x: rounded(x) - 0.5 * x.mean(), rows().to(dtype))


def test_the_coarsest_type_counts() -> None:
    """Features of a network in bfloat16 carry its rounding, whatever their own type."""

    def off(x: Tensor) -> Tensor:
        return x + 0.01 * (torch.arange(len(x)) % 2)[:, None]

    check_rowwise("coarse", nn.Linear(1, 1).bfloat16(), off, rows())
    with pytest.raises(ValueError, match="must depend on that row alone"):
        check_rowwise("fine", nn.Linear(1, 1), off, rows())


@pytest.mark.parametrize("function", [lambda x: x.relu(), lambda x: 0 * x, lambda x: x / 0, lambda x: x.argmax(1)])
def test_what_maps_rows_by_themselves_passes(function: Callable[[Tensor], Tensor]) -> None:
    check_rowwise("fine", nn.Identity(), function, rows())
    check_rowwise("fine", nn.Identity(), function, rows(), rows().flip(0))
