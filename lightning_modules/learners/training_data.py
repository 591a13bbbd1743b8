"""Preprocessing of training sets and inputs for learners."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, pad

from smoothing.arguments import at_least, refuse
from smoothing.numerics.random import generator

MOST_MODELS = 10_000
"""Largest number of models that are trained at the same time."""


def check_group(learner: object, group: int) -> None:
    """Raise unless a number of models can be trained at the same time: 1 to `MOST_MODELS`."""
    at_least(learner, 1, group=group)
    if group > MOST_MODELS:
        refuse(learner, "group", group, f"at most {MOST_MODELS}")


def standardised(x: Tensor, tests: Tensor) -> tuple[Tensor, Tensor]:
    """Standardise inputs by mean and standard deviation of all values of a training set.

    Both are computed from the randomised training set, the only one that a learner may use (THEORY.md section 6).

    Args:
        x: Training sets, ``(group, n, ...)``.
        tests: Inputs to predict, ``(group, m, ...)``.
    """
    shape = (len(x), *[1] * (x.ndim - 1))
    # One model after the other, so that its sums do not depend on its position.
    mean = torch.stack([some.mean() for some in x]).view(shape)
    scale = torch.stack([some.std() for some in x]).view(shape)
    scale = scale.masked_fill(scale == 0, 1)
    return (x - mean) / scale, (tests - mean) / scale


def shuffled(x: Tensor, labels: Tensor, keys: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Shuffle each training set by its own key.

    Args:
        x: Training sets, ``(group, n, ...)``.
        labels: Labels, ``(n,)`` or ``(group, n)``.
        keys: Key of each order.

    Returns:
        Inputs ``(group, n, ...)`` and labels ``(group, n)``.
    """
    orders = [torch.randperm(x.shape[1], generator=generator(key)).to(x.device) for key in keys]
    inputs = torch.stack([some[order] for some, order in zip(x, orders, strict=True)])
    return inputs, by_model(labels, len(x)).gather(1, torch.stack(orders))


def by_model(labels: Tensor, group: int) -> Tensor:
    """Return the labels of each model, ``(group, n)``, given labels ``(n,)`` of all models or ``(group, n)``."""
    return labels.expand(group, labels.shape[-1])


ANGLE, SCALE, SHEAR, SHIFT = 0.3, 0.2, 0.3, 0.18
"""Largest rotation in radians, change of scale, shear, and shift in halves of the image, at a distortion of 1."""


def distorted(x: Tensor, strength: float, keys: Sequence[Sequence[int]]) -> Tensor:
    """Distort each image by its own random affine map: rotated, scaled, sheared and shifted.

    Args:
        x: Images, ``(group, n, channels, height, width)``. Values outside of an image are those of its first pixel.
        strength: Factor of the largest distortions, at least 0; 0 changes nothing.
        keys: Key of the random numbers of each model.

    Raises:
        ValueError: If the inputs are no images and ``strength`` is above 0.
    """
    if strength == 0:
        return x
    if x.ndim != 5:
        raise ValueError(f"distortion = {strength}; must be 0 for inputs of shape {list(x.shape[2:])}, no images")
    return torch.stack([_warped(images, strength, generator(key)) for images, key in zip(x, keys, strict=True)])


def _warped(x: Tensor, strength: float, source: torch.Generator) -> Tensor:
    angle, shear, *scale_and_shift = strength * (2 * torch.rand(6, len(x), generator=source) - 1)
    wide, high = 1 + SCALE * scale_and_shift[0], 1 + SCALE * scale_and_shift[1]
    right, down = SHIFT * scale_and_shift[2], SHIFT * scale_and_shift[3]
    cos, sin = (ANGLE * angle).cos(), (ANGLE * angle).sin()
    rows = [wide * cos, SHEAR * shear - high * sin, right], [wide * sin, high * cos, down]
    maps = torch.stack([torch.stack(row, 1) for row in rows], 1).to(x)
    ground = x[:, :, :1, :1]
    return grid_sample(x - ground, affine_grid(maps, list(x.shape), False), align_corners=False) + ground


def shifted(x: Tensor, most: int, source: torch.Generator) -> Tensor:
    """Shift each image at random by up to ``most`` pixels, with reflection at the edges."""
    if not most:
        return x
    height, width = x.shape[-2:]
    wide = pad(x, (most,) * 4, "reflect")
    down, right = (torch.randint(2 * most + 1, (len(x),), generator=source, device=x.device) for _ in range(2))
    rows = (down[:, None] + torch.arange(height, device=x.device))[:, None, :, None]
    columns = (right[:, None] + torch.arange(width, device=x.device))[:, None, None, :]
    images = torch.arange(len(x), device=x.device)[:, None, None, None]
    channels = torch.arange(x.shape[1], device=x.device)[None, :, None, None]
    return wide[images, channels, rows, columns]
