import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wandb
import yaml

from reporting.comparison import ATTACKS, BUDGETS, OTHER_EXAMPLES, Run, common_radii, comparison
from smoothing.certificates import Table
from smoothing.certificates.certificates import BESIDES
from smoothing.certificates.curves import MAX_RADII
from smoothing.cli.compare import compare, load_curve
from smoothing.distance import Distance
from smoothing.runs.provenance import provenance
from tests.samples import FLIPS, L2, row, table

LOGS = Path(__file__).parents[1] / "data" / "cohen_certify"
ANSWERS = table((1, 3.0), (1, 1.0), (-1, 0.0), (0, 9.0), certifiers=("kl", "exact"))


@pytest.fixture(autouse=True)
def no_wandb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")


def run_directory(
    path: Path,
    config: dict[str, Any] | None = None,
    answers: Table = ANSWERS,
    distance: Distance = FLIPS,
    examples: str | None = None,
    data: str = "",
) -> str:
    """The directory of a finished run."""
    path.mkdir(parents=True)
    config = config or {"model": {"q": 0.1}}
    answers.write_csv(path / "certificates.csv")
    (path / "config.yaml").write_text(yaml.safe_dump(config))
    record = {"examples_hash": examples} | provenance(config, seed=0, distance=distance, data=data)
    (path / "provenance.json").write_text(json.dumps(record))
    return str(path)


def cells_of(printed: str, *keys: str) -> list[str]:
    """The cells of one row in all parts of a printed table, without the repeated first columns."""
    rows = [line.split() for line in printed.splitlines()]
    return [cell for row in rows if row[: len(keys)] == list(keys) for cell in row[len(keys) :]]


def read(out: Path) -> list[dict[str, str]]:
    with (out / "comparison.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("sigma", "published"),
    [
        ("0.12", [0.59, 0, 0, 0, 0, 0]),
        ("0.25", [0.60, 0.43, 0.27, 0, 0, 0]),
        ("0.50", [0.55, 0.41, 0.32, 0.23, 0.15, 0.09]),
        ("1.00", [0.39, 0.34, 0.28, 0.22, 0.17, 0.14]),
    ],
)
def test_released_logs_give_the_published_certified_accuracies(tmp_path: Path, sigma: str, published: list[float]):
    """Cohen et al. 2019, table of CIFAR-10 by sigma and radius, to its two digits."""
    radii = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5]
    compare([str(LOGS / f"cifar10_resnet110_train{sigma}_certify{sigma}.tsv")], radii, out=str(tmp_path / "out"))
    (row,) = read(tmp_path / "out")
    found = [float(row[f"at {radius:g}"]) for radius in radii]
    assert found == pytest.approx(published, abs=0.005)
    assert row["examples"] == "500"


