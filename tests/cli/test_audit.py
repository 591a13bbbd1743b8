import shutil
from pathlib import Path
from typing import Any

import pytest

from reporting.comparison import Run
from reporting.text_table import TextTable
from smoothing.certificates import FIELD_DISTANCE, read_tsv
from smoothing.cli.audit import Stated, audit_logs, gaps, read_sigma
from smoothing.cli.main import main
from tests.cli.test_compare import LOGS, run_directory
from tests.samples import L2, table

GOOD = LOGS / "cifar10_resnet110_train0.12_certify0.12.tsv"
BAD = LOGS / "cifar10_resnet110_train0.50_certify0.50.tsv"


def audited(*logs: Path, alpha: float = 0.001) -> TextTable:
    runs = {log.name: Run(read_tsv(log)[0], FIELD_DISTANCE) for log in logs}
    return audit_logs({log.name: log for log in logs}, runs, Stated(alpha, 100_000))


def test_every_log_gets_a_line_and_a_verdict():
    found = audited(GOOD, BAD)
    assert [row[:7] for row in found.rows] == [
        [GOOD.name, "0.12", "100000", "0.001", "481", "0", "0.001"],
        [BAD.name, "0.5", "100000", "0.001", "417", "15", "0.01"],
    ]
    assert f"{GOOD.name}: all 481 radii are possible at alpha = 0.001." in found.notes
    assert (
        f"{BAD.name}: 15 of 417 radii are impossible at alpha = 0.001: 1.96 (9 times), 1.88 (4 times), 0.00592, 1.86. "
        "All are possible at alpha = 0.01."
    ) in found.notes


def test_where_no_alpha_fits_that_is_said(tmp_path: Path):
    log = tmp_path / "sigma_0.25.tsv"
    shutil.copy(LOGS / "cifar10_resnet110_train0.25_certify0.25.tsv", log)
    runs = {"log": Run(read_tsv(log)[0], FIELD_DISTANCE)}
    found = audit_logs({"log": log}, runs, Stated(0.001, 5000))
    assert found.rows[0][6] == "none"
    assert "No alpha explains all; " in found.notes[1]
    assert ", and " in found.notes[1]
    assert found.notes[1].count(",") <= 20


EVERY_HUNDREDTH = list(range(0, 50_000, 100))


@pytest.mark.parametrize(
    ("own", "others", "found"),
    [
        (EVERY_HUNDREDTH, [EVERY_HUNDREDTH], []),
        (list(range(0, 10_000, 20)), [list(range(10_000))], []),
        (
            EVERY_HUNDREDTH[:427],
            [],
            ["it ends at index 42600 after 427 rows; a test set of 50000 examples has 500 at every 100th index."],
        ),
        (
            EVERY_HUNDREDTH[:427],
            [EVERY_HUNDREDTH[:440], EVERY_HUNDREDTH[:430]],
            ["it ends at index 42600 after 427 rows; log 0 ends at 43900."],
        ),
        ([0], [[0, 3]], ["it ends at index 0 after 1 rows; log 0 ends at 3."]),
        ([0], [], []),
        (
            [200, 300, *EVERY_HUNDREDTH[5:]],
            [],
            ["3 missing where every 100th index is logged: 0, 100, 400."],
        ),
        (
            EVERY_HUNDREDTH[::2][:30] + EVERY_HUNDREDTH[60:],
            [],
            [
                "30 missing where every 100th index is logged: "
                + f"{', '.join(map(str, range(100, 4100, 200)))}, and 10 more."
            ],
        ),
        (
            list(range(1, 5000, 21)),
            [],
            ["it ends at index 4999 after 239 rows; a test set of 10000 examples has 477 at every 21st index."],
        ),
    ],
)
def test_logs_that_lack_examples_are_named(own: list[int], others: list[list[int]], found: list[str]):
    indices = {"log": own, **{f"log {place}": rows for place, rows in enumerate(others)}}
    assert gaps("log", indices) == found


def test_the_table_names_a_log_that_stops_early(tmp_path: Path):
    whole = GOOD.read_text().splitlines(keepends=True)
    short = tmp_path / "certify0.12_short.tsv"
    short.write_text("".join(whole[:300] + whole[301:428]))
    notes = audited(short, GOOD).notes
    assert f"{short.name}: 1 missing where every 20th index is logged: 5980." in notes
    assert f"{short.name}: it ends at index 8520 after 426 rows; {GOOD.name} ends at 9980." in notes
    assert not [note for note in audited(GOOD, BAD).notes if "ends at" in note or "missing" in note]


