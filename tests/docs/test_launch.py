"""The lines of docs/launch.md are run as they stand. Each run has the table of one undisturbed process."""

import os
import re
import shlex
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from shutil import copytree, rmtree

import pytest

from tests.cli.signals import SLOW, SLOW_SOURCE, Command, free_port
from tests.front_door import launch

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "launch.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^<!-- launch (\w+) -->\n```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
QUIET = ["--trainer.logger=false", "--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false"]
MANY_BATCHES = [*QUIET, SLOW, "--data.batch_size=8"]
FEW_DRAWS = [*QUIET, "--model.certifiers.clopper_pearson.n0=8", "--model.certifiers.clopper_pearson.n=32"]

pytestmark = [pytest.mark.slow, pytest.mark.ddp]

SRUN = f"""#!{sys.executable}
import os, signal, subprocess, sys
shared = dict(SLURM_STEP_ID="0", SLURM_NNODES="1", SLURM_NODEID="0", SLURM_NODELIST="127.0.0.1")
count = int(os.environ["SLURM_NTASKS"])
tasks = [
    subprocess.Popen(sys.argv[1:], env=os.environ | shared | dict(SLURM_PROCID=str(task), SLURM_LOCALID=str(task)))
    for task in range(count)
]
signal.signal(signal.SIGTERM, lambda *_: [task.terminate() for task in tasks])
with open("srun.pid", "w") as file:
    file.write(str(os.getpid()))
sys.exit(max(task.wait() for task in tasks))
"""
"""Starts tasks and passes signals on, as ``srun`` does."""

SCONTROL = '#!/bin/sh\necho "$@" > scontrol.txt\n'


