import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from torch import Tensor

from smoothing.votes import SpectralEmbedding
from smoothing.votes.features.spectral import leading_eigenvectors


@pytest.fixture(scope="module")
def rings() -> tuple[Tensor, Tensor]:
    """Points on two concentric rings, and the ring of each point."""
    draw = torch.Generator().manual_seed(0)
    angle = 2 * torch.pi * torch.rand(300, generator=draw, dtype=torch.float64)
    ring = torch.arange(300) % 2
    radius = 1 + ring + 0.05 * torch.randn(300, generator=draw, dtype=torch.float64)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], 1), ring


def test_points_on_one_ring_have_close_coordinates(rings: tuple[Tensor, Tensor]) -> None:
    points, ring = rings
    embedding = SpectralEmbedding(2, 8)
    placed = torch.cat([embedding.fit_transform(points[:240]), embedding(points[240:])])
    assert placed.shape == (300, 2)
    unit = torch.nn.functional.normalize(placed)
    alike = (unit @ unit.T).abs()
    same = ring[:, None] == ring
    # No step leads from ring to ring, so that all points of one have one place, at a right angle to the other's.
    assert alike[same].min() > 0.999
    assert alike[~same].max() < 0.3


def test_the_first_coordinate_is_constant_on_a_connected_graph(rings: tuple[Tensor, Tensor]) -> None:
    placed = SpectralEmbedding(3, 80).fit_transform(rings[0])
    torch.testing.assert_close(placed[:, 0].abs(), torch.ones(300, dtype=torch.float64), rtol=0, atol=1e-6)
    assert placed[:, 1].std() > 0.3


def test_training_points_have_the_coordinates_of_fitting(rings: tuple[Tensor, Tensor]) -> None:
    points, _ = rings
    embedding = SpectralEmbedding(4, 8)
    placed = embedding.fit_transform(points)
    assert torch.equal(placed, torch.cat([embedding(point) for point in points.split(1)]))
    again = SpectralEmbedding(4, 8)
    again.fit(points)
    assert torch.equal(placed, again(points))


def test_coordinates_are_eigenvectors_of_the_walk(rings: tuple[Tensor, Tensor]) -> None:
    """With one neighbour, itself, the coordinates are the eigenvectors that another algorithm finds."""
    points, _ = rings
    n = len(points)
    nearest = np.argsort(torch.cdist(points, points).numpy(), axis=1)[:, 1:9]
    links = np.zeros((n, n))
    links[np.arange(n)[:, None], nearest] = 1
    links += links.T
    values = np.sort(np.linalg.eigvals(links / links.sum(1, keepdims=True)).real)[::-1]
    embedding = SpectralEmbedding(6, 8)
    embedding.fit(points)
    coordinates = embedding._coordinates.numpy()
    walked = links / links.sum(1, keepdims=True) @ coordinates
    np.testing.assert_allclose(walked, coordinates * values[:6], atol=1e-6)


def test_eigenvectors_agree_with_a_dense_solver() -> None:
    rng = np.random.default_rng(0)
    basis, _ = np.linalg.qr(rng.standard_normal((60, 60)))
    values = np.sort(rng.uniform(-1, 1, 60))
    matrix = basis * values @ basis.T
    start = torch.randn(60, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = leading_eigenvectors(csr_array(matrix), start, 5).numpy()
    np.testing.assert_allclose(matrix @ found, found * values[::-1][:5], atol=1e-8)
    np.testing.assert_allclose(found.T @ found, np.eye(5), atol=1e-10)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"components": 1}, "SpectralEmbedding: components = 1; must be at least 2"),
        ({"components": 2, "neighbours": 0}, "SpectralEmbedding: neighbours = 0; must be at least 1"),
        ({"components": 2, "seed": -1}, "SpectralEmbedding: seed = -1; must be at least 0"),
        ({"components": 9}, "SpectralEmbedding: components = 9; must be at most 8, one less than points"),
        ({"components": 2, "neighbours": 9}, "SpectralEmbedding: neighbours = 9; must be at most 8"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SpectralEmbedding(**arguments).fit(torch.arange(9.0)[:, None])


@pytest.mark.parametrize("distinct", [7, 1000])
def test_rows_together_have_the_bits_of_rows_alone(distinct: int) -> None:
    """Also among many equally near points."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(1000, 5, dtype=torch.float64, generator=draw)[torch.arange(300) % distinct]
    points = torch.cat([x[:40], torch.randn(100, 5, dtype=torch.float64, generator=draw)])
    embedding = SpectralEmbedding(3, 4)
    embedding.fit(torch.cat([x, torch.randn(50, 5, dtype=torch.float64, generator=draw)]))
    alone = torch.cat([embedding(point) for point in points.split(1)])
    for size in (1, 3, 64, len(points)):
        assert torch.equal(torch.cat([embedding.each(some) for some in points.split(size)]), alone)
