"""A certifier that kills its rank."""

import os
import signal
from pathlib import Path

from smoothing.certificates import Certificates
from smoothing.certifiers import ExactVote
from smoothing.votes import Ballots


class Mortal(ExactVote):
    """Kills rank 1 at its second batch, after the trial on one example, if the file ``kill rank 1`` exists."""

    batches = 0

    def certify(self, ballots: Ballots) -> Certificates:
        self.batches += 1
        if self.batches == 3 and os.environ.get("LOCAL_RANK") == "1" and Path("kill rank 1").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        return super().certify(ballots)
