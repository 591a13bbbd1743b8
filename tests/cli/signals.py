"""Real processes under torchrun, SLURM's variables and plain devices: finished, stopped, killed and refused.

Run it in an environment where the project is installed: ``python -m tests.cli.signals [CASE ...]``.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from tests.front_door import DIGITS

ROOT = Path(__file__).parents[2]
RUN = "runs/digits"
CERTIFY = ["certify", "--config", "digits.yaml", "--run_dir", RUN]
SLOW = "--model.certifiers.slow=slow.Slow"
MISSING = ["--data=MNIST", "--data.root=absent", "--data.classes=[1,7]"]
ROWS = 123 * 4

SLOW_SOURCE = '''
"""A certifier that takes a second for every batch."""

import time

from smoothing.certifiers import ExactVote


class Slow(ExactVote):
    def certify(self, ballots):
        time.sleep(1)
        return super().certify(ballots)
'''


class Command:
    """A running command with its standard error in a file."""

    def __init__(self, folder: Path, command: list[str], extra: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | (extra or {})
        for name in ("SMOOTHING_DATA", "RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_PORT", "MASTER_ADDR"):
            environment.pop(name, None)
        environment |= extra or {}
        self._err = folder / f"err-{len(list(folder.glob('err-*')))}.txt"
        with self._err.open("wb") as err:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=err,
                start_new_session=True,
                # Shells let commands in the background ignore it, and children inherit that.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )

    @property
    def rows(self) -> int:
        """Finished test examples on disk."""
        return sum(shard.read_bytes().count(b"\n") for shard in self.folder.glob("runs/**/certificates/*.jsonl"))

    def wait_for_rows(self, number: int) -> None:
        """Wait until test examples are finished."""
        started = time.monotonic()
        while self.rows < number:
            assert self.process.poll() is None, self.err
            assert time.monotonic() - started < 300
            time.sleep(0.02)

    def end(self) -> int:
        """Wait for the end of the command; its exit status. No process of its session is left."""
        status = self.process.wait(timeout=300)
        deadline = time.monotonic() + 5
        while _alive(self.process.pid):
            assert time.monotonic() < deadline, f"processes outlive their parent: {_alive(self.process.pid)}"
            time.sleep(0.1)
        return status

    @property
    def err(self) -> str:
        """What was printed on standard error."""
        return self._err.read_text()

    def ours(self) -> list[str]:
        """Lines on standard error that are not torchrun's report of a failed worker."""
        return [line for line in self.err.splitlines() if line.startswith(("error:", "stopped", "Traceback"))]


