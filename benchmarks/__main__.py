"""The page results/speed.md: all benchmarks in one go.

``python -m benchmarks`` runs every part that is not finished and writes the page. Each part is a script of this folder
in a process of its own. The output of a finished part is kept in build/benchmarks, so that an interrupted run resumes.

``--only rivals tables`` runs these parts, ``--again`` repeats finished ones. ``--smoke`` uses small sizes and writes
to build alone.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from smoothing.provenance.code import code_version

ROOT = Path(__file__).resolve().parents[1]

LIMIT = 900
"""Largest number of seconds of a part."""

PARTS = {
    "rivals": "Many classes and large training sets",
    "label_flips": "Label flips against the product that gives the weights",
    "collective": "Collective certificates",
    "tables": "Tables, shards and audits",
    "start_up": "Short commands",
    "large_problems": "The shape of ImageNet and a million training points",
    "large_runs": "Commands on many points and many logs",
    "ranks": "Two ranks",
    "retraining": "Models of retrained votes",
    "betting": "Number of draws of betting",
    "throughput": "Draws per second",
}
"""Scripts with the headings of their sections, in order."""

Row = dict[str, str]
Tables = dict[str, list[Row]]


@dataclass(frozen=True)
class Work:
    """A row of the first table.

    Attributes:
        name: The work.
        before: Figures before the certificates were made faster.
        limit: What cannot be saved, or a rival.
        goal: What was wanted.
        now: Returns the figures of this page from the rows of the tables of all parts, by part.
    """

    name: str
    before: str
    limit: str
    goal: str
    now: Callable[[Tables], str]


class NotMeasuredError(LookupError):
    """A figure that no part has measured."""


def cell(tables: Tables, part: str, column: str, **cells: str) -> float:
    """Return the number in a column of the row with some cells.

    Args:
        tables: Rows of all tables, by part.
        part: Name of the part.
        column: Start of the name of the column.
        cells: Start of the name of a column (``_`` stands for a space), and the start of its cell.

    Raises:
        NotMeasuredError: If no part has measured it.
    """
    for row in tables.get(part, []):
        found = {name: [text for head, text in row.items() if head.startswith(name)] for name in (column, *cells)}
        wanted = all(found[name] and found[name][0].startswith(text) for name, text in cells.items())
        if wanted and found[column]:
            return float(found[column][0].replace(",", ""))
    raise NotMeasuredError(f"part {part} has no {column} of {', '.join(cells.values())}")


def times_faster(certifier: str, *classes: str) -> Callable[[Tables], str]:
    """Return a function that writes the cost of an example and the speedup over a comparison of all rivals."""

    def now(tables: Tables) -> str:
        shown = []
        for number in classes:
            where = {"certifier": certifier, "classes": number, "training": "100,000"}
            spent = cell(tables, "rivals", "ms per example", **where)
            more = cell(tables, "rivals", "every rival", **where)
            shown.append(f"K = {number}: {more:.1f} times less than with every rival compared ({spent:.2f} ms)")
        return "; ".join(shown)

    return now


def figure(template: str, *cells: tuple[str, str, dict[str, str]]) -> Callable[[Tables], str]:
    """Return a function that fills a template with cells; see `cell`."""
    return lambda tables: template.format(*(cell(tables, part, column, **where) for part, column, where in cells))


def unmeasured(reason: str) -> Callable[[Tables], str]:
    """Return a function that writes why a row has no figure."""
    return lambda tables: f"not measured: {reason}"


K2, K10 = {"classes": "2", "training": "100,000"}, {"classes": "10", "training": "100,000"}

WORKS = (
    Work(
        "`ExactVote`, K = 10 / 100, n = 1e5, one example",
        "24.9 / 174 ms",
        "prototype that prunes rivals: 1.1 / 4.5 ms",
        "15 / 30 times faster",
        times_faster("ExactVote", "10 ", "100 "),
    ),
    Work(
        "`Chernoff` (mean vote), K = 10 / 100, n = 1e5",
        "13.4 / 139 ms",
        "prototype: 4.1 / 11.6 ms",
        "3 / 10 times faster, never slower",
        times_faster("Chernoff", "10 ", "100 "),
    ),
    Work(
        "`BerryEsseen`, K = 10, n = 1e5",
        "46 ms",
        "the same pruning",
        "5 times faster",
        times_faster("BerryEsseen", "10 "),
    ),
    Work(
        "scores alone, n = 1e5",
        "1.7 times the product",
        "one pass",
        "1.2 times",
        figure("{:.2f} times the product", ("rivals", "scores / product", K2)),
    ),
    Work(
        "`ExactVote`, all in all, n = 1e5, K = 2 / 10",
        "6.7 times the product / -",
        "-",
        "2 / 2.5 times",
        figure(
            "{:.2f} / {:.2f} times the product", ("rivals", "ExactVote, all", K2), ("rivals", "ExactVote, all", K10)
        ),
    ),
    Work(
        "`Chernoff` with `NeymanPearson`, K = 2, n = 13,007",
        "8.2 times the product",
        "Newton's method in NumPy without rounding takes .93 of its time",
        "4 times the product; half the time of NumPy at n = 1,000",
        figure(
            "{:.2f} times the product; NumPy takes {:.2f} times as long at n = 1,000",
            ("label_flips", "figure", {"what": "Chernoff+tight / the product"}),
            ("rivals", "NumPy", {"training": "1,000 "}),
        ),
    ),
    Work(
        "n = 1e6, 10,000 examples, K = 10, two threads",
        "1,000 s (extrapolated)",
        "-",
        "300 s, 4 GB",
        figure(
            "{:,.0f} s for both certifiers, extrapolated from 64 examples; {:.1f} GiB",
            ("large_problems", "extrapolated to 10,000", {"what": "Chernoff and"}),
            ("large_problems", "extrapolated to 10,000", {"what": "memory, GiB"}),
        ),
    ),
    Work(
        "ImageNet shape: n = 1.2e6, k = 2,048, K = 1,000",
        "`Ridge.fit` peaks at 62 GB, 20 s an example",
        "-",
        "1.2 copies of the data, .5 s an example",
        figure(
            "{:.2f} copies; {:.2f} / {:.2f} s an example (Chernoff / exact), extrapolated from 150,000 training points",
            ("large_problems", "extrapolated to n", {"what": "memory of"}),
            ("large_problems", "extrapolated to n", {"what": "Chernoff, s"}),
            ("large_problems", "extrapolated to n", {"what": "ExactVote, s"}),
        ),
    ),
    Work(
        "`read_csv` of 1e6 rows",
        "38 times `pandas.read_csv` (20.3 s)",
        "`pandas.read_csv`",
        "3 times",
        figure(
            "{:.1f} times ({:.2f} s)",
            ("tables", "read_csv /", {"rows": "1,000,000"}),
            ("tables", "read_csv, s", {"rows": "1,000,000"}),
        ),
    ),
    Work(
        "shards of 1e6 rows",
        "2.0 times `json.loads` (19.5 s)",
        "`json.loads`",
        "1.3 times",
        figure(
            "{:.2f} times ({:.2f} s)",
            ("tables", "read_shards /", {"rows": "1,000,000"}),
            ("tables", "read_shards, s", {"rows": "1,000,000"}),
        ),
    ),
    Work(
        "50,000 points, 2 certifiers, whole command; the same once finished",
        "50.6 s; -",
        "certifying 12.7 s",
        "20 s; start-up + 3 s",
        figure(
            "{:.1f} s; {:.1f} s",
            ("large_runs", "seconds", {"command": "certify, new", "size": "50,000"}),
            ("large_runs", "seconds", {"command": "certify, finished", "size": "50,000"}),
        ),
    ),
    Work(
        "audit of a log of 10,000 rows",
        "3,500 ms",
        "-",
        "150 ms",
        figure("{:.0f} ms", ("tables", "audit, ms", {"rows": "10,000"})),
    ),
    Work(
        "1,515 released logs compared and audited",
        "-",
        "-",
        "180 s",
        figure("{:.0f} s", ("large_runs", "seconds", {"command": "compare", "size": "1,515"})),
    ),
    Work(
        "digits, whole command",
        "9.4-10.1 s",
        "`import pytorch_lightning`: 5 s",
        "1.2 times the import",
        figure(
            "{:.1f} s; {:.2f} times the import",
            ("start_up", "seconds", {"command": "digits, new"}),
            ("start_up", "times `import pytorch", {"command": "digits, new"}),
        ),
    ),
    Work(
        "missing config / misspelt option / `certify --help`",
        "6.6-11 s",
        "`--help`: .2 s",
        ".5 s / 3 s / -",
        figure(
            "{:.2f} s / {:.2f} s / {:.2f} s",
            *(
                ("start_up", "seconds", {"command": name})
                for name in ("missing", "misspelt option", "`certify --help`")
            ),
        ),
    ),
    Work(
        "`compare` of one run / `table`",
        "5.5 s / 2.5 s",
        "milliseconds",
        "2.5 s / 1 s",
        figure(
            "{:.2f} s / {:.2f} s",
            *(("start_up", "seconds", {"command": name}) for name in ("`compare` of one run", "`table`")),
        ),
    ),
    Work("quick tests, two cores", "minutes", "-", "300 s", unmeasured("`pytest --durations=10` prints it")),
)


def rows_of(text: str) -> list[Row]:
    """Return the rows of all Markdown tables in a text, by column."""
    rows: list[Row] = []
    heads: list[str] = []
    for line in text.splitlines():
        if not line.startswith("|"):
            heads = []
            continue
        cells = [f"{part.strip()} " for part in line.strip().strip("|").split("|")]
        if not heads:
            heads = cells
        elif not set("".join(cells)) <= set("-: "):
            rows.append(dict(zip(heads, cells, strict=False)))
    return rows


def run(part: str, smoke: bool, folder: Path) -> str | None:
    """Run a part and keep its output. Return why it failed, or None."""
    command = [sys.executable, "-m", f"benchmarks.{part}", *(["--smoke"] if smoke else [])]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(os.cpu_count())}
    load, begin = os.getloadavg()[0], time.perf_counter()
    try:
        ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return f"took more than {LIMIT} s"
    if ended.returncode:
        return (ended.stderr.strip().splitlines() or ["no message"])[-1]
    taken = time.perf_counter() - begin
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    about = (
        f"`python -m benchmarks.{part}`, {when}, version {code_version()}, {taken:.0f} s, load {load:.1f} at the start"
    )
    draft = folder / f"{part}.part"
    draft.write_text(f"{about}\n\n{ended.stdout.strip()}\n", encoding="utf-8")
    draft.replace(folder / f"{part}.md")
    return None


def processor() -> str:
    """Return the name and the number of the processors."""
    try:
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        found = None
    return f"{os.cpu_count()} processors ({found[1] if found else 'unknown'})"


def page(folder: Path, failed: dict[str, str]) -> str:
    """Return the page from the outputs of finished parts.

    Args:
        folder: Folder of the outputs.
        failed: Reasons why parts have no output.
    """
    texts = {
        part: (folder / f"{part}.md").read_text(encoding="utf-8") for part in PARTS if (folder / f"{part}.md").exists()
    }
    tables = {part: rows_of(text) for part, text in texts.items()}
    lines = [
        "# Speed",
        "",
        f"`python -m benchmarks` on {processor()}. Ratios are measured within one run; times depend on the machine. "
        "Figures before the certificates were made faster, limits and goals were measured on another day and machine.",
        "",
        "| work | before | limit or rival | goal | now |",
        "|---|---|---|---|---|",
    ]
    for work in WORKS:
        try:
            now = work.now(tables)
        except NotMeasuredError as reason:
            now = f"not measured: {reason}"
        lines.append(f"| {work.name} | {work.before} | {work.limit} | {work.goal} | {now} |")
    for part, heading in PARTS.items():
        reason = failed.get(part, "not run yet")
        lines += ["", f"## {heading}", "", texts[part].strip() if part in texts else f"No figures: {reason}."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the parts and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), help="parts to run")
    parser.add_argument("--again", action="store_true", help="repeat finished parts")
    parser.add_argument("--smoke", action="store_true", help="small sizes")
    parser.add_argument("--kept", type=Path, help="folder of finished parts; build/benchmarks if unset")
    parser.add_argument("--page", type=Path, help="the page; results/speed.md if unset")
    chosen = parser.parse_args()
    built = ROOT / "build"
    kept = chosen.kept or built / ("benchmarks-smoke" if chosen.smoke else "benchmarks")
    made = chosen.page or (built / "speed-smoke.md" if chosen.smoke else ROOT / "results" / "speed.md")
    kept.mkdir(parents=True, exist_ok=True)
    failed: dict[str, str] = {}
    for part in chosen.only or PARTS:
        if chosen.again or not (kept / f"{part}.md").exists():
            print(part, flush=True)
            if reason := run(part, chosen.smoke, kept):
                failed[part] = reason
                print(f"{part}: {reason}", flush=True)
        made.write_text(page(kept, failed), encoding="utf-8")
    print(f"| page | {made} |")
    if failed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
