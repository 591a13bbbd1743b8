"""Random streams that are functions of a key."""

from collections.abc import Sequence

import numpy as np
import torch

_WORDS = 624
_STATE = slice(24, 24 + 8 * _WORDS)
_LEFT = slice(8, 12)
_NEXT = slice(16, 24)


def generator(key: Sequence[int], device: torch.device | str = "cpu") -> torch.Generator:
    """A generator whose stream is a function of ``key`` alone; different keys give independent streams.

    torch's ``manual_seed`` keeps 32 bits of a seed on the CPU, so the whole Mersenne Twister state is set there.

    Args:
        key: Whole numbers of 64 bits, each at least 0, for example (root seed, stream, block).
        device: Where the generator lives.

    Raises:
        OverflowError: If a number is none.
    """
    # NumPy pads with zeros and cuts into words; with its length and whole words of its own, no key reads as another.
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
