"""A run knows what it computed with, and who computes in its directory."""

import json
import os
import socket
import subprocess
import sys
import time
from copy import deepcopy
from functools import partial
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

from tests.cli.test_bad_input import assert_refused
from tests.front_door import DIGITS, kill_after, launch

CERTIFY = ["certify", "--config", "own.yaml"]
EXAMPLES = 123


@pytest.fixture
def own(workplace: Path) -> Path:
    """A folder with a config of a user's network and noise."""
    config = deepcopy(DIGITS)
    config["model"]["init_args"] = {
        "measure": {"class_path": "retrainable.Mine", "init_args": {"sigma": 0.25}},
        "votes": {"class_path": "NetworkVotes", "init_args": {"network": "retrainable.FromFile"}},
        "certifiers": {"sampled": {"class_path": "ClopperPearson", "init_args": {"n0": 64, "n": 128}}},
    }
    (workplace / "own.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    train(workplace, 0)
    return workplace


def train(folder: Path, seed: int) -> None:
    torch.manual_seed(seed)
    torch.save(nn.Linear(64, 2).state_dict(), folder / "w.pt")


def files(run: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(run.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("lines", [40, None], ids=["stopped", "finished"])
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("w.pt", "identity.votes.network is "),
        ("retrainable.py", "sources.retrainable is "),
        ("helper.py", "sources.helper is "),
    ],
)
def test_a_run_with_other_weights_or_code_is_refused(own: Path, lines: int | None, changed: str, said: str) -> None:
    begun = launch(CERTIFY, own, partial(kill_after, lines) if lines else None)
    assert begun.status == (-9 if lines else 0), begun.err
    before = files(own / "runs/own")
    if changed == "w.pt":
        train(own, 1)
    else:
        (own / changed).write_text((own / changed).read_text() + "\n# edited\n")
    refused = launch(CERTIFY, own)
    assert_refused(refused, "run_dir", "made with other data, networks or code", said, "choose another --run_dir")
    assert files(own / "runs/own") == before


def test_a_finished_run_says_so(own: Path) -> None:
    first = launch(CERTIFY, own)
    assert first.status == 0, first.err
    assert "nothing was computed" not in first.out
    table = (own / "runs/own/certificates.csv").read_bytes()
    again = launch(CERTIFY, own)
    assert again.status == 0, again.err
    assert f"{EXAMPLES} of {EXAMPLES} rows were there; nothing was computed\n" in again.out
    assert (own / "runs/own/certificates.csv").read_bytes() == table


def as_other_version() -> None:
    """Have the process think that it runs other code."""
    from smoothing.provenance import code
    from smoothing.runs import progress, provenance, run_directory

    for module in (code, progress, provenance, run_directory):
        module.code_version = lambda: "9.9.9"  # type: ignore[attr-defined]


def test_another_version_resumes_and_says_so(own: Path) -> None:
    assert launch(CERTIFY, own, partial(kill_after, 40)).status == -9
    here = json.loads((own / "runs/own/provenance.json").read_text())["code"]
    resumed = launch(CERTIFY, own, as_other_version)
    assert resumed.status == 0, resumed.err
    assert f"resuming with 9.9.9; earlier rows were computed with {here}\n" in resumed.out
    notes = (own / "runs/own/writers/certificates-rank-0.tsv").read_text()
    assert notes == f"1\t{here}\n41\t9.9.9\n"
    assert launch([*CERTIFY, "--run_dir", "new"], own).status == 0
    tables = [(own / run / "certificates.csv").read_bytes() for run in ("runs/own", "new")]
    assert tables[0] == tables[1]


def start(folder: Path, *options: str) -> "subprocess.Popen[str]":
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "smoothing", *CERTIFY, *options]
    return subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_second_process_is_refused_and_the_first_one_finishes(own: Path) -> None:
    many = ["--model.certifiers.sampled.n=200000"]
    first = start(own, *many)
    try:
        lock = own / "runs/own/lock.json"
        while not lock.exists():
            assert first.poll() is None, first.communicate()[1]
            time.sleep(0.05)
        assert_refused(
            launch([*CERTIFY, *many], own),
            f"run_dir: runs/own is in use by process {first.pid} on {socket.gethostname()} since ",
            "choose another --run_dir",
        )
    finally:
        first.kill()
        first.communicate()
    assert lock.exists()
    few = launch([*CERTIFY, *many, "--data.batch_size=8"], own, partial(kill_after, 1))
    assert few.status == -9, few.err


def test_a_lock_is_removed_at_the_end(own: Path) -> None:
    assert launch(CERTIFY, own).status == 0
    assert not list((own / "runs/own").glob("lock*"))


def limit_files() -> None:
    """Have the process find the disk full."""
    from resource import RLIMIT_FSIZE, setrlimit
    from signal import SIG_IGN, SIGXFSZ, signal

    signal(SIGXFSZ, SIG_IGN)
    setrlimit(RLIMIT_FSIZE, (20_000, 20_000))


def test_a_full_disk_names_the_file_and_leaves_the_run_to_be_resumed(own: Path) -> None:
    full = launch(CERTIFY, own, limit_files)
    assert full.status == 2
    (line,) = full.err.splitlines()
    assert line.startswith("error: runs/own/certificates/rank-0.jsonl: File too large; finished rows are kept")
    assert line.endswith("run the same command again to resume")
    begun = (own / "runs/own/certificates/rank-0.jsonl").read_bytes()
    finished = begun[: begun.rindex(b"\n") + 1]
    assert 0 < finished.count(b"\n") < EXAMPLES
    assert launch(CERTIFY, own).status == 0
    assert (own / "runs/own/certificates/rank-0.jsonl").read_bytes().startswith(finished)
    assert launch([*CERTIFY, "--run_dir", "new"], own).status == 0
    tables = [(own / run / "certificates.csv").read_bytes() for run in ("runs/own", "new")]
    assert tables[0] == tables[1]