def lines(name: str) -> list[list[str]]:
    """Return the words of the lines of a block of the page."""
    return [shlex.split(line) for line in BLOCKS[name].splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return prepared(tmp_path)


def prepared(folder: Path) -> Path:
    for name in ("configs", "examples"):
        copytree(ROOT / name, folder / name)
    (folder / "slow.py").write_text(SLOW_SOURCE)
    return folder


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The table of one process."""
    folder = prepared(tmp_path_factory.mktemp("undisturbed"))
    (line,) = lines("resume")
    outcome = launch([*line[1:], *QUIET, SLOW], folder)
    assert outcome.status == 0, outcome.err
    return table(folder)


def table(folder: Path) -> bytes:
    (path,) = folder.glob("runs/**/certificates.csv")
    return path.read_bytes()


def shards(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("runs/**/certificates/*.jsonl"))


def assert_kept(begun: Mapping[Path, bytes]) -> None:
    """Check that finished lines are not changed. An incomplete last line is dropped."""
    assert any(content.count(b"\n") for content in begun.values())
    for path, content in begun.items():
        assert path.read_bytes().startswith(content[: content.rfind(b"\n") + 1])


def start(folder: Path, line: list[str], options: list[str], extra: Mapping[str, str] | None = None) -> Command:
    programs = {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    return Command(folder, [*line, *options], programs | {"CUDA_VISIBLE_DEVICES": ""} | dict(extra or {}))


def on_two_nodes(folder: Path) -> list[Command]:
    here = {"first-node": "127.0.0.1", "29500": str(free_port())}
    return [start(folder, [here.get(word, word) for word in line], MANY_BATCHES) for line in lines("nodes")]


def descendants(pid: int) -> Iterator[int]:
    """Yield the process and the processes that it started, at any depth."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from descendants(int(child))


@pytest.mark.parametrize("name", ["devices", "torchrun"])
def test_two_processes_on_one_machine(name: str, folder: Path, undisturbed: bytes) -> None:
    (line,) = lines(name)
    command = start(folder, line, MANY_BATCHES)
    assert command.end() == 0, command.err
    assert shards(folder) == ["rank-0.jsonl", "rank-1.jsonl"]
    assert table(folder) == undisturbed


def test_two_nodes(folder: Path, undisturbed: bytes) -> None:
    nodes = on_two_nodes(folder)
    assert [node.end() for node in nodes] == [0, 0], [node.err for node in nodes]
    assert shards(folder) == ["rank-0.jsonl", "rank-1.jsonl"]
    assert table(folder) == undisturbed


def test_two_killed_nodes_resume_on_one(folder: Path, undisturbed: bytes) -> None:
    nodes = on_two_nodes(folder)
    nodes[0].wait_for_rows(20)
    for process in [found for node in nodes for found in descendants(node.process.pid)]:
        os.kill(process, signal.SIGKILL)
    assert [node.end() for node in nodes] == [-signal.SIGKILL] * 2
    begun = {path: path.read_bytes() for path in folder.glob("runs/**/certificates/*.jsonl")}
    assert 20 <= nodes[0].rows < 123
    (line,) = lines("resume")
    command = start(folder, line, MANY_BATCHES)
    assert command.end() == 0, command.err
    assert table(folder) == undisturbed
    assert_kept(begun)


def test_a_preempted_run_resumes(folder: Path, undisturbed: bytes) -> None:
    (line,) = lines("devices")
    command = start(folder, line, MANY_BATCHES)
    command.wait_for_rows(20)
    os.killpg(command.process.pid, signal.SIGTERM)
    assert command.end() == 143, command.err
    again = start(folder, line, MANY_BATCHES)
    assert again.end() == 0, again.err
    assert table(folder) == undisturbed


def test_a_slurm_job_is_requeued_at_its_time_limit(folder: Path, undisturbed: bytes) -> None:
    programs = folder / "bin"
    programs.mkdir()
    for name, source in (("srun", SRUN), ("scontrol", SCONTROL)):
        (programs / name).write_text(source)
        (programs / name).chmod(0o755)
    (line,) = lines("slurm")
    assert line[0] == "sbatch"
    script = (folder / line[1]).read_text()
    options = dict(re.findall(r"^#SBATCH --([\w-]+)=(\S+)$", script, re.MULTILINE))
    assert (options["signal"], options["nodes"]) == ("TERM@60", "1")
    assert "#SBATCH --requeue\n" in script
    environment = {
        "PATH": os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "SLURM_JOB_ID": "7",
        "SLURM_JOB_NAME": options["job-name"],
        "SLURM_NTASKS": options["ntasks-per-node"],
        "SLURM_NTASKS_PER_NODE": options["ntasks-per-node"],
        "MASTER_PORT": str(free_port()),
    }
    job = start(folder, ["bash", *line[1:]], MANY_BATCHES, environment)
    job.wait_for_rows(20)
    os.kill(int((folder / "srun.pid").read_text()), signal.SIGTERM)
    assert job.end() == 143, job.err
    assert re.fullmatch(r"stopped with \d+ of 492 rows; the same command resumes\n", job.err)
    assert (folder / "scontrol.txt").read_text() == "requeue 7\n"
    (folder / "scontrol.txt").unlink()
    again = start(folder, ["bash", *line[1:]], MANY_BATCHES, environment)
    assert again.end() == 0, again.err
    assert not (folder / "scontrol.txt").exists()
    assert table(folder) == undisturbed


def test_an_interrupted_job_of_submitit_resumes(folder: Path) -> None:
    pytest.importorskip("submitit")
    (line,) = lines("submitit")
    command = start(folder, line, FEW_DRAWS)
    started = time.monotonic()
    while not any(path.read_bytes().count(b"\n") for path in folder.glob("runs/*/draws/*.jsonl")):
        assert command.process.poll() is None, command.err
        assert time.monotonic() - started < 300
        time.sleep(0.02)
    begun = {path: path.read_bytes() for path in folder.glob("runs/*/draws/*.jsonl")}
    # SLURM sends the signal to all processes of the job.
    for process in descendants(command.process.pid):
        if b"submitit.core._submit" in Path(f"/proc/{process}/cmdline").read_bytes():
            for found in descendants(process):
                os.kill(found, signal.SIGUSR2)
    status = command.end()
    logs = "".join(path.read_text() for path in folder.glob("runs/submitit/*_log.*"))
    assert status == 0, logs
    assert "Requeued job" in logs
    assert_kept(begun)
    table_of_two = table(folder)
    assert shards(folder) == ["rank-0.jsonl", "rank-1.jsonl"]
    rmtree(folder / "runs")
    outcome = launch([*line[line.index("certify") :], *FEW_DRAWS], folder)
    assert outcome.status == 0, outcome.err
    assert table(folder) == table_of_two
