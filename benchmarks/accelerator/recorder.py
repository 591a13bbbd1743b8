"""A plugin of pytest that writes the outcome of each test at once, so that an interrupted run keeps what it found."""

import json
import os

import pytest

OUTCOMES = "ACCELERATOR_OUTCOMES"
"""Environment variable with the path of the file to write."""


class Recorder:
    """Writes one JSON line per test.

    Args:
        path: The file.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write the outcome of a test, or of a set-up that did not pass."""
        if report.when != "call" and report.passed:
            return
        lines = [line.removeprefix("E").strip() for line in report.longreprtext.splitlines() if line.startswith("E ")]
        outcome = {"test": report.nodeid, "outcome": report.outcome, "gpu": "gpu" in report.keywords}
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(outcome | {"reason": " ".join(lines)[:250]}) + "\n")


def pytest_configure(config: pytest.Config) -> None:
    """Record in the process that collects the outcomes of all workers."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(os.environ[OUTCOMES]))