def _alive(session: int) -> list[str]:
    """Command lines of processes of a session that are not zombies."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, fields = stat.read_text().rpartition(")")
        except OSError:
            continue
        state, _, _, of_session = fields.split()[:4]
        if int(of_session) == session and state != "Z":
            found.append(name)
    return found


def smoothing(folder: Path, *args: str, extra: Mapping[str, str] | None = None) -> Command:
    return Command(folder, [sys.executable, "-m", "smoothing", *args], extra)


def torchrun(folder: Path, *args: str) -> Command:
    port = str(free_port())
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", f"--master_port={port}"]
    return Command(folder, [*launcher, "-m", "smoothing", *args])


def srun(folder: Path, *args: str) -> tuple[Command, Command]:
    """Start both tasks of a job as ``srun`` does."""
    shared = {
        "SLURM_JOB_ID": "7",
        "SLURM_STEP_ID": "0",
        "SLURM_JOB_NAME": "job",
        "SLURM_NTASKS": "2",
        "SLURM_NNODES": "1",
        "SLURM_NODEID": "0",
        "SLURM_NODELIST": "127.0.0.1",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
    }
    first, second = (
        smoothing(folder, *args, extra=shared | {"SLURM_PROCID": str(task), "SLURM_LOCALID": str(task)})
        for task in range(2)
    )
    return first, second


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def assert_finished(folder: Path, ranks: int = 2) -> None:
    shards = sorted(path.name for path in (folder / RUN / "certificates").glob("*.jsonl"))
    assert shards == [f"rank-{rank}.jsonl" for rank in range(ranks)]
    assert (folder / RUN / "certificates.csv").exists()


def assert_stopped(command: Command, status: int) -> None:
    assert command.end() == status, command.err
    (line,) = command.err.splitlines()
    finished = int(line.split()[2])
    assert line == f"stopped with {finished} of {ROWS} rows; the same command resumes"
    assert 0 < finished <= 4 * command.rows <= ROWS


def stop(number: signal.Signals, *options: str) -> Callable[[Path], None]:
    """Stop a run in the middle, with a signal to its group as a terminal sends it, and resume it."""

    def case(folder: Path) -> None:
        command = smoothing(folder, *CERTIFY, SLOW, *options)
        command.wait_for_rows(20)
        os.killpg(command.process.pid, number)
        assert_stopped(command, 128 + number)
        resumed = smoothing(folder, *CERTIFY, SLOW, *options)
        assert resumed.end() == 0, resumed.err
        assert (folder / RUN / "certificates.csv").exists()

    return case


def stop_the_parent_alone(folder: Path) -> None:
    """SIGTERM reaches only the process that was started; its other rank ends with it."""
    command = smoothing(folder, *CERTIFY, SLOW, "--trainer.devices=2")
    command.wait_for_rows(20)
    command.process.send_signal(signal.SIGTERM)
    assert_stopped(command, 143)


def kill_the_parent(folder: Path) -> None:
    """Nothing outlives a parent that was killed."""
    command = smoothing(folder, *CERTIFY, SLOW, "--trainer.devices=2")
    command.wait_for_rows(20)
    command.process.kill()
    assert command.end() == -signal.SIGKILL
    assert command.err == ""


def stop_early(folder: Path) -> None:
    """Stop while Python imports, parses and reads data."""
    # Before that, a busy machine may not have started the interpreter.
    for seconds in (0.3, 0.5, 0.8, 1.5, 2.5):
        command = smoothing(folder, *CERTIFY, "--data.batch_size=1", "--model.certifiers.slow=slow.Slow")
        time.sleep(seconds)
        command.process.send_signal(signal.SIGINT)
        assert command.end() == 130, command.err
        assert command.err.count("\n") == 1, command.err
        assert command.err.startswith("stopped"), command.err


def torchrun_finishes(folder: Path) -> None:
    command = torchrun(folder, *CERTIFY)
    assert command.end() == 0, command.err
    assert_finished(folder)


def torchrun_stops(folder: Path) -> None:
    command = torchrun(folder, *CERTIFY, SLOW)
    command.wait_for_rows(20)
    command.process.send_signal(signal.SIGTERM)
    assert command.end() != 0
    lines = [line for line in command.ours() if line.startswith(("error:", "stopped"))]
    assert len(lines) == 1, command.err
    assert lines[0].startswith("stopped with "), command.err


def torchrun_refuses(folder: Path) -> None:
    command = torchrun(folder, *CERTIFY, *MISSING)
    assert command.end() == 1
    lines = [line for line in command.ours() if line.startswith("error:")]
    assert len(lines) == 1, command.err
    assert "Connection closed" not in command.err
    assert not (folder / RUN).exists()


def torchrun_and_devices_agree(folder: Path) -> None:
    command = torchrun(folder, *CERTIFY, "--trainer.devices=1")
    assert command.end() == 1
    assert "error: trainer.devices = 1; must be 2 or unset, since torchrun started 2 processes" in command.err


def srun_finishes(folder: Path) -> None:
    tasks = srun(folder, *CERTIFY)
    assert [task.end() for task in tasks] == [0, 0], [task.err for task in tasks]
    assert_finished(folder)


def srun_refuses(folder: Path) -> None:
    tasks = srun(folder, *CERTIFY, *MISSING)
    statuses = [task.end() for task in tasks]
    said = "".join(task.err for task in tasks).splitlines()
    assert statuses[0] == 2, said
    assert statuses[1] != 0, said
    assert len(said) == 1, said
    assert said[0].startswith("error: MNIST"), said


def a_batch_script_runs_alone(folder: Path) -> None:
    """A batch script has SLURM's variables, but calls the command once, without ``srun``."""
    batch = {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "2", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0"}
    command = smoothing(folder, *CERTIFY, extra=batch)
    assert command.end() == 0, command.err
    assert_finished(folder, ranks=1)


def devices_finish(folder: Path) -> None:
    command = smoothing(folder, *CERTIFY, "--trainer.devices=2")
    assert command.end() == 0, command.err
    assert_finished(folder)


def devices_refuse(folder: Path) -> None:
    command = smoothing(folder, *CERTIFY, *MISSING, "--trainer.devices=2")
    assert command.end() == 2, command.err
    (line,) = command.err.splitlines()
    assert line.startswith("error: MNIST")
    assert not (folder / RUN).exists()


def too_many_devices(folder: Path) -> None:
    command = smoothing(folder, *CERTIFY, "--trainer.devices=99")
    assert command.end() == 2, command.err
    (line,) = command.err.splitlines()
    assert "trainer.devices = 99" in line
    assert "number of cores" in line


def two_processes_on_one_directory(folder: Path) -> None:
    first = smoothing(folder, *CERTIFY, SLOW, "--data.batch_size=1")
    first.wait_for_rows(1)
    second = smoothing(folder, *CERTIFY, SLOW)
    assert second.end() == 2, second.err
    (line,) = second.err.splitlines()
    assert line.startswith("error: run_dir")
    first.process.send_signal(signal.SIGTERM)
    assert_stopped(first, 143)


CASES: dict[str, Callable[[Path], None]] = {
    "ctrl-c": stop(signal.SIGINT),
    "sigterm": stop(signal.SIGTERM),
    "ctrl-c on two ranks": stop(signal.SIGINT, "--trainer.devices=2"),
    "sigterm on two ranks": stop(signal.SIGTERM, "--trainer.devices=2"),
    "sigterm to the parent": stop_the_parent_alone,
    "sigkill of the parent": kill_the_parent,
    "ctrl-c at the beginning": stop_early,
    "torchrun": torchrun_finishes,
    "torchrun stopped": torchrun_stops,
    "torchrun refused": torchrun_refuses,
    "torchrun and devices": torchrun_and_devices_agree,
    "srun": srun_finishes,
    "srun refused": srun_refuses,
    "batch script": a_batch_script_runs_alone,
    "devices": devices_finish,
    "devices refused": devices_refuse,
    "too many devices": too_many_devices,
    "two processes": two_processes_on_one_directory,
}


def prepare(folder: Path) -> None:
    """Write a config and a slow certifier into a folder."""
    config = {**DIGITS, "trainer": {name: value for name, value in DIGITS["trainer"].items() if name != "devices"}}
    (folder / "digits.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    (folder / "slow.py").write_text(SLOW_SOURCE, encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:] or CASES:
        with TemporaryDirectory() as place:
            prepare(Path(place))
            print(name, "...", end=" ", flush=True)
            begun = time.monotonic()
            CASES[name](Path(place))
            print(f"passed in {time.monotonic() - begun:.0f} s", flush=True)