@pytest.mark.parametrize(
    ("name", "sigma"),
    [
        ("cifar10_resnet110_train0.25_certify0.50.tsv", 0.5),
        ("sigma_0.25", 0.25),
        ("Sigma=1.tsv", 1.0),
        ("mnist_lenet_gaussian_0.50.tsv", 0.5),
    ],
)
def test_sigma_stands_in_the_name(name: str, sigma: float):
    assert read_sigma(Path("noise_0.12", name), None) == sigma
    assert read_sigma(Path("noise_0.12", name), sigma) == sigma


def test_a_sigma_that_is_given_serves_where_the_name_does_not_tell():
    assert read_sigma(Path("run-1.5-final.tsv"), 0.25) == 0.25
    assert read_sigma(Path("log.tsv"), 0.25) == 0.25


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("log.tsv", None, "audit.sigma: not given; must be, since the name log.tsv has 0 candidates"),
        (
            "0.25_at_0.50.tsv",
            None,
            "audit.sigma: not given; must be, since the name 0.25_at_0.50.tsv has 2 candidates",
        ),
        ("sigma_0.25.tsv", 0.5, "audit.sigma: 0.5; must be 0.25, as in the name sigma_0.25.tsv"),
    ],
)
def test_a_sigma_that_is_not_known_is_asked_for(name: str, given: float | None, message: str):
    with pytest.raises(ValueError, match=f"^{message}$"):
        read_sigma(Path(name), given)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a log whose name tells nothing, and a run directory; wandb stays away."""
    monkeypatch.setenv("WANDB_MODE", "disabled")
    monkeypatch.chdir(tmp_path)
    shutil.copy(GOOD, "log.tsv")
    run_directory(Path("run"), answers=table((1, 0.3), (1, 0.2)), distance=L2)
    return tmp_path


def test_the_command_audits(workplace: Path, capsys: pytest.CaptureFixture[str]):
    main(["compare", "log.tsv", "run", "--audit.alpha=0.01", "--audit.n=100000", "--audit.sigma=0.12", "--radii=[0.1]"])
    printed = capsys.readouterr().out
    assert "log.tsv: 184 of 481 radii are impossible at alpha = 0.01: 0.457 (156 times), " in printed
    assert "Only logs are audited. Run directories contain their counts." in printed
    assert "## Audit of logs" in Path("comparison/comparison.md").read_text()
    assert "184 of 481 radii" in Path("comparison/comparison.md").read_text()
    assert "Audit of logs" in Path("comparison/comparison.tex").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["log.tsv", "--audit.alpha=.001"], "audit: the following arguments are required: n"),
        (["log.tsv", "--audit.alpha=.001", "--audit.n=x"], "audit.n: x; must be int"),
        (["log.tsv", "--audit.alpha=.001", "--audit.n=10", "--audit.sgma=1"], "audit: sgma; must be an option of its"),
        (
            ["log.tsv", "--audit.alpha=.001", "--audit.n=10"],
            "audit.sigma: not given; must be, since the name log.tsv",
        ),
        (["log.tsv", "--audit.alpha=.001", "--audit.n=0", "--audit.sigma=1"], "audit: n = 0; must be at least 1"),
        (
            ["log.tsv", "--audit.alpha=.001", "--audit.n=10", "--audit.sigma=0"],
            "audit: sigma = 0.0; must be finite and",
        ),
        (["log.tsv", "--audit.alpha=-1", "--audit.n=10", "--audit.sigma=1"], "audit: alpha = -1.0; must be within"),
        (["run", "--audit.alpha=.001", "--audit.n=10"], "audit: no TSV log among the runs; must be at least one"),
        (
            ["log.tsv", "run", "--envelope"],
            "envelope: the requested examples of the runs differ or are unknown; must be the same",
        ),
        (["columns.tsv"], "columns.tsv, line 1: found the columns idx label; must be idx label predict radius correct"),
        (["picture.tsv"], "picture.tsv: not a text file; must be a table with one line per row"),
        (["unreadable.tsv"], "unreadable.tsv: Permission denied"),
        (["log.tsv", "flips"], "flips: l0 radii (flips); must be l2 radii (input units), as in log.tsv"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    workplace: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str, monkeypatch: Any
):
    Path("columns.tsv").write_text("idx\tlabel\n0\t1\n")
    Path("picture.tsv").write_bytes(b"\x89PNG\r\n\xff")
    run_directory(Path("flips"))
    deny(monkeypatch, Path("unreadable.tsv"))
    before = sorted(workplace.rglob("*"))
    with pytest.raises(SystemExit) as end:
        main(["compare", *arguments])
    assert end.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith(f"error: {message}")
    assert sorted(workplace.rglob("*")) == before


def deny(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Make a file that cannot be read, by root neither."""
    path.write_text("")
    opened = open

    def refuse(file: Any, *args: Any, **kwargs: Any) -> Any:
        if str(file) == str(path):
            raise PermissionError(13, "Permission denied", str(file))
        return opened(file, *args, **kwargs)

    monkeypatch.setattr("builtins.open", refuse)
