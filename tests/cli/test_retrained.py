"""Finished draws survive any interruption, and a resumed run equals an uninterrupted one."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from smoothing.certificates import Table
from tests.cli.test_bad_input import assert_refused
from tests.front_door import Outcome, kill_after, launch

N0, N, EXAMPLES = 7, 20, 30
RETRAINED: dict[str, Any] = {
    "model": {
        "class_path": "Certification",
        "init_args": {
            "measure": {"class_path": "Gaussian", "init_args": {"sigma": 0.3}},
            "votes": {
                "class_path": "RetrainedVotes",
                "init_args": {"learner": {"class_path": "RidgeHead", "init_args": {"group": 3}}},
            },
            "certifiers": {"sampled": {"class_path": "ClopperPearson", "init_args": {"n0": N0, "n": N, "alpha": 0.05}}},
        },
    },
    "data": {
        "class_path": "Digits",
        "init_args": {"training": "train[0:150]", "every": 20, "batch_size": 16},
    },
    "trainer": {"logger": False, "enable_progress_bar": False, "accelerator": "cpu", "devices": 1},
}
CERTIFY = ["certify", "--config", "retrained.yaml"]
RUN = "runs/retrained"
CERTIFIER = "--model.certifiers.sampled"
FLIPS = "{measure: {class_path: LabelFlip, init_args: {q: 0.6, num_classes: 10}}, object: training labels}"
IMAGES = "{measure: {class_path: Gaussian, init_args: {sigma: 0.3}}, object: training inputs}"
TESTS = "{measure: {class_path: Gaussian, init_args: {sigma: 0.1}}}"


def product(*parts: str) -> str:
    return f"--model.measure={{class_path: Product, init_args: {{parts: [{', '.join(parts)}]}}}}"


def budgets(*points: object) -> str:
    inner = f"{{budgets: [{', '.join(map(str, points))}]}}"
    return f"{CERTIFIER}.guarantee={{class_path: JointNeymanPearson, init_args: {inner}}}"


JOINT = [product(FLIPS, IMAGES), budgets(0, 1), f"{CERTIFIER}.n=60", "--data.training=train[0:1100]"]
"""Noise on labels and images, and two points of the frontier."""


def shards(run: Path, kind: str) -> dict[str, bytes]:
    return {shard.name: shard.read_bytes() for shard in run.glob(f"{kind}/*.jsonl")}


def draws(run: Path) -> dict[tuple[int, int], list[int]]:
    """Predictions of each draw, by stream and number."""
    lines = [json.loads(line)["draw"] for shard in shards(run, "draws").values() for line in shard.splitlines()]
    assert len({(line["stream"], line["number"]) for line in lines}) == len(lines), "a draw was done twice"
    return {(line["stream"], line["number"]): line["predictions"] for line in lines}


def test_selection_and_estimation_use_separate_draws(uninterrupted: Path) -> None:
    made = draws(uninterrupted)
    assert sorted(made) == [(0, i) for i in range(N0)] + [(1, i) for i in range(N)]
    assert all(len(predictions) == EXAMPLES for predictions in made.values())
    table = Table.read_csv(uninterrupted / "certificates.csv")
    votes = np.array([made[1, i] for i in range(N)])
    chosen = np.array([made[0, i] for i in range(N0)])
    for place, (winner, n_a) in enumerate(zip(table["prediction"], table["n_a"], strict=True)):
        selected = np.bincount(chosen[:, place], minlength=10).argmax()
        assert n_a == (votes[:, place] == selected).sum()
        assert winner in (selected, -1)
    assert (table["n"] == N).all()
    assert table["radius"].max() > 0.2
    assert table["index"].tolist() == list(range(0, 599, 20))


def assert_continued(run: Path, begun: dict[str, bytes], uninterrupted: Path) -> None:
    """Check that finished draws are unchanged, only missing ones are added, and all votes equal those uninterrupted."""
    now = shards(run, "draws")
    assert all(now[name].startswith(content) for name, content in begun.items())
    assert draws(run) == draws(uninterrupted)
    assert (run / "certificates.csv").read_bytes() == (uninterrupted / "certificates.csv").read_bytes()


@pytest.mark.parametrize("lines", [2, N0 + 4, N0 + N + 5])
def test_a_killed_run_resumes(workplace: Path, lines: int, uninterrupted: Path) -> None:
    assert launch(CERTIFY, workplace, partial(kill_after, lines)).status == -9
    begun = shards(workplace / RUN, "draws")
    assert begun["rank-0.jsonl"].count(b"\n") == min(lines, N0 + N)
    assert launch(CERTIFY, workplace).status == 0
    assert_continued(workplace / RUN, begun, uninterrupted)


def test_a_truncated_draw_is_repeated(workplace: Path, uninterrupted: Path) -> None:
    assert launch(CERTIFY, workplace, partial(kill_after, 9)).status == -9
    begun = shards(workplace / RUN, "draws")
    with (workplace / RUN / "draws/rank-0.jsonl").open("ab") as file:
        file.write(begun["rank-0.jsonl"].splitlines()[-1][:-30])
    assert launch(CERTIFY, workplace).status == 0
    assert_continued(workplace / RUN, begun, uninterrupted)


def on_two_ranks(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run in a new process, since Lightning starts the second rank by the command line of the first."""
    ranks = ["--trainer.devices=2", "--trainer.strategy=ddp"]
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "smoothing", *CERTIFY, *ranks, *options]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=600, check=False)


