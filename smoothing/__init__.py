"""Randomized smoothing: randomise an object, bound the vote, turn the bound into a radius (THEORY.md section 1)."""

from typing import TYPE_CHECKING, Any

from smoothing.lazy import attach

if TYPE_CHECKING:
    from smoothing.api.certified import Certified
    from smoothing.api.certify import certify
    from smoothing.api.finished_run import FinishedRun, load_run
    from smoothing.api.label_classifiers import LabelFlipClassifier, PartitionClassifier
    from smoothing.api.smoothed_classifier import SmoothedClassifier

    __version__: str

__all__ = [
    "Certified",
    "FinishedRun",
    "LabelFlipClassifier",
    "PartitionClassifier",
    "SmoothedClassifier",
    "__version__",
    "certify",
    "load_run",
]


_get, __dir__ = attach(__name__, __file__)


def __getattr__(name: str) -> Any:
    """Import a public name on its first use (PEP 562). ``import smoothing`` alone imports nothing slow."""
    if name == "__version__":
        from importlib.metadata import version

        return version("smoothing-certificates")
    return _get(name)
