"""Submit a command of ``smoothing`` as a SLURM job, one task per rank; see README.md."""

import os
import signal
import subprocess
import sys
from argparse import ArgumentParser

import submitit


class Command(submitit.helpers.Checkpointable):
    """A command of ``smoothing``. A requeued job runs the same command, which resumes."""

    def __call__(self, options: list[str]) -> None:
        """Run one rank."""
        submitit.helpers.TorchDistributedEnvironment().export(set_cuda_visible_devices=False, overwrite=True)
        # Lightning and smoothing recognise processes started elsewhere by this variable of torchrun.
        os.environ["TORCHELASTIC_RUN_ID"] = submitit.JobEnvironment().job_id
        # SLURM sends SIGUSR2 to all processes of the job. submitit handles it and ends the rank.
        signal_ignored = {"preexec_fn": lambda: signal.signal(signal.SIGUSR2, signal.SIG_IGN)}
        subprocess.run([sys.executable, "-m", "smoothing", *options], check=True, **signal_ignored)


if __name__ == "__main__":
    parser = ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--cluster", choices=("slurm", "local"), default="slurm", help="where the tasks run")
    parser.add_argument("--logs", default="runs/submitit", help="folder of submitit's files")
    parser.add_argument("--tasks", type=int, default=1, help="ranks per node")
    parser.add_argument("--nodes", type=int, default=1, help="nodes")
    parser.add_argument("--gpus", type=int, default=0, help="GPUs per node; 0 for ranks on the CPU")
    parser.add_argument("--minutes", type=int, default=60, help="time limit")
    own, command = parser.parse_known_args()
    executor = submitit.AutoExecutor(own.logs, cluster=own.cluster)
    executor.update_parameters(
        name="smoothing",
        nodes=own.nodes,
        tasks_per_node=own.tasks,
        gpus_per_node=own.gpus,
        timeout_min=own.minutes,
    )
    job = executor.submit(Command(), command)
    print(f"job {job.job_id}; output in {job.paths.stdout}", flush=True)
    if own.cluster == "local":
        job.results()
