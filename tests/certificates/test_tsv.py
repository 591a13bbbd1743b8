from pathlib import Path

import pytest

from smoothing.certificates import read_tsv, write_tsv
from tests.samples import table

LOGS = sorted((Path(__file__).parents[1] / "data" / "cohen_certify").glob("*.tsv"))
HEADER = "idx\tlabel\tpredict\tradius\tcorrect\ttime\n"


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_released_logs(log: Path):
    answers, seconds = read_tsv(log)
    assert answers["index"].tolist() == list(range(0, 10_000, 20))
    assert sorted(seconds) == answers["index"].tolist()
    assert all(13 < spent < 18 for spent in seconds.values())
    assert set(answers["classifier"]) == {"majority"}
    assert not answers["sound"].any()
    assert not answers["deterministic"].any()


@pytest.mark.parametrize(
    ("text", "spent"),
    [("12.3", 12.3), ("7", 7.0), ("0:00:12.3", 12.3), ("1:02:03", 3723.0), ("2 days, 0:00:01.5", 172801.5)],
)
def test_both_spellings_of_time(tmp_path: Path, text: str, spent: float):
    (tmp_path / "log.tsv").write_text(f"{HEADER}20\t7\t7\t0.341\t1\t{text}\n")
    assert read_tsv(tmp_path / "log.tsv")[1] == {20: pytest.approx(spent)}


def test_what_is_written_is_read_back_to_the_bit(tmp_path: Path):
    answers = table((1, 1 / 3), (-1, 0.0), (0, 2.0), certifiers=("kl", "exact"))
    write_tsv(tmp_path / "log.tsv", answers.of("kl"), {0: 0.1 + 0.2, 2: 3.0})
    again, seconds = read_tsv(tmp_path / "log.tsv", certifier="kl")
    for column in ("index", "certifier", "label", "prediction", "radius", "correct"):
        assert again[column].tolist() == answers.of("kl")[column].tolist()
    assert seconds == {0: 0.1 + 0.2, 2: 3.0}
    assert (tmp_path / "log.tsv").read_text().splitlines()[2] == "1\t1\t-1\t0\t0\t"


def test_a_log_holds_one_certifier(tmp_path: Path):
    with pytest.raises(ValueError, match="table with the certifiers kl, exact; must have exactly one"):
        write_tsv(tmp_path / "log.tsv", table((1, 1.0), certifiers=("kl", "exact")))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("spent", [-1.0, float("nan"), float("inf")])
def test_what_is_no_time_is_refused(tmp_path: Path, spent: float):
    with pytest.raises(ValueError, match=f"TSV log: seconds of example 0 = {spent}; must be finite and at least 0"):
        write_tsv(tmp_path / "log.tsv", table((1, 1.0)), {0: spent})
    assert not list(tmp_path.iterdir())


def test_a_log_holds_no_infinite_radius(tmp_path: Path):
    with pytest.raises(ValueError, match="TSV log: example 1 has an infinite radius; must be finite"):
        write_tsv(tmp_path / "log.tsv", table((1, 1.0), (1, float("inf"))))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"{HEADER}0\t3\t3\t0.5\t0\t1\n",
            r"line 2: example 0, .*: correct = False; must be whether prediction equals label",
        ),
        (f"{HEADER}0\t3\t3\t0.5\t1\tsoon\n", r"line 2, column time: 'soon'; must be seconds \(12.3\) or a clock time"),
        (f"{HEADER}0\t3\t3\tinf\t1\t1\n", r"line 2, column radius: 'inf'; must be a finite number, at least 0"),
        (f"{HEADER}0\t3\t3\tnan\t1\t1\n", r"line 2, column radius: 'nan'; must be a finite number, at least 0"),
        (f"{HEADER}0\t3\t3\t-.5\t1\t1\n", r"line 2, column radius: '-.5'; must be a finite number, at least 0"),
        (f"{HEADER}0\t3\t3\t0.5\t1\tnan\n", r"line 2, column time: 'nan'; must be seconds"),
        (f"{HEADER}0\t3\t3\t0.5\t1\t-1\n", r"line 2, column time: '-1'; must be seconds"),
        (f"{HEADER}0\t3\t3\t0.5\t1\t0:61:00\n", r"line 2, column time: '0:61:00'; must be"),
        (f"{HEADER}0\t3\t-1\t0.5\t0\t1\n", r"radius = 0.5; must be 0 where the certifier abstains"),
        (f"{HEADER}0\t3\t3\t0.5\t1\n", r"line 2: found 5 cells; must be 6"),
        (HEADER, r"log.tsv: .*no rows"),
        ("", r"line 1: found the columns nothing; must be idx label predict radius correct time"),
        ("idx,label\n", r"line 1: found the columns idx,label; must be idx label predict"),
    ],
)
def test_damage_is_named(tmp_path: Path, text: str, message: str):
    (tmp_path / "log.tsv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_tsv(tmp_path / "log.tsv")
