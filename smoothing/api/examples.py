"""Conversion of inputs and labels in any form to examples."""

from collections.abc import Callable, Sized
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from smoothing.votes.arrays import as_tensor
from smoothing.votes.scikit_learn import positions

UNKNOWN = -1

Encode = Callable[[Any], NDArray[np.int64]]
"""Labels ``(n,)`` in the user's form -> class numbers ``(n,)``."""


class Examples(Dataset[tuple[Tensor, int]]):
    """Pairs of an input and a class number. Labels are set by `labelled_by`, since their form depends on the model.

    Args:
        x: Inputs: a tensor, an array, a data frame or a list ``(n, ...)``; a data set of inputs or of pairs of an input
            and a label; or a loader of batches of them. A data set with a length is read item by item when needed.
        images: Whether the model is a network, so that inputs of 8-bit integers are refused.

    Raises:
        ValueError: If inputs are not numbers, or there is none.

    Attributes:
        labelled: Whether the labels are known.
    """

    def __init__(self, x: Any, images: bool) -> None:
        self._images = images
        self._encode: Encode | None = None
        self._y: NDArray[np.int64] | None = None
        self._given: Any = None
        if isinstance(x, DataLoader):
            x, self._given = _loaded(x)
        self._x = x if isinstance(x, Dataset) else as_tensor("certify: x", x)
        if isinstance(self._x, Tensor) and self._x.ndim < 2:
            raise ValueError(f"certify: x = shape {list(self._x.shape)}; must be (n, ...), one row per example")
        if not hasattr(self._x, "__len__"):
            raise ValueError(f"certify: x = {type(x).__name__} without a length; must have one, or be a loader")
        if not len(self):
            raise ValueError("certify: x = no example; must be at least one")
        self.labelled = False
        self.first = self[0][0]

    def labelled_by(self, y: Any, encode: Encode) -> "Examples":
        """Set the labels, and return the examples.

        Args:
            y: Labels, ``(n,)``; None for those of the pairs, if any.
            encode: Function from labels to class numbers.

        Raises:
            ValueError: If a label is not allowed, or their number differs.
        """
        given = self._given if y is None else y
        self._encode = encode
        self._y = None if given is None else encode(given)
        if self._y is not None and len(self._y) != len(self):
            raise ValueError(f"certify: y = {len(self._y)} labels for {len(self)} examples; must be one per example")
        self.labelled = self._y is not None or (
            not isinstance(self._x, Tensor) and _label(cast(Any, self._x)[0]) is not None
        )
        return self

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(cast(Sized, self._x))

    def __getitem__(self, position: int) -> tuple[Tensor, int]:
        """Return an input as floating-point numbers, and its class number or `UNKNOWN`."""
        item = cast(Any, self._x)[position]
        tensor = isinstance(self._x, Tensor)
        x = item if tensor else as_tensor("certify: x", item[0] if _paired(item) else item)
        label = UNKNOWN
        if self._y is not None:
            label = int(self._y[position])
        elif self._encode is not None and not tensor and (own := _label(item)) is not None:
            label = int(self._encode([own])[0])
        return self._floating(x), label

    def _floating(self, x: Tensor) -> Tensor:
        if self._images and x.dtype in (torch.uint8, torch.int8):
            raise ValueError(
                f"certify: x = {str(x.dtype).removeprefix('torch.')} values; must be on the scale of the noise and of "
                "the network, such as x / 255"
            )
        if x.is_floating_point():
            return x.float() if x.dtype.itemsize < 4 else x
        return x.double()


def class_numbers(num_classes: int) -> Encode:
    """Return a function that checks that labels are whole numbers in ``0 .. num_classes - 1``."""

    def encode(labels: Any) -> NDArray[np.int64]:
        values = labels.cpu().numpy() if isinstance(labels, Tensor) else labels
        return positions(range(num_classes), values)

    return encode


def class_labels(classes: Any) -> Encode:
    """Return a function from class labels to their positions in ``classes``."""

    def encode(labels: Any) -> NDArray[np.int64]:
        return positions(classes, labels.cpu().numpy() if isinstance(labels, Tensor) else labels)

    return encode


def _paired(item: Any) -> bool:
    return isinstance(item, (tuple, list)) and len(item) in (1, 2)


def _label(item: Any) -> Any:
    """Return the label in an item of a data set; None without one."""
    if not (_paired(item) and len(item) == 2):
        return None
    label = item[1]
    return label.item() if isinstance(label, (Tensor, np.generic)) else label


def _loaded(loader: DataLoader[Any]) -> tuple[Tensor, list[Any] | None]:
    """Return all inputs of a loader, and the labels if its batches are pairs."""
    inputs, labels = [], []
    for batch in loader:
        x, *rest = batch if isinstance(batch, (tuple, list)) else (batch,)
        inputs.append(as_tensor("certify: x", x))
        if rest:
            labels += list(rest[0].tolist() if isinstance(rest[0], Tensor) else rest[0])
    return torch.cat(inputs) if inputs else torch.empty(0, 1), labels or None
