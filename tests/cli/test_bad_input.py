"""Bad input ends with exit status 2 and one line that says what is wrong, before anything is written."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from smoothing.certificates import Table
from tests.front_door import Outcome, kill_after, launch, launch_on_two_ranks

CERTIFY = ["certify", "--config", "digits.yaml"]
FLAWED = [*CERTIFY, "--data=flawed.Flawed", "--data.flaw"]
PARTS = ["certify", "--config", "partitions.yaml"]
SAMPLED = ["--model.certifiers.sampled=ClopperPearson"]


def assert_refused(outcome: Outcome, *said: str) -> None:
    assert (outcome.status, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    assert line.startswith("error: ")
    for words in said:
        assert words in line
    assert len(line) < 300


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([*CERTIFY, "--model.measure.q=0"], ["LabelFlip", "q = 0", "(0, 1/2)"]),
        ([*CERTIFY, "--model.measure.q=.5"], ["LabelFlip", "q = .5", "(0, 1/2)"]),
        ([*CERTIFY, "--model.measure.q=-1e-3"], ["LabelFlip", "q = -1e-3", "(0, 1/2)"]),
        ([*CERTIFY, "--model.measure.q=half"], ["LabelFlip", "q = half", "number"]),
        ([*CERTIFY, *SAMPLED, "--model.certifiers.sampled.alpha=0"], ["ClopperPearson", "alpha = 0", "(0, 1)"]),
        ([*CERTIFY, *SAMPLED, "--model.certifiers.sampled.alpha=1"], ["ClopperPearson", "alpha = 1", "(0, 1)"]),
        ([*CERTIFY, "--model.seed=-1"], ["seed = -1", "at least 0"]),
        ([*CERTIFY, "--model.certifiers={}"], ["certifiers", "at least one"]),
        ([*CERTIFY, "--model.measure.num_classes=3"], ["chernoff_kl", "3 classes", "2"]),
        ([*PARTS, "--model.votes.parts=9999"], ["Partitions", "parts = 9999", "at most"]),
        ([*PARTS, "--model.votes.parts=0"], ["Partitions", "parts = 0", "at least 1"]),
        ([*PARTS, "--model.votes.partition=Stratified"], ["Stratified", "conditional = False", "labels under attack"]),
        ([*PARTS, "--model.measure=LabelFlip", "--model.measure.q=.1"], ["dpa", "LabelFlip", "UnchangedLabels"]),
        ([*PARTS, "--model.votes.spread=2"], ["white_box", "spread of 2", "must be 1"]),
        ([*PARTS, "--model.votes.learner=Centroids"], ["white_box", "Centroids", "linear vote"]),
        ([*PARTS, "--data=flawed.Flawed", "--data.flaw", "empty class"], ["class 1", "no example"]),
        ([*PARTS, "--model.measure.num_classes=1"], ["UnchangedLabels", "num_classes = 1", "at least 2"]),
        ([*FLAWED, "nan"], ["training set", "NaN", "finite"]),
        ([*FLAWED, "infinite"], ["training set", "infinite", "finite"]),
        ([*FLAWED, "nan in test"], ["test example 7", "NaN", "finite"]),
        ([*FLAWED, "label too large"], ["labels", "2", "0 .. 1"]),
        ([*FLAWED, "negative label"], ["labels", "-1", "0 .. 1"]),
        ([*FLAWED, "label no integer"], ["labels", "not a whole number", "0 .. K-1"]),
        ([*FLAWED, "counts differ"], ["feature rows", "labels", "equal"]),
        ([*FLAWED, "one example"], ["n = 1", "at least 2"]),
        ([*FLAWED, "empty class"], ["class 1", "no example"]),
        (
            [*CERTIFY, "--model.votes.regularisation=Constant", "--model.votes.regularisation.value=0"],
            ["singular system", "lambda = 0"],
        ),
        ([*CERTIFY, "--data.classes=[1,77]"], ["classes", "77"]),
        ([*CERTIFY, "--bogus", "3"], ["--bogus 3", "option"]),
        ([*CERTIFY, "--model.measure.bogus=3"], ["model.measure: bogus", "option"]),
        ([*CERTIFY, "--model.certifiers.exact.bogus=3"], ["model.certifiers: bogus", "option"]),
        ([*CERTIFY, "--model.measure=Nope"], ["model.measure: Nope", "dotted path"]),
        ([*CERTIFY, "--model.measure=redraw.Nope"], ["model.measure", "Nope"]),
        ([*CERTIFY, "--model.measure=nowhere.Nope"], ["model.measure", "nowhere"]),
        ([*CERTIFY, "--model.measure=Ridge"], ["model.measure: Ridge"]),
        ([*CERTIFY, "--model.measure.num_classes=two"], ["model.measure.num_classes: two", "int"]),
        ([*CERTIFY, "--model=FeatureClassifier"], ["model: FeatureClassifier", "Certification"]),
        ([*CERTIFY, "--data=FeatureFile", "--data.path=absent.npz"], ["FeatureFile", "absent.npz", "readable file"]),
        ([*CERTIFY, "--model.encoder=KMeansPatches", "--model.encoder.patch=9"], ["KMeansPatches", "patch of 9 x 9"]),
        ([*CERTIFY, "--model.encoder=TfidfSVD"], ["TfidfSVD", "must be texts"]),
        ([*CERTIFY, "--model.certifiers.a=smoothing.attacks.NearestAttack"], ["certifiers.a", "LogisticHead"]),
        ([*CERTIFY, "--trainer.devices", "0"], ["trainer.devices = 0", "at least 1"]),
        ([*CERTIFY, "--trainer.devices=some"], ["devices", "int > 0"]),
        ([*CERTIFY, "--trainer.accelerator=abacus"], ["abacus", "cpu"]),
        ([*CERTIFY, "--trainer.default_root_dir=here"], ["trainer.default_root_dir: here", "run_dir"]),
        ([*CERTIFY, "--ckpt_path=some.ckpt"], ["--ckpt_path"]),
        (["certify", "--config", "absent.yaml"], ["config", "absent.yaml", "does not exist"]),
        (["certify", "--config", "broken.yaml"], ["config: ", "line 3"]),
        (["certify"], ["required", "model"]),
        (["certify", "--data=Digits", "--model=Certification"], ["model"]),
        ([*CERTIFY, "--run_dir=digits.yaml"], ["run_dir: digits.yaml", "directory"]),
        ([*CERTIFY, "--run_dir=digits.yaml/run"], ["run_dir: digits.yaml/run", "directory"]),
        ([*CERTIFY, "--run_dir=/proc/run"], ["run_dir: /proc/run", "writable"]),
        (["fit", "--config", "absent.yaml"], ["config", "absent.yaml", "does not exist"]),
        (["table", "--measure=LabelFlip", "--measure.q=.2", "--measure.num_classes=2"], ["max_radius", "required"]),
        (["table", "--measure=Nope", "--max_radius=3"], ["measure: Nope", "dotted path"]),
        (["compare", "nowhere"], ["nowhere", "run directory"]),
        (["cetrify"], ["cetrify", "certify", "fit", "compare", "table"]),
        ([], ["certify", "fit", "compare", "table"]),
    ],
)
def test_it_is_refused_in_one_line(workplace: Path, args: list[str], said: list[str]) -> None:
    (workplace / "broken.yaml").write_text("model:\n  class_path: [\n")
    before = sorted(workplace.rglob("*"))
    assert_refused(launch(args, workplace), *said)
    assert [path for path in sorted(workplace.rglob("*")) if "__pycache__" not in path.parts] == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--model.measure.q=.2"], ["model.init_args.measure.init_args.q", "0.3 there", ".2 here"]),
        (["--model.measure=redraw.Redraw", "--model.measure.e=.6"], ["class_path", "redraw.Redraw here"]),
        (["--model.seed=1"], ["model.init_args.seed", "0 there", "1 here"]),
        (["--data.classes=[3,8]"], ["data.init_args.classes.0", "1 there", "3 here"]),
        (["--model.certifiers.other=ExactVote"], ["certifiers.other", "absent there"]),
    ],
)
def test_a_directory_of_another_config_is_left_alone(workplace: Path, options: list[str], said: list[str]) -> None:
    assert launch(CERTIFY, workplace, partial(kill_after, 3)).status == -9
    before = {path: path.read_bytes() for path in workplace.rglob("*") if path.is_file()}
    assert_refused(launch([*CERTIFY, *options], workplace), "run_dir", "another config", *said)
    assert {path: path.read_bytes() for path in before} == before


def test_other_data_under_the_same_config_are_noticed(workplace: Path) -> None:
    other = [*CERTIFY, "--data=flawed.Flawed", "--data.flaw=none"]
    assert launch(other, workplace, partial(kill_after, 3)).status == -9
    flawed = workplace / "flawed.py"
    flawed.write_text(flawed.read_text().replace("(1, 7)", "(1, 8)"))
    assert_refused(launch(other, workplace), "run_dir", "data is", "there", "here")


def test_a_corrupted_shard_is_named_with_its_line(workplace: Path) -> None:
    assert launch(CERTIFY, workplace, partial(kill_after, 5)).status == -9
    shard = workplace / "runs/digits/certificates/rank-0.jsonl"
    content = shard.read_bytes()
    lines = content.splitlines(keepends=True)
    lines[2] = lines[2].replace(b'"radius":', b'"radius":1', 1)
    shard.write_bytes(b"".join(lines))
    damaged = shard.read_bytes()
    assert_refused(launch(CERTIFY, workplace), "rank-0.jsonl, line 3", "damaged")
    assert shard.read_bytes() == damaged


def test_certificates_without_a_config_are_not_adopted(workplace: Path) -> None:
    assert launch(CERTIFY, workplace, partial(kill_after, 5)).status == -9
    (workplace / "runs/digits/provenance.json").unlink()
    assert_refused(launch(CERTIFY, workplace), "run_dir", "certificates without provenance.json")


def test_a_file_that_ends_early_is_refused(workplace: Path) -> None:
    path = workplace / "cut.npz"
    np.savez(path, x_train=np.ones((9, 2)), y_train=np.arange(9), x_test=np.ones((3, 2)), y_test=np.arange(3))
    path.write_bytes(path.read_bytes()[:-100])
    outcome = launch([*CERTIFY, "--data=FeatureFile", f"--data.path={path}"], workplace)
    assert_refused(outcome, "FeatureFile", "cut.npz", "must contain the arrays")
    assert not (workplace / "runs").exists()


def test_an_encoder_that_learned_from_the_labels_under_attack_is_refused_or_marked(workplace: Path) -> None:
    fit = ["fit", "--model=FeatureClassifier", "--data=Digits", "--run_dir=fit", "--trainer.max_epochs=1"]
    quiet = ["--trainer.logger=false", "--trainer.enable_progress_bar=false", "--trainer.accelerator=cpu"]
    assert launch([*fit, *quiet], workplace).status == 0
    (checkpoint,) = (workplace / "fit/checkpoints").glob("*.ckpt")
    encoded = [*CERTIFY, "--model.encoder=FrozenEncoder", f"--model.encoder.base_ckpt={checkpoint}"]
    assert_refused(launch(encoded, workplace), "FrozenEncoder", "trained on labels of Digits train", "under attack")
    assert not (workplace / "runs").exists()
    assert launch([*encoded, "--model.encoder.accept_seen_labels=true"], workplace).status == 0
    rows = Table.read_csv(workplace / "runs/digits/certificates.csv")
    assert all("learned from labels of Digits train, do not change" in phrases for phrases in rows["assumptions"])


@pytest.mark.slow
@pytest.mark.ddp
def test_two_ranks_say_it_once(workplace: Path) -> None:
    assert_refused(launch_on_two_ranks([*FLAWED, "nan"], workplace), "training set", "NaN")
    assert not (workplace / "runs").exists()


def test_an_error_after_the_first_row_keeps_its_traceback(workplace: Path) -> None:
    outcome = launch([*CERTIFY, "--model.certifiers.failing=failing.Failing"], workplace)
    assert outcome.status == 1
    assert "ValueError: no luck" in outcome.err
    assert "run the same command again to resume" in outcome.err.splitlines()[-1]