def test_every_run_and_certifier_gets_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    runs = [run_directory(tmp_path / "a"), run_directory(tmp_path / "b", answers=table((1, 2.0), (1, 0.0)))]
    compare(runs, [0, 1, 3, 4], out=str(tmp_path / "new" / "out"))
    rows = read(tmp_path / "new" / "out")
    assert [(row["run"], row["certifier"]) for row in rows] == [("a", "kl"), ("a", "exact"), ("b", "exact")]
    assert list(rows[0].values())[2:] == ["mean", "1", "4", "0.5", "0.25", "1", "1", "0.5", "0.5", "0.25", "0"]
    assert list(rows[2].values())[2:] == ["mean", "1", "2", "1", "0", "2", "1", "1", "0.5", "0", "0"]
    printed = capsys.readouterr().out
    assert cells_of(printed, "a", "kl") == [
        *["mean", "yes", "4", "50.0%", "25.0%", "1", "1", "50.0%", "50.0%", "25.0%", "0.0%"]
    ]
    assert max(map(len, printed.partition("Fractions")[0].splitlines())) <= 80
    assert "Certified accuracy by l0 radius (flips)" in printed
    assert OTHER_EXAMPLES in printed
    assert "average certified radius is a poor metric" in printed
    markdown = (tmp_path / "new" / "out" / "comparison.md").read_text()
    assert "| a | kl | mean | yes | 4 | 50.0% | 25.0% | 1 | 1 | 50.0% | 50.0% | 25.0% | 0.0% |" in markdown
    assert "average certified radius is a poor metric" in markdown
    assert "(comparison.png)" in markdown
    assert (tmp_path / "new" / "out" / "comparison.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "new" / "out" / "comparison.svg").read_bytes().startswith(b"<?xml")
    latex = (tmp_path / "new" / "out" / "comparison.tex").read_text().splitlines()
    assert (
        "    a & kl & mean & yes & 4 & 50.0\\% & 25.0\\% & 1 & 1 & 50.0\\% & 50.0\\% & 25.0\\% & 0.0\\% \\\\" in latex
    )


def test_wandb_keeps_it_offline_beside_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("WANDB_MODE")
    compare([run_directory(tmp_path / "a")], [1], out=str(tmp_path / "new" / "out"))
    # wandb writes in a process of its own, which a finished run does not wait for.
    wandb.teardown()
    (path,) = (tmp_path / "new" / "out").glob("wandb/offline-run-*/*.wandb")
    assert path.stat().st_size > 0


def test_default_radii_are_round_numbers_within_reach(tmp_path: Path):
    far = table((1, 1437.0), (1, 12.0))
    compare([run_directory(tmp_path / "a", answers=far)], out=str(tmp_path / "out"))
    (row,) = read(tmp_path / "out")
    assert list(row)[9:] == ["at 200", "at 400", "at 600", "at 800", "at 1000", "at 1200", "at 1400"]


def test_median_radii_are_rounded_down(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    log = tmp_path / "log.tsv"
    log.write_text("idx\tlabel\tpredict\tradius\tcorrect\ttime\n0\t3\t3\t0.30099\t1\t1.5\n")
    compare([str(log)], [0.1], out=str(tmp_path / "out"))
    assert " 0.300 " in capsys.readouterr().out
    assert read(tmp_path / "out")[0]["median_radius"] == "0.30099"


def test_settings_that_differ_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    same = {"votes": {"class_path": "Ridge", "init_args": {"lam": None}}, "classes": [1, 7]}
    first = {"model": {"measure": {"q": 0.1, "num_classes": 2}, **same}, "seed": 0, "trainer": {"devices": 2}}
    second = {"model": {"measure": {"q": 0.2, "num_classes": 2}, **same, "extra": "a|b"}, "seed": 0}
    compare(
        [run_directory(tmp_path / "a", first), run_directory(tmp_path / "b", second)], [1], out=str(tmp_path / "out")
    )
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["model.measure.q", "0.1", "0.2"] in printed
    assert ["model.extra", "absent", "a|b"] in printed
    markdown = (tmp_path / "out" / "comparison.md").read_text()
    assert "| setting | a | b |" in markdown
    assert "| model.extra | absent | a\\|b |" in markdown
    for shared in ("num_classes", "lam", "classes", "seed", "devices"):
        assert shared not in markdown


def test_few_settings_are_printed_and_all_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Settings of all runs come first. Paths, hashes and the trainer are not printed."""
    places = {"path": "/data/a.npz", "hash": 64 * "a", "base_ckpt": "runs/x/last.ckpt"}
    others = {"path": "/data/b.npz", "hash": 64 * "b", "base_ckpt": "runs/y/last.ckpt"}
    first = {"only": {f"in_a_{number:02}": number for number in range(20)}, **places, "q": 0.1}
    second = {**others, "q": 0.2, "trainer": {"devices": 2}}
    compare(
        [run_directory(tmp_path / "a", first), run_directory(tmp_path / "b", second)], [1], out=str(tmp_path / "out")
    )
    printed = capsys.readouterr().out.partition("Settings that differ")[2]
    shown = [line.split() for line in printed.splitlines() if re.match(r" \w+(\.\w+)* +\S+ +\S+ *$", line)]
    assert shown[1:] == [
        ["q", "0.1", "0.2"],
        *([f"only.in_a_{number:02}", str(number), "absent"] for number in range(7)),
    ]
    markdown = tmp_path / "out" / "comparison.md"
    flat = " ".join(printed.split())
    assert f"16 more settings differ, paths and hashes included: see {markdown}." in flat.replace("- ", "-")
    written = markdown.read_text()
    for setting in ("q", *places, *(f"only.in_a_{number:02}" for number in range(20))):
        assert f"| {setting} |" in written


@pytest.mark.parametrize("answers", [ANSWERS, Table([row(radius=1.0, sound=False)])], ids=["sound", "not"])
def test_soundness_is_in_the_table(answers: Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    compare([run_directory(tmp_path / "a", answers=answers)], [1], out=str(tmp_path / "out"))
    sound = answers is ANSWERS
    assert {row["sound"] for row in read(tmp_path / "out")} == {"1" if sound else "0"}
    printed = capsys.readouterr().out
    assert cells_of(printed, "a", "exact")[1] == ("yes" if sound else "no")
    assert ("A certificate is sound if" in printed) != sound


def test_attacks_are_neither_sound_nor_not(tmp_path: Path):
    answers = Table([row(radius=1.0, certifier="attack", classifier="attacked mean", sound=False)])
    compare([run_directory(tmp_path / "a", answers=answers)], [1], out=str(tmp_path / "out"))
    assert [row["sound"] for row in read(tmp_path / "out")] == [""]


def test_a_closed_pipe_ends_quietly_with_all_files(tmp_path: Path):
    """As in ``smoothing compare a b | head -1``, where no reader is left when the tables are printed."""
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-m", "smoothing", "compare", run_directory(tmp_path / "a"), "--out", str(tmp_path / "out")],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (tmp_path / "out/report.html").stat().st_size > 0


def test_equal_settings_are_not_mentioned(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    compare([run_directory(tmp_path / "a"), run_directory(tmp_path / "b")], [1], out=str(tmp_path / "out"))
    assert "Settings" not in capsys.readouterr().out
    assert "Settings" not in (tmp_path / "out" / "comparison.md").read_text()


def test_runs_of_one_name_are_told_apart_by_their_paths(tmp_path: Path):
    runs = [run_directory(tmp_path / "monday" / "run"), run_directory(tmp_path / "tuesday" / "run")]
    compare(runs, [1], out=str(tmp_path / "out"))
    assert [row["run"] for row in read(tmp_path / "out")] == [run for run in runs for _ in range(2)]


def test_a_log_beside_a_run_whose_radii_are_strict(tmp_path: Path):
    ours = run_directory(tmp_path / "ours", answers=table((1, 0.7), (1, 0.5)), distance=L2)
    compare([ours, str(LOGS / "cifar10_resnet110_train0.25_certify0.25.tsv")], [0.5], out=str(tmp_path / "out"))
    assert [row["at 0.5"] for row in read(tmp_path / "out")] == ["0.5", "0.428"]


def test_the_envelope_is_the_best_run_at_every_radius(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Cohen et al. 2019 mark the best of each column."""
    logs = [str(LOGS / f"cifar10_resnet110_train{sigma}_certify{sigma}.tsv") for sigma in ("0.25", "0.50", "1.00")]
    compare(logs, [0.25, 0.5, 0.75, 1, 1.25, 1.5], envelope=True, out=str(tmp_path / "out"))
    best = read(tmp_path / "out")[-1]
    assert list(best.values())[:9] == ["upper envelope", "", "", "", "500", "", "", "", ""]
    found = [float(value) for value in list(best.values())[9:]]
    assert found == pytest.approx([0.60, 0.43, 0.32, 0.23, 0.17, 0.14], abs=0.005)
    assert cells_of(capsys.readouterr().out, "upper", "envelope", "-")[:7] == ["-", "-", "500", "-", "-", "-", "-"]
    assert "No single classifier reaches it" in (tmp_path / "out" / "comparison.md").read_text()
    assert "upper envelope" in (tmp_path / "out" / "comparison.tex").read_text()


@pytest.mark.parametrize("known", ["examples", "data"])
def test_equal_indices_of_other_parts_are_other_examples(
    tmp_path: Path, known: str, capsys: pytest.CaptureFixture[str]
):
    """Indices restart in ``test[0:100]`` and ``test[100:200]``."""
    first, other, same = (
        run_directory(tmp_path / name, **{known: part}) for name, part in (("a", "0"), ("b", "100"), ("c", "0"))
    )
    with pytest.raises(
        ValueError, match=r"envelope: the requested examples .* differ or are unknown; must be the same"
    ):
        compare([first, other], [1], envelope=True, out=str(tmp_path / "out"))
    assert not list(tmp_path.glob("out*"))
    compare([first, other], [1], out=str(tmp_path / "out"))
    assert OTHER_EXAMPLES in capsys.readouterr().out
    compare([first, same], [1], envelope=True, out=str(tmp_path / "out"))
    assert OTHER_EXAMPLES not in capsys.readouterr().out


def test_equal_indices_with_other_labels_are_other_examples(tmp_path: Path):
    logs = [tmp_path / "a.tsv", tmp_path / "b.tsv"]
    for label, log in enumerate(logs):
        log.write_text(f"idx\tlabel\tpredict\tradius\tcorrect\ttime\n0\t{label}\t{label}\t0.3\t1\t1\n")
    with pytest.raises(
        ValueError, match=r"envelope: the requested examples .* differ or are unknown; must be the same"
    ):
        compare(list(map(str, logs)), [0.1], envelope=True, out=str(tmp_path / "out"))


def test_examples_that_are_not_known_are_not_known_to_be_the_same(tmp_path: Path):
    (tmp_path / "paper.csv").write_text(PUBLISHED)
    papers = {name: load_curve(tmp_path / "paper.csv", FLIPS) for name in ("one", "other")}
    with pytest.raises(
        ValueError, match=r"envelope: the requested examples .* differ or are unknown; must be the same"
    ):
        comparison(papers, [1], envelope=True)


def test_average_radii_are_rounded_to_the_nearest_and_medians_down(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    log = tmp_path / "log.tsv"
    log.write_text("idx\tlabel\tpredict\tradius\tcorrect\ttime\n0\t3\t3\t0.84370\t1\t1.5\n")
    compare([str(log)], [0.1], out=str(tmp_path / "out"))
    assert "| 0.843 | 0.844 |" in (tmp_path / "out" / "comparison.md").read_text()
    assert read(tmp_path / "out")[0]["average_certified_radius"] == "0.8437"
    row = comparison({"a": Run(table((1, 2.0), (1, 3.0), (1, 3.0)), FLIPS)}, [1]).text().rows[0]
    assert row[7:9] == ["3", "3"]


def test_curves_of_near_and_far_runs_keep_their_shape():
    runs = {"near": Run(table((1, 0.01), (1, 0.02)), L2), "far": Run(table((1, 50.0)), L2)}
    radii = common_radii(runs)
    assert len(radii) == MAX_RADII
    assert radii[0] == 0
    assert runs["far"].curve(radii).accuracy["exact"][-1] == 0
    assert sum(r < 0.02 for r in radii) > 50
    flips = {"near": Run(table((1, 3.0)), FLIPS), "far": Run(table((1, 5.0)), FLIPS)}
    assert common_radii(flips) == [0, 1, 2, 3, 4, 5, 6]


def refusal(tmp_path: Path, runs: list[str], radii: list[float] | None = None, **options: Any) -> str:
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match=r".") as refused:
        compare(runs, radii, out=str(tmp_path / "new" / "out"), **options)
    assert sorted(tmp_path.rglob("*")) == before, "something was written"
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_missing_run_is_named(tmp_path: Path):
    found = refusal(tmp_path, [run_directory(tmp_path / "a"), str(tmp_path / "b")])
    assert found == f"runs: {tmp_path / 'b'} does not exist; must be a run directory or a TSV log"
    assert refusal(tmp_path, []) == "runs: none given; must be at least one run directory or TSV log"


@pytest.mark.parametrize("missing", ["certificates.csv", "config.yaml", "provenance.json"])
def test_an_unfinished_run_is_named(tmp_path: Path, missing: str):
    (Path(run_directory(tmp_path / "a")) / missing).unlink()
    assert refusal(tmp_path, [str(tmp_path / "a")]).startswith(f"runs: {tmp_path / 'a'} has no {missing}; must be")


def test_a_run_given_twice_is_refused(tmp_path: Path):
    run = run_directory(tmp_path / "a")
    assert refusal(tmp_path, [run, run]) == f"runs: {run} is given 2 times; must be given once"


def test_a_run_given_under_two_paths_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run = run_directory(tmp_path / "a")
    monkeypatch.chdir(tmp_path)
    assert refusal(tmp_path, ["./a", run]) == "runs: ./a is given 2 times; must be given once"


@pytest.mark.parametrize("runs", ["a", [""], [1]])
def test_runs_are_a_list_of_paths(tmp_path: Path, runs: Any):
    assert refusal(tmp_path, runs) == f"runs: {runs!r}; must be a list of paths"


def test_everything_is_written_to_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run = run_directory(tmp_path / "a")
    monkeypatch.chdir(tmp_path)
    compare([run], [1])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "comparison"]
    endings = ("csv", "md", "png", "svg", "tex")
    written = sorted(path.name for path in (tmp_path / "comparison").iterdir())
    assert written == [*(f"comparison.{ending}" for ending in endings), "report.html"]


def test_the_last_lines_say_where_the_files_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    compare([run_directory(tmp_path / "a")], [1], out=str(tmp_path / "out"))
    assert capsys.readouterr().out.splitlines()[-3:] == [
        f"table:  {tmp_path / 'out' / 'comparison.csv'}",
        f"figure: {tmp_path / 'out' / 'comparison.png'}",
        f"report: {tmp_path / 'out' / 'report.html'}",
    ]


def test_the_folder_must_have_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run = run_directory(tmp_path / "a")
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match=r"^out: ' '; must be the path of a folder$"):
        compare([run], [1], out=" ")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("content", ["[]", "{", '{"distance": {}}'])
