"""Random generators that are a function of a key."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

_WORDS = 624
_RANGE = 2**63
_STATE = slice(24, 24 + 8 * _WORDS)
_LEFT = slice(8, 12)
_NEXT = slice(16, 24)


def generator(key: Sequence[int], device: "torch.device | str" = "cpu") -> "torch.Generator":
    """Return a generator that is a function of ``key`` alone. Different keys give independent generators.

    On the CPU, torch's ``manual_seed`` uses 32 bits of a seed. The whole state of the Mersenne Twister is set instead.

    Args:
        key: Whole numbers within [0, 2^64), for example (root seed, stream, block).
        device: Device of the generator.

    Raises:
        OverflowError: If a number is out of range.
    """
    import torch

    # NumPy splits numbers into words and pads with zeros. With the length and whole words, keys cannot collide.
    words = np.array(key, np.uint64).view(np.uint32)
    sequence = np.random.SeedSequence([len(key), *words.tolist()])
    made = torch.Generator(device)
    if made.device.type != "cpu":
        return made.manual_seed(int(sequence.generate_state(1, np.uint64)[0] >> 1))
    state = made.get_state().numpy().copy()
    state[_STATE] = sequence.generate_state(_WORDS).astype(np.uint64).view(np.uint8)
    state[_LEFT] = np.array([1], np.int32).view(np.uint8)
    state[_NEXT] = np.array([0], np.uint64).view(np.uint8)
    made.set_state(torch.from_numpy(state))
    return made


def uniform_integers(
    limit: int, shape: Sequence[int], generator: "torch.Generator", device: "torch.device | str" = "cpu"
) -> "torch.Tensor":
    """Draw independent integers, each exactly uniform in ``0 .. limit - 1``.

    `torch.randint` takes the remainder of 32 random bits. It draws small integers more often than large ones, by up to
    ``limit / 2^32`` relative, which is enough to falsify a certificate. Here 63 bits are drawn, and drawn again in the
    rare case that they are beyond the last multiple of ``limit``.

    Args:
        limit: Number of values, within 1 .. 2^63 - 1.
        shape: Shape of the result.
        generator: Source of all randomness, on ``device``.
        device: Device of the result.

    Returns:
        int64 tensor.
    """
    import torch

    drawn = torch.empty(tuple(shape), dtype=torch.int64, device=device).random_(generator=generator)
    largest = _RANGE - _RANGE % limit - 1
    while (beyond := drawn > largest).any():
        drawn[beyond] = torch.empty_like(drawn[beyond]).random_(generator=generator)
    return drawn % limit
