"""Finished parts survive any interruption, and a resumed run equals an uninterrupted one, on one rank or two."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from smoothing.certificates import Table
from tests.cli.test_bad_input import assert_refused
from tests.cli.test_retrained import CERTIFY, EXAMPLES, RUN, assert_continued, draws, on_two_ranks, shards
from tests.front_door import POISONED, kill_after, launch

PARTS = 12
RETRAINED: dict[str, Any] = {
    **POISONED,
    "model": {
        "class_path": "Certification",
        "init_args": {
            "measure": {"class_path": "UnchangedExamples"},
            "votes": {
                "class_path": "TrainedPartitions",
                "init_args": {
                    "parts": PARTS,
                    "partition": {"class_path": "ByHash"},
                    "learner": {
                        "class_path": "Perceptrons",
                        "init_args": {"hidden": [8], "epochs": 5, "batch_size": 5, "group": 3},
                    },
                },
            },
            "certifiers": {"dpa": {"class_path": "Plurality"}, "run_off": {"class_path": "RunOff"}},
        },
    },
    "data": {"class_path": "Digits", "init_args": {"training": "train[0:300]", "every": 20, "batch_size": 16}},
}


def test_every_part_is_trained_once(uninterrupted: Path) -> None:
    made = draws(uninterrupted)
    assert sorted(made) == [(0, number) for number in range(PARTS)]
    assert all(len(predictions) == EXAMPLES for predictions in made.values())
    table = Table.read_csv(uninterrupted / "certificates.csv")
    assert table.certifiers == ("dpa", "run_off")
    assert (table["n"] == PARTS).all()
    assert 1 <= table.of("dpa")["radius"].max() <= PARTS // 2


@pytest.mark.parametrize("lines", [2, 7, PARTS + 5])
def test_a_killed_run_resumes(workplace: Path, lines: int, uninterrupted: Path) -> None:
    assert launch(CERTIFY, workplace, partial(kill_after, lines)).status == -9
    begun = shards(workplace / RUN, "draws")
    assert begun["rank-0.jsonl"].count(b"\n") == min(lines, PARTS)
    assert launch(CERTIFY, workplace).status == 0
    assert_continued(workplace / RUN, begun, uninterrupted)


@pytest.mark.slow
@pytest.mark.ddp
def test_two_ranks_give_the_rows_of_one(workplace: Path, uninterrupted: Path) -> None:
    ended = on_two_ranks(workplace)
    assert ended.returncode == 0, ended.stderr
    counts = {name: content.count(b"\n") for name, content in shards(workplace / RUN, "draws").items()}
    assert counts == {"rank-0.jsonl": PARTS // 2, "rank-1.jsonl": PARTS // 2}
    assert_continued(workplace / RUN, {}, uninterrupted)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--model.votes.partition=ByContent", ["dpa", "ByContent", "all inputs", "must be ByHash"]),
        ("--model.votes.parts=290", ["TrainedPartitions", "parts = 290", "must be fewer", "no example"]),
        ("--model.votes.parts=301", ["TrainedPartitions", "parts = 301", "at most 300"]),
    ],
)
def test_bad_input_is_refused_in_one_line(workplace: Path, option: str, said: list[str]) -> None:
    assert_refused(launch([*CERTIFY, option], workplace), *said)
    assert not (workplace / RUN).exists()
