import numpy as np
import pytest
import torch

from smoothing.votes import PCA, Logarithm
from smoothing.votes.features.transforms import ROWS_AT_A_TIME


def test_the_logarithm_keeps_signs_and_zero() -> None:
    x = torch.tensor([[0.0, np.e - 1, 1 - np.e, 1e6]], dtype=torch.float64)
    expected = torch.tensor([[0, 1, -1, np.log1p(1e6)]], dtype=torch.float64)
    torch.testing.assert_close(Logarithm()(x), expected)


def test_principal_axes_do_not_depend_on_blocks() -> None:
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(2 * ROWS_AT_A_TIME + 7, 4, dtype=torch.float64, generator=draw) * torch.tensor([3, 2, 1, 0.5]) + 5
    pca = PCA(2, whiten=True)
    placed = pca.fit_transform(x)
    assert placed.shape == (len(x), 2)
    torch.testing.assert_close(torch.cov(placed.T, correction=0), torch.eye(2, dtype=torch.float64))
    _, values, axes = np.linalg.svd((x - x.mean(0)).numpy(), full_matrices=False)
    expected = (x - x.mean(0)).numpy() @ axes[:2].T / values[:2] * len(x) ** 0.5
    np.testing.assert_allclose(placed.abs().numpy(), np.abs(expected), atol=1e-8)


def test_a_power_whitens_in_part() -> None:
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(200, 3, dtype=torch.float64, generator=draw) * torch.tensor([4, 1, 0.25])
    plain, half, white = (PCA(3, whiten=power).fit_transform(x) for power in (False, 0.5, True))
    torch.testing.assert_close(half.std(0, correction=0), plain.std(0, correction=0).sqrt())
    assert torch.equal(PCA(3, whiten=0.0).fit_transform(x), plain)
    assert torch.equal(PCA(3, whiten=1.0).fit_transform(x), white)
    variances, axes = torch.linalg.eigh((x - x.mean(0)).T @ (x - x.mean(0)) / len(x))
    assert torch.equal(white, (x - x.mean(0)) @ (axes.flip(1) / variances.flip(0).sqrt()))


@pytest.mark.parametrize("power", [-0.1, 1.1, float("nan"), "half", None])
def test_a_power_outside_its_range_is_refused(power: float) -> None:
    with pytest.raises(ValueError, match=r"^PCA: whiten = .*; must be within \[0, 1\]"):
        PCA(3, whiten=power)