def test_a_provenance_that_is_none_is_named(tmp_path: Path, content: str):
    (Path(run_directory(tmp_path / "a")) / "provenance.json").write_text(content)
    found = refusal(tmp_path, [str(tmp_path / "a")])
    assert re.search(r"provenance\.json: has no (distance|data); must be", found)


@pytest.mark.parametrize("runs", [{}, {" ": Run(ANSWERS, FLIPS)}])
def test_runs_to_compare_have_names(runs: dict[str, Run]):
    with pytest.raises(ValueError, match=r"comparison: runs.*must (be|have) at least one"):
        comparison(runs)


@pytest.mark.parametrize("content", [b"hello\n", b"\x89PNG\r\n\xff", b""])
def test_a_wrong_file_is_named(tmp_path: Path, content: bytes):
    (tmp_path / "wrong").write_bytes(content)
    assert refusal(tmp_path, [str(tmp_path / "wrong")]).startswith(str(tmp_path / "wrong"))


@pytest.mark.parametrize("content", ["- 1\n", "a: [", "\0"])
def test_a_config_that_is_none_is_named(tmp_path: Path, content: str):
    (Path(run_directory(tmp_path / "a")) / "config.yaml").write_text(content)
    assert refusal(tmp_path, [str(tmp_path / "a")]).endswith(
        "config.yaml: has no settings; must be the config of a finished run"
    )


