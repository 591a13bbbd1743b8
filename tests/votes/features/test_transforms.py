import numpy as np
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
