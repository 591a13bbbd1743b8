"""Tests that need an accelerator, and the quick tests of votes, certifiers and modules on it."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.accelerator.report import DEVICE, SMALL, Report, arguments

ROOT = Path(__file__).parents[2]
WORKERS = 8


def marked() -> list[str]:
    """Return the test files with a test that needs an accelerator."""
    return [str(path) for path in sorted((ROOT / "tests").rglob("test_*.py")) if "mark.gpu" in path.read_text()]


def run(report: Report, what: str, options: list[str], limit: float, out: Path) -> None:
    """Run pytest, and report counts and failures."""
    result = out / f".{what.split()[0]}.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", "--durations=0"]
    command += ["--durations-min=5", f"--junitxml={result}", *options]
    env = os.environ | {"SMOOTHING_TEST_DEVICE": DEVICE.type, "OMP_NUM_THREADS": "2"}
    with (out / "tests.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT)
        try:
            status: object = process.wait(limit)
        except subprocess.TimeoutExpired:
            # The first interruption ends pytest with its report.
            process.send_signal(signal.SIGINT)
            status = "interrupted at its time limit"
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    if not result.exists():
        report.add(tests=what, exit_status=status, error="no result; see tests.log")
        return
    suite = ElementTree.parse(result).getroot()
    cases = list(suite.iter("testcase"))
    result.unlink()
    bad = [(case, part) for case in cases for part in case if part.tag in ("failure", "error")]
    skipped = sum(case.find("skipped") is not None for case in cases)
    report.add(tests=what, exit_status=status, passed=len(cases) - len(bad) - skipped, failed=len(bad), skipped=skipped)
    for case, part in bad[:40]:
        reason = (part.get("message") or "").partition("\n")[0][:250]
        report.add(failed_test=f"{case.get('classname')}.{case.get('name')}", reason=reason)


def main() -> None:
    """Run the tests."""
    report, out, _ = arguments("tests")
    parallel = [] if SMALL else ["-n", str(WORKERS)]
    run(report, "gpu: marked", [*parallel, "-m", "gpu and not slow", *marked()], report.left / 2, out)
    rooms = [str(ROOT / "tests" / room) for room in ("votes", "certifiers", "measures", "lightning_modules")]
    if SMALL:
        rooms = [str(ROOT / "tests" / "votes" / "test_devices.py")]
    run(report, "quick: of votes, certifiers, measures, modules", [*parallel, *rooms], report.left - 14, out)


if __name__ == "__main__":
    main()