def test_mixed_distances_are_refused(tmp_path: Path):
    log = str(LOGS / "cifar10_resnet110_train0.25_certify0.25.tsv")
    found = refusal(tmp_path, [run_directory(tmp_path / "a"), log])
    name = Path(log).name
    assert found == f"{name}: l2 radii (input units); must be l0 radii (flips), as in a"


def test_radii_that_are_not_allowed(tmp_path: Path):
    run = run_directory(tmp_path / "a")
    assert refusal(tmp_path, [run], [1.5]) == "radii: 1.5; must be a whole number of flips"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_that_cannot_be_written_to(tmp_path: Path):
    run = run_directory(tmp_path / "a")
    tmp_path.chmod(0o500)
    with pytest.raises(ValueError, match=r"out: .*: Permission denied; must be writable"):
        compare([run], None, out=str(tmp_path / "out"))


def test_a_place_below_a_file_is_refused(tmp_path: Path):
    run = run_directory(tmp_path / "a")
    with pytest.raises(ValueError, match=r"out: .*/config.yaml/out: .*; must be writable"):
        compare([run], None, out=str(tmp_path / "a" / "config.yaml" / "out"))


PUBLISHED = "radius,q = 0.1,q = 0.2\n1,0.9,0.8\n3,0.7,0.75\n"


