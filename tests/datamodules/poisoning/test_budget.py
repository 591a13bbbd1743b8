"""Budgets are held exactly by float32 pixels."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from datamodules.poisoning import Budget


def exact_size(image: torch.Tensor, base: torch.Tensor, norm: str) -> Fraction:
    """Return the size of a change in rational numbers; squared in l2."""
    pairs = zip(image.flatten().tolist(), base.flatten().tolist(), strict=True)
    changes = [abs(Fraction(pixel) - Fraction(clean)) for pixel, clean in pairs]
    return max(changes) if norm == "linf" else sum((change**2 for change in changes), Fraction(0))


@given(
    st.sampled_from(["linf", "l2"]), st.sampled_from([1e-6, 0.1, 8 / 255, 16 / 255, 0.5, 3.48]), st.integers(0, 10**6)
)
def test_projected_images_are_within_the_budget_in_exact_arithmetic(norm: str, eps: float, seed: int) -> None:
    source = torch.Generator().manual_seed(seed)
    bases = torch.rand(3, 1, 4, 4, generator=source).round(decimals=int(seed % 3) + 1).clamp(0, 1)
    images = bases + torch.randn(bases.shape, generator=source) * eps * 2
    budget = Budget(3, eps, norm)
    projected = budget.project(images, bases)
    budget.check(projected, bases)
    assert projected.dtype == torch.float32
    assert ((projected >= 0) & (projected <= 1)).all()
    limit = Fraction(eps) if norm == "linf" else Fraction(eps) ** 2
    assert all(exact_size(image, base, norm) <= limit for image, base in zip(projected, bases, strict=True))


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_projection_uses_the_whole_budget_and_repeats_itself(norm: str) -> None:
    bases = torch.full((2, 1, 5, 5), 0.5)
    budget = Budget(2, 0.25, norm)
    projected = budget.project(bases + 1, bases)
    assert budget.sizes(projected, bases).tolist() == pytest.approx([0.25, 0.25], rel=1e-6)
    within = bases + 0.01
    assert torch.equal(budget.project(within, bases), within)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_a_change_that_is_too_large_by_one_bit_is_refused(norm: str) -> None:
    bases = torch.zeros(1, 1, 2, 2)
    image = bases.clone()
    image[0, 0, 0, 0] = 0.25
    Budget(1, 0.25, norm).check(image, bases)
    image[0, 0, 0, 0] = torch.nextafter(torch.tensor(0.25), torch.tensor(1.0))
    with pytest.raises(ValueError, match=r"^Budget: largest change = 0\.25.* in l.*; must be at most 0\.25$"):
        Budget(1, 0.25, norm).check(image, bases)


@pytest.mark.parametrize("value", [-1e-9, 1.0001, float("nan")])
def test_pixels_outside_the_scale_are_refused(value: float) -> None:
    bases = torch.zeros(1, 1, 2, 2)
    with pytest.raises(ValueError, match=r"^Budget: images have pixels outside \[0, 1\]"):
        Budget(1, 5.0).check(bases + value, bases)


def test_images_of_another_form_are_refused() -> None:
    bases = torch.zeros(2, 1, 2, 2)
    for images in (bases.double(), bases[:1], bases[:, :, :1]):
        with pytest.raises(ValueError, match=r"^Budget: images are torch\.float"):
            Budget(2, 0.1).check(images, bases)
    with pytest.raises(ValueError, match=r"^Budget: images are torch\.float"):
        Budget(3, 0.1).check(bases, bases)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": 0}, "count = 0; must be at least 1"),
        ({"count": 2.5}, "count = 2.5; must be a whole number, at least 1"),
        ({"eps": -0.1}, "eps = -0.1; must be finite and above 0"),
        ({"eps": 0}, "eps = 0; must be finite and above 0"),
        ({"norm": "l1"}, "norm = 'l1'; must be one of linf, l2"),
    ],
)
def test_bad_budgets_are_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=f"^Budget: {message}$"):
        Budget(**{"count": 1, "eps": 0.1, **arguments})
