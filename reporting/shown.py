"""Test examples as readers see them: small images and texts."""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from PIL import Image

from smoothing.files import write_whole

if TYPE_CHECKING:
    from torch import Tensor

MAX_SHOWN = 1000
"""Largest number of test examples that are shown."""

PIXELS = 64
"""Largest side of an image in pixels. Larger images are reduced."""

CHARACTERS = 400
"""Largest number of characters of a text. Longer texts are cut."""


class Inputs(Protocol):
    """Test examples by position."""

    def __getitem__(self, index: int, /) -> "tuple[int, Tensor, int]":
        """Return position, input and label."""


@dataclass(frozen=True)
class Shown:
    """A test example as readers see it.

    Attributes:
        image: PNG file in base64; empty if the example is no image.
        text: The text, possibly cut; empty if the example is no text.
    """

    image: str = ""
    text: str = ""

    def picture(self) -> Image.Image | None:
        """Return the image, or None if there is none."""
        return Image.open(BytesIO(b64decode(self.image))) if self.image else None


def shown(x: "Tensor") -> Shown:
    """Return an input as readers see it.

    Args:
        x: Image ``(1 or 3, height, width)`` float within [0, 1], or text as bytes in UTF-8, ``(length,)`` uint8. Other
            inputs cannot be shown.
    """
    if x.ndim == 1 and str(x.dtype) == "torch.uint8":
        text = bytes(x.tolist()).rstrip(b"\0").decode(errors="replace")
        return Shown(text=text if len(text) <= CHARACTERS else f"{text[:CHARACTERS]}…")
    if x.ndim != 3 or x.shape[0] not in (1, 3) or not x.is_floating_point() or x.min() < 0 or x.max() > 1:
        return Shown()
    levels = np.asarray((x.double() * 255).round().byte().permute(1, 2, 0))
    image = Image.fromarray(levels[..., 0] if x.shape[0] == 1 else levels)
    image.thumbnail((PIXELS, PIXELS))
    file = BytesIO()
    image.save(file, "PNG", optimize=True)
    return Shown(image=b64encode(file.getvalue()).decode())


def by_position(positions: Sequence[int], most: int = MAX_SHOWN) -> list[int]:
    """Return at most ``most`` positions, evenly spaced. The choice depends on positions alone, never on results."""
    chosen = np.linspace(0, len(positions) - 1, min(len(positions), most)).round().astype(int)
    return [positions[place] for place in chosen]


def show_inputs(inputs: Inputs, positions: Sequence[int]) -> dict[int, Shown]:
    """Return the examples at some positions, at most `MAX_SHOWN` of them, that are images or texts."""
    found = {position: shown(inputs[position][1]) for position in by_position(positions)}
    return {position: example for position, example in found.items() if example != Shown()}


def write_shown(path: Path, examples: Mapping[int, Shown]) -> None:
    """Write examples to a JSON file."""
    write_whole(path, json.dumps({str(position): asdict(example) for position, example in examples.items()}) + "\n")


def read_shown(path: Path) -> dict[int, Shown]:
    """Read examples from a JSON file. A file that does not exist holds none.

    Raises:
        ValueError: If the file is damaged.
    """
    if not path.is_file():
        return {}
    try:
        stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return {int(position): Shown(**example) for position, example in stored.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: damaged ({error}); must be examples of a finished run") from None