def test_published_curves_stand_beside_runs(tmp_path: Path) -> None:
    (tmp_path / "paper.csv").write_text(PUBLISHED)
    compare([str(tmp_path / "paper.csv"), run_directory(tmp_path / "run")], [1, 2, 3, 4], out=str(tmp_path / "out"))
    first, second, *ours = read(tmp_path / "out")
    assert (first["run"], first["certifier"], second["certifier"]) == ("paper.csv", "q = 0.1", "q = 0.2")
    # Between two radii what is printed for the farther one, beyond the last nothing.
    assert [first[f"at {radius}"] for radius in range(1, 5)] == ["0.9", "0.7", "0.7", ""]
    assert first["examples"] == first["accuracy"] == ""
    assert [row["certifier"] for row in ours] == ["kl", "exact"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("flips,a\n1,0.9\n", "found the columns flips a; must be radius a"),
        ("radius,a\n1,90\n", "must have fractions within [0, 1]"),
        ("radius,a\n2,0.9\n1,0.95\n", "must have at least one line, with ascending radii"),
        ("radius,a\n", "must have at least one line, with ascending radii"),
        ("radius\n1\n", "must have at least one line, with ascending radii"),
        ("radius,a\n1,x\n", "line 2, column a: 'x'; must be a number"),
        ("radius,a\n1,nan\n", "must have fractions within [0, 1]"),
        ("radius,a\n-1,0.9\n1,0.8\n", "must have at least one line, with ascending radii"),
        ("radius,a\nnan,0.9\n", "must have at least one line, with ascending radii"),
        ("radius,a\n1,0.9\ninf,0.8\n", "must have at least one line, with ascending radii"),
        ("radius,a\n1,0.8\n2,0.9\n", "a: increases with the radius; must not increase"),
        ("radius,\n1,0.9\n", "a column has no name; must have a name"),
        ("radius,a,a\n1,0.9,0.9\n", "line 1: 2 columns have the name 'a'; must be one"),
        ('radius,a,"a, upper bound"\n1,0.9,0.9\n', "line 1: 2 columns have the name 'a'; must be one"),
    ],
)
def test_a_published_curve_that_is_none_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "paper.csv").write_text(text)
    with pytest.raises(ValueError, match=re.escape(message)):
        compare([str(tmp_path / "paper.csv"), run_directory(tmp_path / "run")], out=str(tmp_path / "out"))
    assert not list(tmp_path.glob("out*"))


