"""The package wandb, which imports neither its subpackage Launch nor pandas for every run."""

import sys
from typing import Any

import wandb

__all__ = ["wandb"]

_STAGING = "wandb.sdk.launch.inputs.internal"
_apply = getattr(wandb.Run, "_detect_and_apply_job_inputs", None)


def _apply_staged_inputs(run: Any) -> None:
    """Apply staged job inputs. There are none before their module is imported, which takes more than a second."""
    if _apply is not None and _STAGING in sys.modules:
        _apply(run)


if _apply is not None:
    setattr(wandb.Run, _apply.__name__, _apply_staged_inputs)

if hasattr(wandb.util, "pd_available"):
    # Data frames are then recognised by the name of their class. Otherwise pandas is imported to look at any value.
    wandb.util.pd_available = False