@pytest.mark.slow
@pytest.mark.ddp
def test_two_ranks_give_the_rows_of_one(workplace: Path, uninterrupted: Path) -> None:
    ended = on_two_ranks(workplace)
    assert ended.returncode == 0, ended.stderr
    assert {name: content.count(b"\n") for name, content in shards(workplace / RUN, "draws").items()} == {
        "rank-0.jsonl": 4 + 10,
        "rank-1.jsonl": 3 + 10,
    }
    assert_continued(workplace / RUN, {}, uninterrupted)


@pytest.mark.slow
@pytest.mark.ddp
def test_a_lost_rank_loses_only_its_current_draws(workplace: Path, uninterrupted: Path) -> None:
    learner = ["--model.votes.learner=perishable.Perishable", "--model.votes.learner.group=3"]
    (workplace / "kill rank 1").touch()
    assert on_two_ranks(workplace, *learner).returncode != 0
    begun = shards(workplace / RUN, "draws")
    assert begun["rank-1.jsonl"].count(b"\n") == 3
    assert not (workplace / RUN / "certificates.csv").exists()
    (workplace / "kill rank 1").unlink()
    assert launch([*CERTIFY, *learner], workplace).status == 0
    assert_continued(workplace / RUN, begun, uninterrupted)


@pytest.fixture(scope="module")
def joint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of an uninterrupted run with noise on labels and images."""
    folder = tmp_path_factory.mktemp("joint")
    (folder / "retrained.yaml").write_text(yaml.safe_dump(RETRAINED), encoding="utf-8")
    outcome = launch([*CERTIFY, *JOINT], folder)
    assert outcome.status == 0, outcome.err
    return folder / RUN


def test_a_run_has_one_certifier_for_each_budget(joint: Path, uninterrupted: Path) -> None:
    table = Table.read_csv(joint / "certificates.csv")
    assert table.certifiers == ("sampled-0_flips", "sampled-1_flips")
    none, one = (table.of(name) for name in table.certifiers)
    assert (none["n_a"] == one["n_a"]).all()
    assert (none["radius"] >= one["radius"]).all()
    assert none["radius"].max() > one["radius"].max() > 0
    assert ((one["prediction"] == -1) & (none["prediction"] >= 0)).any()
    assert (joint / "curve.csv").read_text().splitlines()[0] == "radius,sampled-0_flips,sampled-1_flips"
    assert draws(joint) != draws(uninterrupted)


@pytest.mark.slow
def test_draws_with_noise_on_labels_resume(workplace: Path, joint: Path) -> None:
    assert launch([*CERTIFY, *JOINT], workplace, partial(kill_after, N0 + 4)).status == -9
    begun = shards(workplace / RUN, "draws")
    assert launch([*CERTIFY, *JOINT], workplace).status == 0
    assert_continued(workplace / RUN, begun, joint)


@pytest.mark.slow
@pytest.mark.ddp
def test_two_ranks_draw_the_noise_on_labels_of_one(workplace: Path, joint: Path) -> None:
    ended = on_two_ranks(workplace, *JOINT)
    assert ended.returncode == 0, ended.stderr
    assert len(shards(workplace / RUN, "draws")) == 2
    assert_continued(workplace / RUN, {}, joint)


def begun(workplace: Path) -> Path:
    assert launch(CERTIFY, workplace, partial(kill_after, 9)).status == -9
    return workplace / RUN


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (f"{CERTIFIER}.n=40", "certifiers.sampled.init_args.n is 20 there and 40 here"),
        ("--model.measure.sigma=.4", "sigma is 0.3 there and 0.4 here"),
    ],
)
def test_draws_are_not_added_to_those_of_another_config(workplace: Path, option: str, said: str) -> None:
    run = begun(workplace)
    before = shards(run, "draws")
    assert_refused(launch([*CERTIFY, option], workplace), "run_dir", "another config", said)
    assert shards(run, "draws") == before


def test_draws_of_two_configs_in_one_directory_are_refused(workplace: Path) -> None:
    run = begun(workplace)
    other = [*CERTIFY, "--model.measure.sigma=.4", "--run_dir=other"]
    assert launch(other, workplace, partial(kill_after, 3)).status == -9
    (run / "draws/rank-7.jsonl").write_bytes((workplace / "other/draws/rank-0.jsonl").read_bytes())
    before = shards(run, "draws")
    assert_refused(launch(CERTIFY, workplace), "rank-7.jsonl, line 1", "a draw of another run")
    assert shards(run, "draws") == before


def test_draws_without_a_config_are_refused(workplace: Path) -> None:
    run = begun(workplace)
    (run / "provenance.json").unlink()
    assert_refused(launch(CERTIFY, workplace), "run_dir", "certificates without provenance.json")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([f"{CERTIFIER}.n=0"], ["ClopperPearson", "n = 0", "at least 1"]),
        ([f"{CERTIFIER}.n0=0"], ["ClopperPearson", "n0 = 0", "at least 1"]),
        (["--model.votes.learner.penalty=0"], ["RidgeHead", "penalty = 0", "above 0"]),
        (["--model.votes.learner.group=0"], ["RidgeHead", "group = 0", "at least 1"]),
        (["--model.votes.learner=perishable.Warm"], ["certifiers.sampled", "warm_start of Warm", "Empirical"]),
        (["--data.training=train[0:5]"], ["class", "training example"]),
        ([product(FLIPS, FLIPS)], ["Product", "parts = two measures on the training labels", "different objects"]),
        ([product(FLIPS, IMAGES, IMAGES)], ["Product", "parts = two measures on the training inputs"]),
        ([product()], ["Product", "parts = []", "at least one part"]),
        ([product(FLIPS.replace("training labels", "labels"))], ["Part", "object = 'labels'", "one of test input"]),
        ([product(FLIPS.replace("LabelFlip", "Laplace"))], ["q", "option"]),
        ([product(FLIPS.replace(": 10", ": 3"))], ["certifiers.sampled", "LabelFlip has 3 classes, the data has 10"]),
        ([product(FLIPS, IMAGES)], ["certifiers.sampled", "several objects", "JointNeymanPearson"]),
        ([product(TESTS)], ["certifiers.sampled", "the test input alone", "must have a part on the training set"]),
        ([product(FLIPS, IMAGES), budgets(0, -1)], ["JointNeymanPearson", "budgets = [0.0, -1.0]", "at least 0"]),
        ([product(FLIPS, IMAGES), budgets(1, 1)], ["JointNeymanPearson", "budgets = [1.0, 1.0]", "all different"]),
        ([product(FLIPS, IMAGES), budgets(0.5)], ["certifiers.sampled", "budgets = [0.5]", "whole numbers of flips"]),
        ([product(FLIPS, IMAGES), budgets("[1, 2]")], ["certifiers.sampled", "must have 1 numbers each"]),
        ([budgets(0, 1)], ["certifiers.sampled", "budgets = [0.0, 1.0] with Gaussian", "must be a Product"]),
        (["--data.training=test[0:100]"], ["tests = test", "must share no example"]),
        (["--data.training=train[1000:1300]"], ["Digits train[1000:1300]", "within the 1198 examples"]),
    ],
)
def test_bad_input_is_refused_in_one_line(workplace: Path, options: list[str], said: list[str]) -> None:
    assert_refused(launch([*CERTIFY, *options], workplace), *said)
    assert not (workplace / "runs").exists()


def test_a_warm_start_is_reported_as_empirical(workplace: Path) -> None:
    certifiers = {"empirical": {"class_path": "Empirical", "init_args": {"n": 5}}}
    config = json.loads(json.dumps(RETRAINED))
    config["model"]["init_args"] |= {"certifiers": certifiers}
    (workplace / "retrained.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    outcome: Outcome = launch([*CERTIFY, "--model.votes.learner=perishable.Warm"], workplace)
    assert outcome.status == 0, outcome.err
    table = Table.read_csv(workplace / RUN / "certificates.csv")
    assert (table["radius"] == 0).all()
    assert table["assumptions"][0].startswith("empirical: nothing is certified, since warm_start of Warm")


def test_a_confidence_sequence_stops_drawing_early(workplace: Path) -> None:
    certifier = [f"{CERTIFIER}=Sequential", f"{CERTIFIER}.radii=[0.02]", f"{CERTIFIER}.n0={N0}"]
    outcome = launch([*CERTIFY, *certifier, f"{CERTIFIER}.max_draws=600", f"{CERTIFIER}.alpha=.05"], workplace)
    assert outcome.status == 0, outcome.err
    made = draws(workplace / RUN)
    table = Table.read_csv(workplace / RUN / "certificates.csv")
    assert max(number for stream, number in made if stream == 1) + 1 == table["n"].max()
    assert table["n"].min() == 128
