"""Hash of the requested test examples."""

import hashlib
from collections.abc import Iterable

from torch import Tensor


def examples_hash(examples: Iterable[tuple[int, Tensor, int]]) -> str:
    """Return the SHA-256 of the inputs and labels of examples, in their order, in hexadecimal.

    Indices are not hashed. They restart in every part of a data set, so equal indices do not mean equal examples.

    Args:
        examples: Index, input of any shape and label of each example.
    """
    digest = hashlib.sha256()
    for _, x, label in examples:
        digest.update(f"{tuple(x.shape)} {x.dtype} {label};".encode())
        digest.update(x.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