def test_published_curves_alone_have_no_distance(tmp_path: Path) -> None:
    (tmp_path / "paper.csv").write_text(PUBLISHED)
    with pytest.raises(ValueError, match="only published curves; must include a finished run"):
        compare([str(tmp_path / "paper.csv")], out=str(tmp_path / "out"))


def test_published_curves_have_no_envelope(tmp_path: Path) -> None:
    (tmp_path / "paper.csv").write_text(PUBLISHED)
    runs = [str(tmp_path / "paper.csv"), run_directory(tmp_path / "run")]
    with pytest.raises(ValueError, match="envelope"):
        compare(runs, envelope=True, out=str(tmp_path / "out"))


def test_a_published_attack_is_an_upper_bound(tmp_path: Path) -> None:
    """In print at 1 and 10 flips: at 5 no more is known than at 1, and what is left at 10 bounds all beyond."""
    (tmp_path / "paper.csv").write_text('radius,"best attack, upper bound"\n1,0.9\n10,0.5\n')
    published = load_curve(tmp_path / "paper.csv", FLIPS)
    found = published.curve([0, 1, 5, 10, 20])
    assert found.attacks == {"best attack"}
    np.testing.assert_array_equal(found.accuracy["best attack"], [np.nan, 0.9, 0.9, 0.5, 0.5])
    made = comparison({"paper": published}, [1, 5])
    assert made.rows[0][:2] == ["paper", "best attack, upper bound"]
    assert ATTACKS in made.notes


