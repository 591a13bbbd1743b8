"""Conversion and checks of the arrays that votes are given."""

from warnings import catch_warnings, filterwarnings

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

Arrays = Tensor | ArrayLike
"""What votes accept: tensors, and arrays, data frames and nested lists of numbers."""


def as_tensor(name: str, values: Arrays, allowed: str = "numbers") -> Tensor:
    """Return values as a tensor; a tensor is returned as it is.

    Args:
        name: Name of the values, for messages.
        values: A tensor, or an array, a data frame or a nested list of numbers.
        allowed: What the values must be, for messages.

    Raises:
        ValueError: If the values are not real numbers in an array.
    """
    if isinstance(values, Tensor):
        kind, tensor = str(values.dtype).removeprefix("torch."), values
        if not values.is_complex():
            return tensor
    else:
        try:
            array = np.asarray(values)
        except ValueError as error:
            raise ValueError(f"{name}: {type(values).__name__} of uneven rows; must be {allowed}") from error
        if array.dtype.kind in "biuf":
            native = np.float64 if array.dtype.itemsize > 8 else array.dtype.newbyteorder("=")
            # Memory maps stay on disk. Other arrays are copied, since their owner may change them.
            mapped = isinstance(values, np.memmap) and array.dtype == native and array.flags.c_contiguous
            with catch_warnings():
                filterwarnings("ignore", "The given NumPy array is not writable")
                return torch.from_numpy(array if mapped else np.array(array, native, order="C"))
        kind = str(array.dtype)
    raise ValueError(f"{name}: {type(values).__name__} of type {kind}; must be {allowed}")


def whole_numbers(name: str, values: Arrays, allowed: str) -> Tensor:
    """Return whole numbers as int64 ``(n,)``; see `as_tensor`.

    Raises:
        ValueError: If they have another shape, or a value is not a whole number.
    """
    numbers = as_tensor(name, values, allowed)
    if numbers.ndim != 1:
        raise ValueError(f"{name}: shape {list(numbers.shape)}; must be one-dimensional")
    if numbers.is_floating_point() and not (numbers.isfinite().all() and torch.equal(numbers, numbers.round())):
        raise ValueError(f"{name}: a value is not a whole number; must be {allowed}")
    return numbers.long()


def checked_batch(x: Arrays, index: Arrays) -> tuple[Tensor, Tensor]:
    """Return a batch of inputs to predict as tensors.

    Args:
        x: Inputs, ``(batch, ...)``.
        index: ``(batch,)`` position of each input in its data set.

    Returns:
        Inputs, and positions as int64.

    Raises:
        ValueError: If inputs or positions are not numbers of these shapes, or a position is negative.
    """
    inputs = as_tensor("inputs to predict", x)
    positions = whole_numbers("index", index, "whole numbers at least 0, one per input")
    if inputs.ndim < 1 or len(inputs) != len(positions):
        raise ValueError(
            f"index: {len(positions)} positions for inputs of shape {list(inputs.shape)}; must be one per input"
        )
    if len(positions) and (least := int(positions.min())) < 0:
        raise ValueError(f"index: {least} found; must be at least 0")
    return inputs, positions
