from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from lightning_modules.encoders import RICA, KMeansPatches, PatchEncoder, RandomFilters


@pytest.fixture(scope="module")
def images() -> Tensor:
    torch.manual_seed(0)
    return torch.rand(30, 3, 9, 10)


def white_patches(encoder: PatchEncoder, image: Tensor) -> Tensor:
    """Whitened patches of an image, by hand, ``(rows, columns, d)``."""
    rows = []
    for row in range(0, image.shape[1] - encoder.patch + 1, encoder.stride):
        columns = range(0, image.shape[2] - encoder.patch + 1, encoder.stride)
        cut = [image[:, row : row + encoder.patch, column : column + encoder.patch].flatten() for column in columns]
        rows.append(torch.stack(cut))
    found = torch.stack(rows)
    found = found - found.mean(-1, keepdim=True)
    found = found / (found.var(-1, unbiased=False, keepdim=True) + encoder.contrast).sqrt()
    return (found - encoder.mean) @ encoder.whitening


def triangle(encoder: KMeansPatches, patches: Tensor) -> Tensor:
    distance = torch.stack([(patches - centre).norm(dim=-1) for centre in encoder.centres], -1)
    return (distance.mean(-1, keepdim=True) - distance).clamp(min=0)


def test_k_means_responses_compare_with_the_average_distance(images: Tensor) -> None:
    encoder = KMeansPatches(5, 4, samples=300, iterations=5)
    encoder.fit(images)
    answers = triangle(encoder, white_patches(encoder, images[3]))
    assert answers.shape == (6, 7, 5)
    cells = [
        answers[rows, columns].mean((0, 1)) for rows in (slice(3), slice(3, 6)) for columns in (slice(4), slice(3, 7))
    ]
    expected = torch.stack(cells, -1).flatten()
    torch.testing.assert_close(encoder(images[3:4])[0], expected, rtol=1e-4, atol=1e-5)


def test_strides_skip_patches(images: Tensor) -> None:
    encoder = KMeansPatches(5, 4, stride=2, pools=1, samples=300, iterations=5)
    encoder.fit(images)
    expected = triangle(encoder, white_patches(encoder, images[0])).mean((0, 1))
    torch.testing.assert_close(encoder(images[:1])[0], expected, rtol=1e-4, atol=1e-5)


def test_whitened_patches_are_white(images: Tensor) -> None:
    encoder = RandomFilters(4, 4, samples=4000, smoothing=1e-6)
    encoder.fit(torch.rand(200, 1, 8, 8, generator=torch.Generator().manual_seed(1)))
    white = torch.cat([white_patches(encoder, image).flatten(0, 1) for image in torch.rand(300, 1, 8, 8)])
    spread = torch.linalg.eigvalsh(torch.cov(white.T))
    # Normalised patches have no mean, hence no variance in one direction.
    assert spread[0] < 0.01
    assert spread[1] > 0.8
    assert spread[-1] < 1.25


def test_rica_descends_to_filters_that_rebuild(images: Tensor) -> None:
    patches = torch.randn(400, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    encoder = RICA(3, sparsity=1e-6, patch=2, samples=10, iterations=200)
    encoder.learn(patches)
    assert encoder.cost(encoder.filters.double(), patches) < 1e-3
    torch.testing.assert_close(encoder.filters.T @ encoder.filters, torch.eye(3), atol=0.02, rtol=0)


def test_rica_finds_independent_components() -> None:
    draw = torch.Generator().manual_seed(0)
    sparse = torch.randn(4000, 2, generator=draw) * (torch.rand(4000, 2, generator=draw) < 0.2) * 5**0.5
    turn = torch.tensor([[0.8, -0.6], [0.6, 0.8]])
    encoder = RICA(2, sparsity=0.3, patch=2, samples=10, iterations=200)
    encoder.learn(sparse @ turn.T)
    found = (encoder.filters @ turn).abs()
    found = found / found.norm(dim=1, keepdim=True)
    assert found.amax(1).min() > 0.98


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: KMeansPatches(1), "KMeansPatches: centres = 1; must be at least 2"),
        (lambda: KMeansPatches(30, samples=20), "KMeansPatches: centres = 30; must be at most samples = 20"),
        (lambda: KMeansPatches(patch=1), "KMeansPatches: patch = 1; must be at least 2"),
        (lambda: KMeansPatches(stride=0), "KMeansPatches: stride = 0; must be at least 1"),
        (lambda: RICA(filters=0), "RICA: filters = 0; must be at least 1"),
        (lambda: RICA(sparsity=0), "RICA: sparsity = 0; must be finite and above 0"),
        (lambda: RandomFilters(seed=-1), "RandomFilters: seed = -1; must be at least 0"),
        (lambda: RandomFilters(smoothing=0.0), "RandomFilters: smoothing = 0.0; must be finite and above 0"),
        (lambda: RandomFilters(patch=9).fit(torch.zeros(3, 1, 8, 8)), "must be images of at least 9 x 9 pixels"),
        (lambda: RandomFilters().fit(torch.zeros(3, 8)), r"RandomFilters: inputs of shape \[8\]; must be images"),
    ],
)
def test_bad_arguments_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