def test_the_attacks_of_the_paper_are_no_certificates() -> None:
    for path in sorted((Path(__file__).parents[2] / "results/label_flip/published").glob("*.csv")):
        curve = load_curve(path, FLIPS).printed
        assert all((name in curve.attacks) == ("attack" in name) for name in curve.accuracy)


def frontier(*budgets: int) -> Table:
    """The rows of one certifier for each number of flips."""
    return Table(
        [
            row(index, radius=2.0 - budget, certifier=f"joint-{budget}_flips", assumptions=f"{BESIDES}{budget} flips")
            for index in range(4)
            for budget in budgets
        ]
    )


def test_a_frontier_has_one_row_for_each_budget(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_directory(tmp_path / "run", answers=frontier(0, 1), distance=L2)
    compare([run], [0.5, 1.5], out=str(tmp_path / "out"))
    rows = read(tmp_path / "out")
    assert [one["certifier"] for one in rows] == ["joint-0_flips", "joint-1_flips"]
    assert [float(one["median_radius"]) for one in rows] == [2, 1]
    assert [float(one["at 1.5"]) for one in rows] == [1, 0]
    assert BUDGETS in capsys.readouterr().out
    with pytest.raises(ValueError, match="envelope: certificates with 2 different budgets; must have the same"):
        compare([run], [0.5], envelope=True, out=str(tmp_path / "more"))
    other = run_directory(tmp_path / "other", answers=frontier(1), distance=L2)
    again = run_directory(tmp_path / "again", answers=frontier(1), distance=L2)
    compare([other, again], [0.5], envelope=True, out=str(tmp_path / "one"))
    assert len(read(tmp_path / "one")) == 3


def test_radii_of_different_objects_are_not_compared(tmp_path: Path) -> None:
    """A norm of one input and a norm of all training inputs together have one name and one unit."""
    paths = []
    for name, randomised in (("inputs", "test input"), ("training", "training inputs"), ("older", None)):
        paths.append(run_directory(tmp_path / name, distance=L2))
        file = tmp_path / name / "provenance.json"
        record = json.loads(file.read_text())
        file.write_text(json.dumps(record | ({"object": randomised} if randomised else {})))
    reason = "training: radii of the training inputs; must be radii of the test input, as in inputs"
    for runs in (paths[:2], [paths[2], *paths[:2]]):
        with pytest.raises(ValueError, match=reason):
            compare(runs, out=str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    compare([paths[0], paths[2]], out=str(tmp_path / "out"))
