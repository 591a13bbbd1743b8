"""Randomized smoothing: randomise an object, bound the vote, turn the bound into a radius (THEORY.md section 1)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smoothing.api.certified import Certified
    from smoothing.api.certify import certify
    from smoothing.api.finished_run import FinishedRun, load_run
    from smoothing.api.label_classifiers import LabelFlipClassifier, PartitionClassifier
    from smoothing.api.smoothed_classifier import SmoothedClassifier

    __version__: str

_HOMES = {
    "Certified": "smoothing.api.certified",
    "FinishedRun": "smoothing.api.finished_run",
    "LabelFlipClassifier": "smoothing.api.label_classifiers",
    "PartitionClassifier": "smoothing.api.label_classifiers",
    "SmoothedClassifier": "smoothing.api.smoothed_classifier",
    "certify": "smoothing.api.certify",
    "load_run": "smoothing.api.finished_run",
}

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


def __getattr__(name: str) -> Any:
    """Import a public name on its first use (PEP 562). ``import smoothing`` alone imports nothing slow."""
    if name == "__version__":
        from importlib.metadata import version

        return version("smoothing-certificates")
    if name not in _HOMES:
        raise AttributeError(f"module 'smoothing' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """Return the public names, including those that are not imported yet."""
    return sorted({*globals(), *__all__})
