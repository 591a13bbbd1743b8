"""Downloads of pretrained weights, with a fast end where there is no network."""

from collections.abc import Iterator
from contextlib import contextmanager

TIMEOUT = 3.0
"""Seconds to wait for an answer of the hub."""


@contextmanager
def hub() -> Iterator[None]:
    """Load from the Hugging Face hub; from its cache alone if the hub does not answer.

    The client libraries repeat a request for every file for up to a minute. One request is sent here first. If nothing
    answers, the libraries are put in offline mode: they use the cache, and raise at once if it lacks a file.
    """
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before or not _answers(constants.ENDPOINT)
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _answers(address: str) -> bool:
    import httpx

    try:
        httpx.head(address, timeout=TIMEOUT)
    except (httpx.HTTPError, OSError):
        return False
    return True
