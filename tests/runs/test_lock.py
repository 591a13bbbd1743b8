import json
import multiprocessing
import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from smoothing.runs import lock
from smoothing.runs.lock import TIMEOUT, HeldError, Lock, _this_process

IN_USE = (
    r"run_dir: .* is in use by process \d+ on \S+ since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC; must be used by one run"
)


def owned(path: Path, age: float = 0, **changes: Any) -> Path:
    """The lock file of some process."""
    owner = _this_process() | {"since": "2026-01-02 03:04:05 UTC", "token": "other"} | changes
    path.write_text(json.dumps(owner))
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_one_lock_at_a_time(tmp_path: Path) -> None:
    first, second = Lock(tmp_path / "lock"), Lock(tmp_path / "lock")
    first.acquire()
    first.acquire()
    for refused in (second.check, second.acquire):
        with pytest.raises(HeldError, match=IN_USE):
            refused()
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
    second.release()
    assert first.held
    assert not second.held
    first.release()
    second.acquire()
    second.release()
    assert not list(tmp_path.iterdir())


def hold_and_die(path: Path) -> None:
    Lock(path).acquire()
    os._exit(0)


def test_a_dead_owner_does_not_hold_it(tmp_path: Path) -> None:
    process = multiprocessing.get_context("forkserver").Process(target=hold_and_die, args=(tmp_path / "lock",))
    process.start()
    process.join()
    assert (tmp_path / "lock").exists()
    Lock(tmp_path / "lock").check()
    Lock(tmp_path / "lock").acquire()


def test_another_process_with_the_number_of_the_owner_does_not_hold_it(tmp_path: Path) -> None:
    with pytest.raises(HeldError):
        Lock(owned(tmp_path / "lock")).check()
    Lock(owned(tmp_path / "lock", started="1")).acquire()


@pytest.mark.parametrize("changes", [{"host": "far-away"}, {"system": "another boot or container"}])
def test_on_another_host_the_last_renewal_decides(tmp_path: Path, changes: dict[str, str]) -> None:
    alive = owned(tmp_path / "alive", TIMEOUT - 60, pid=1, started="1", **changes)
    with pytest.raises(HeldError, match=f"in use by process 1 on {changes.get('host', socket.gethostname())} since"):
        Lock(alive).acquire()
    dead = owned(tmp_path / "dead", TIMEOUT + 60, **changes)
    Lock(dead).acquire()


def test_an_owner_renews_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "HEARTBEAT", 0.05)
    held = Lock(tmp_path / "lock")
    held.acquire()
    os.utime(held.path, (0, 0))
    wait_until(lambda: held.path.stat().st_mtime > 0)
    held.confirm()


def test_an_owner_that_slept_too_long_notices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "HEARTBEAT", 0.05)
    held = Lock(tmp_path / "lock")
    held.acquire()
    owned(held.path, token="its successor")
    wait_until(lambda: held._lost)
    with pytest.raises(RuntimeError, match="another process has taken over this run"):
        held.confirm()
    held.release()
    assert held.path.exists(), "the lock of the successor stays"


def wait_until(condition: Any) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_without_hard_links_it_is_created_exclusively(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*paths: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", unsupported)
    first = Lock(tmp_path / "lock")
    first.acquire()
    with pytest.raises(FileExistsError):
        lock._create(tmp_path / "lock", tmp_path / "lock")
    with pytest.raises(HeldError, match=IN_USE):
        Lock(tmp_path / "lock").acquire()


def test_a_lock_acquired_in_between_is_not_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = owned(tmp_path / "lock", started="1")
    rename = os.rename

    def overtaken(source: Path, target: Path) -> None:
        owned(path, token="faster")
        rename(source, target)

    monkeypatch.setattr(os, "rename", overtaken)
    with pytest.raises(HeldError, match=IN_USE):
        Lock(path).acquire()
    assert json.loads(path.read_text())["token"] == "faster"


def test_a_damaged_lock_is_named(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("{")
    with pytest.raises(ValueError, match=r"lock: damaged .*; remove it if no process uses this directory"):
        Lock(tmp_path / "lock").check()
