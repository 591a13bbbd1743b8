"""Lock of a run directory: one process at a time computes in it."""

import json
import os
import platform
import socket
import subprocess
import threading
import time
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HEARTBEAT = 20.0
"""Seconds between renewals of the modification time of a lock by its owner."""

TIMEOUT = 600.0
"""Seconds without renewal after which a lock of another host is free. Clocks of hosts must agree to a few minutes."""


class HeldError(ValueError):
    """Error: another process holds the lock."""


class Lock:
    """Lock file with host, process and start time of its owner.

    On the host of the owner, the lock is free as soon as the process has ended. On other hosts, which share the
    directory by a network file system, the lock is free if its modification time is older than `TIMEOUT` seconds. The
    file is created by a hard link, which is atomic on network file systems too.

    Args:
        path: The lock file; its folder must exist when the lock is acquired.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._token = ""
        self._stop = threading.Event()
        self._lost = False

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return bool(self._token)

    def check(self) -> None:
        """Raise if another process holds the lock.

        Raises:
            HeldError: If another process holds the lock, with host, process id and time.
        """
        owner = self._read()
        if owner is not None and not self.held and _is_alive(owner, self._age()):
            raise HeldError(
                f"run_dir: {self.path.parent} is in use by process {owner['pid']} on {owner['host']} since "
                f"{owner['since']}; must be used by one run at a time: wait for it, or choose another --run_dir"
            )

    def acquire(self) -> None:
        """Acquire the lock and renew it in the background until `release`. Do nothing if this object holds it.

        Raises:
            HeldError: If another process holds the lock.
        """
        if self.held:
            return
        self.check()
        token = uuid.uuid4().hex
        owner = _this_process() | {"since": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"), "token": token}
        draft = self.path.with_name(f"{self.path.name}.{token}")
        try:
            draft.write_text(json.dumps(owner), encoding="utf-8")
            self._remove_abandoned()
            try:
                _create(self.path, draft)
            except FileExistsError:
                self.check()
                raise HeldError(f"run_dir: {self.path.parent} is in use; must be used by one run at a time") from None
        finally:
            draft.unlink(missing_ok=True)
        self._token = token
        self._lost = False
        self._stop.clear()
        threading.Thread(target=self._renew, args=(token,), daemon=True).start()

    def release(self) -> None:
        """Remove the lock if this object holds it."""
        if self.held:
            self._stop.set()
            if self._is_ours(self._token):
                self.path.unlink(missing_ok=True)
            self._token = ""

    def confirm(self) -> None:
        """Raise if another process has acquired the lock since.

        Raises:
            RuntimeError: If the lock is lost because this process was suspended for longer than `TIMEOUT`.
        """
        if self._lost:
            raise RuntimeError(f"{self.path.parent}: another process has taken over this run; this process stops")

    def _remove_abandoned(self) -> None:
        """Remove the lock of an owner that is no longer alive."""
        owner = self._read()
        if owner is None:
            return
        aside = self.path.with_name(f"{self.path.name}.{uuid.uuid4().hex}")
        with suppress(FileNotFoundError):
            os.rename(self.path, aside)
            # If another process has acquired the lock in the meantime, restore it.
            if _parse(aside) != owner:
                with suppress(FileExistsError):
                    os.link(aside, self.path)
            aside.unlink()

    def _renew(self, token: str) -> None:
        while not self._stop.wait(HEARTBEAT):
            try:
                if not self._is_ours(token):
                    self._lost = True
                    return
                os.utime(self.path)
            except OSError:
                # A network file system can be unavailable for a while.
                continue

    def _is_ours(self, token: str) -> bool:
        owner = self._read()
        return owner is not None and owner["token"] == token

    def _read(self) -> dict[str, Any] | None:
        return _parse(self.path)

    def _age(self) -> float:
        try:
            return time.time() - self.path.stat().st_mtime
        except FileNotFoundError:
            return float("inf")


def _parse(path: Path) -> dict[str, Any] | None:
    """Return the owner of a lock; None if there is no lock."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ValueError(f"{path}: damaged ({error}); remove it if no process uses this directory") from error


def _create(path: Path, draft: Path) -> None:
    """Create a file with the content of a draft; raise if the file exists."""
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links.
        with path.open("x", encoding="utf-8") as file:
            file.write(draft.read_text(encoding="utf-8"))


def _this_process() -> dict[str, Any]:
    pid = os.getpid()
    return {"host": socket.gethostname(), "system": _system(), "pid": pid, "started": _started(pid)}


def _is_alive(owner: dict[str, Any], age: float) -> bool:
    if owner["host"] == socket.gethostname() and owner["system"] == _system():
        return bool(_started(owner["pid"]) == owner["started"])
    return age < TIMEOUT


def _system() -> str:
    """Return boot and process namespace. If both are equal, a process id means the same process."""
    if platform.system() != "Linux":
        return platform.system()
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return "Linux"


def _started(pid: int) -> str | None:
    """Return the start time of a process, in units of the system; None if the process has ended."""
    if Path("/proc/self/stat").exists():
        try:
            # The name in parentheses can contain anything. State is field 3, start time is field 22.
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in "ZX" else fields[19]
    listed = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listed.stdout.strip() or None
