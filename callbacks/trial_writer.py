"""Callback that appends trials to disk as soon as they are computed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from callbacks.journal_writer import JournalWriter
from smoothing.runs.trials import Trial, TrialShard

SHOWN = 8
"""Largest number of poisons that are shown."""


def grid(clean: Tensor, poisoned: Tensor) -> Tensor:
    """Return an image of some poisons in three rows: clean, poisoned, and ten times the difference, around grey.

    Args:
        clean: Clean images, ``(n, channels, height, width)`` within [0, 1].
        poisoned: Poisons, like ``clean``.
    """
    # Imported here, since certify runs do not need it.
    from torchvision.utils import make_grid

    shown = min(SHOWN, len(clean))
    before, after = clean[:shown].float(), poisoned[:shown].float()
    rows: Tensor = make_grid(torch.cat([before, after, (0.5 + 10 * (after - before)).clamp(0, 1)]), nrow=shown)
    return rows


class TrialWriter(JournalWriter[Trial]):
    """Callback that saves the poisons of each attack on a target, and appends its trials; see `JournalWriter`."""

    def open(self, rank: int) -> tuple[TrialShard, Path]:
        """Open the files of one rank; see `JournalWriter.open`."""
        return self.directory.trial_shard(rank), self.directory.timings(f"trials-rank-{rank}")

    def pieces(self, prediction: Sequence[tuple[Any, Tensor, Sequence[Trial]]], batch: Any) -> list[tuple[str, Trial]]:
        """Save the poisons, and return each trial, named by attack, target and defence."""
        from torchvision.utils import save_image

        for poisons, clean, trials in prediction:
            picture = self.directory.picture(trials[0].attack, trials[0].number)
            poisons.save(str(picture.parent))
            if poisons.images.dim() == 4:
                save_image(grid(clean, poisons.images), picture)
        return [("\t".join(map(str, trial.key)), trial) for *_, trials in prediction for trial in trials]
