"""Provenance of a run: everything that is needed to repeat it."""

import csv
import json
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from smoothing.distance import Distance


def provenance(
    config: Mapping[str, Any],
    *,
    seed: int,
    distance: Distance,
    data: str,
    checkpoint: str | None = None,
    identity: Mapping[str, str] | None = None,
    sources: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the provenance of a run as JSON-compatible values.

    Args:
        config: The resolved config.
        seed: Root seed of all draws.
        distance: Distance of the radii.
        data: SHA-256 of the data sets.
        checkpoint: SHA-256 of the checkpoints of measure, encoder and votes; None without checkpoints.
        identity: SHA-256 of measure, votes, encoder and certifiers, by name.
        sources: SHA-256 of source files from outside this project, by Python module.

    Returns:
        The arguments, and three entries more: ``code`` (version of this project), ``versions`` (of Python and of every
        imported distribution) and ``hardware``.
    """
    # Provenance files are read without torch, which takes seconds to import.
    import torch

    from smoothing.provenance.code import code_version

    return {
        "config": dict(config),
        "seed": seed,
        "distance": asdict(distance),
        "data": data,
        "checkpoint": checkpoint,
        "identity": dict(identity or {}),
        "sources": dict(sources or {}),
        "code": code_version(),
        "versions": _versions(),
        "hardware": {
            "platform": platform.platform(),
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "accelerators": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
        },
    }


def read_distance(path: str | Path) -> Distance:
    """Read the distance of a run from its provenance file.

    Raises:
        ValueError: If the file is not the provenance of a run.
    """
    try:
        return Distance(**json.loads(Path(path).read_text(encoding="utf-8"))["distance"])
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{path}: has no distance; must be the provenance of a finished run") from None


def _versions() -> dict[str, str]:
    """Return the versions of Python and of every distribution that provides an imported module."""
    loaded = {name.partition(".")[0] for name in sys.modules}
    found: dict[str, str] = {}
    for distribution in distributions():
        if loaded & _provided(distribution):
            # A distribution that comes first on the search path hides later ones of the same name.
            found.setdefault(distribution.name, distribution.version)
    return {"python": platform.python_version(), **dict(sorted(found.items()))}


def _provided(distribution: Distribution) -> set[str]:
    """Return the top-level modules of a distribution.

    `importlib.metadata.packages_distributions` returns the same, but parses metadata and files of all distributions.
    """
    if declared := distribution.read_text("top_level.txt"):
        return set(declared.split())
    recorded = distribution.read_text("RECORD")
    files = (row[0] for row in csv.reader(recorded.splitlines())) if recorded else map(str, distribution.files or ())
    return {file.partition("/")[0].removesuffix(".py") for file in files if file.endswith(".py")}
