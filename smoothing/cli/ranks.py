"""Processes of a run: their number, the rank of this one, and which one prints why the run ends."""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread

END = "smoothing/end"
"""Key of the shared store that holds rank and exit status of the first process that ended."""

LIMIT = 2.0
"""Seconds to wait for the shared store. It is gone if rank 0 has ended."""


@dataclass(frozen=True)
class World:
    """The processes that a launcher started.

    Attributes:
        launcher: Name of the launcher.
        devices: Processes per node.
        nodes: Number of nodes.
    """

    launcher: str
    devices: int
    nodes: int


def world(environment: Mapping[str, str] = os.environ) -> World | None:
    """Return the processes that ``torchrun`` or ``srun`` started, or None if the process was started alone.

    Raises:
        ValueError: If the nodes do not run the same number of processes.
    """
    if "TORCHELASTIC_RUN_ID" in environment:
        return _world("torchrun", int(environment["WORLD_SIZE"]), int(environment["LOCAL_WORLD_SIZE"]))
    if _by_srun(environment):
        tasks, nodes = int(environment["SLURM_NTASKS"]), environment.get("SLURM_NNODES", "1")
        return _world("srun", tasks, max(tasks // int(nodes), 1))
    return None


def rank(environment: Mapping[str, str] = os.environ) -> int:
    """Return the number of this process in the run, 0 if it was started alone."""
    if "RANK" in environment:
        return int(environment["RANK"])
    if _by_srun(environment):
        return int(environment["SLURM_PROCID"])
    return int(environment.get("LOCAL_RANK", "0"))


def claim_end(status: int) -> tuple[bool, int]:
    """Decide whether this process prints why the run ends. Exactly one process of a run does.

    Args:
        status: Exit status of this process if it is the first one that ends.

    Returns:
        Whether this process prints, and the exit status of the first process that ended.
    """
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return rank() == 0, status
    own = f"{distributed.get_rank()} {status}"
    answer: list[str] = []

    def ask() -> None:
        # The store fails if rank 0, which serves it, has ended.
        with suppress(Exception):
            store = distributed.distributed_c10d._get_default_store()
            answer.append(store.compare_set(END, "", own).decode())

    asking = Thread(target=ask, daemon=True)
    asking.start()
    asking.join(LIMIT)
    if not answer:
        return distributed.get_rank() == 0, status
    return answer[0] == own, int(answer[0].split()[-1])


def _by_srun(environment: Mapping[str, str]) -> bool:
    # A batch script has SLURM_NTASKS too, but runs the command once unless it calls srun.
    return "SLURM_STEP_ID" in environment and environment.get("SLURM_JOB_NAME") not in ("bash", "interactive")


def _world(launcher: str, processes: int, devices: int) -> World:
    if processes % devices:
        raise ValueError(
            f"{launcher}: {processes} processes, {devices} on this node; must be the same number on every node"
        )
    return World(launcher, devices, processes // devices)
