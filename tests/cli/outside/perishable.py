"""A learner that kills its rank, and one with a warm start."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from lightning_modules.learners import RidgeHead


class Perishable(RidgeHead):
    """Kills rank 1 at its second group if the file ``kill rank 1`` exists."""

    groups = 0

    def train_and_predict(
        self, x: Tensor, labels: Tensor, num_classes: int, tests: Tensor, keys: Sequence[Sequence[int]]
    ) -> Tensor:
        self.groups += 1
        if self.groups == 2 and os.environ.get("LOCAL_RANK") == "1" and Path("kill rank 1").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        return super().train_and_predict(x, labels, num_classes, tests, keys)


class Warm(RidgeHead):
    """Starts from the training set as it is."""

    warm_start = True

    def start(self, x: Tensor, labels: Tensor, num_classes: int, key: Sequence[int]) -> None:
        pass
