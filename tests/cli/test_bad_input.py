"""Bad input is refused with exit status 2 and one line, before anything is written."""

import resource
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import yaml

from smoothing.certificates import Table
from tests.front_door import DIGITS, Outcome, kill_after, launch, launch_on_two_ranks, run_here

CERTIFY = ["certify", "--config", "digits.yaml"]
FLAWED = [*CERTIFY, "--data=flawed.Flawed", "--data.flaw"]
PARTS = ["certify", "--config", "partitions.yaml"]
POISONED = ["certify", "--config", "poisoned.yaml"]
TABLE = ["table"]
FIT = ["fit", "--config=fit.yaml"]
OWN_NETWORK = ["--model.votes=NetworkVotes", "--model.votes.network=own.Own"]
LISTED = "--model.votes.steps=[{class_path: smoothing.votes.Centre}]"
FILTERS = ["--model.encoder=RandomFilters", "--model.encoder.patch=3", "--model.encoder.samples=100"]
SAMPLED = ["--model.certifiers.sampled=ClopperPearson"]


def write_configs(folder: Path) -> None:
    fit = {
        "model": {"class_path": "FeatureClassifier", "init_args": {"features": 5, "width": 2}},
        "data": {"class_path": "Digits"},
        "trainer": {"max_epochs": 1, "enable_progress_bar": False, "enable_model_summary": False} | DIGITS["trainer"],
    }
    (folder / "fit.yaml").write_text(yaml.safe_dump(fit))
    (folder / "broken.yaml").write_text("model:\n  class_path: [\n")
    (folder / "binary.yaml").write_bytes(bytes(range(256)))
    (folder / "empty.yaml").write_text("")
    (folder / "list.yaml").write_text("- model\n- data\n")
    (folder / "number.yaml").write_text("1: 2\n")


def assert_refused(outcome: Outcome, *said: str) -> None:
    assert (outcome.status, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    assert line.startswith("error: ")
    for words in said:
        assert words in line
    # The list of known names may be longer.
    assert len(line.partition("; known: ")[0]) < 300


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
        ([*CERTIFY, "--model.measure.num_classes=100000"], ["LabelFlip", "num_classes = 100000", "at most 10000"]),
        ([*PARTS, "--model.measure.num_classes=100000"], ["UnchangedLabels", "num_classes = 100000", "at most 10000"]),
        ([*PARTS, "--model.votes.parts=2147483648"], ["Partitions", "parts = 2147483648", "at most 238"]),
        ([*PARTS, "--model.votes.parts=20000", "--model.votes.spread=6000"], ["spread = 6000", "at most 5000"]),
        ([*CERTIFY, *FILTERS, "--model.encoder.samples=2147483648"], ["samples = 2147483648", "at most 10000000"]),
        ([*CERTIFY, *FILTERS, "--model.encoder.pools=2147483648"], ["pools = 2147483648", "at most 6"]),
        ([*PARTS, "--model.votes.parts=0"], ["Partitions", "parts = 0", "at least 1"]),
        ([*PARTS, "--model.votes.partition=Stratified"], ["Stratified", "conditional = False", "labels under attack"]),
        ([*PARTS, "--model.measure=LabelFlip", "--model.measure.q=.1"], ["dpa", "LabelFlip", "UnchangedLabels"]),
        ([*POISONED, "--model.votes.partition=ByContent"], ["dpa", "ByContent", "all inputs", "must be ByHash"]),
        ([*POISONED, "--model.votes.partition=ByPosition"], ["dpa", "ByPosition", "positions only", "must be ByHash"]),
        (
            [*POISONED, "--model.votes.transforms=[{class_path: smoothing.votes.Centre}]"],
            ["dpa", "transforms = Centre", "all inputs", "must read nothing or one part only"],
        ),
        ([*POISONED, "--model.encoder=FastICA", "--model.encoder.components=9"], ["encoder = FastICA", "all inputs"]),
        ([*POISONED, "--model.votes.parts=200"], ["Partitions", "parts = 200", "must be fewer", "has no example"]),
        ([*POISONED, "--model.votes.parts=9999"], ["Partitions", "parts = 9999", "at most"]),
        ([*POISONED, "--model.measure.change=flips"], ["change", "flips", "inserted or deleted examples"]),
        ([*POISONED, "--model.votes=Ridge"], ["dpa", "Ridge"]),
        ([*POISONED, "--model.certifiers.white_box=WhiteBox"], ["white_box", "inserted or deleted", "label flips"]),
        (
            [
                *CERTIFY,
                "--model.measure=UnchangedExamples",
                "--model.certifiers={sampled: {class_path: ClopperPearson}}",
            ],
            ["sampled", "votes = Ridge", "all inputs", "inserted or deleted examples"],
        ),
        ([*PARTS, "--model.votes.spread=2"], ["white_box", "spread of 2", "must be 1"]),
        ([*PARTS, "--model.votes.learner=Centroids"], ["white_box", "Centroids", "linear vote"]),
        ([*PARTS, "--data=flawed.Flawed", "--data.flaw", "empty class"], ["class 1", "no example"]),
        ([*PARTS, "--model.measure.num_classes=1"], ["UnchangedLabels", "num_classes = 1", "at least 2"]),
        ([*FLAWED, "nan"], ["training set", "NaN", "finite"]),
        ([*FLAWED, "infinite"], ["training set", "infinite", "finite"]),
        ([*FLAWED, "nan in test"], ["test example 7", "NaN", "finite"]),
        ([*FLAWED, "label too large"], ["labels", "2", "0 .. 1"]),
        ([*FLAWED, "negative label"], ["labels", "-1", "0 .. 1"]),
        ([*FLAWED, "label no integer"], ["labels", "not a whole number", "0 .. 1"]),
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
        ([*CERTIFY, "--model.certifiers.exact.bogus=3"], ["model.certifiers.exact: bogus", "option"]),
        ([*CERTIFY, "--model.measure=Nope"], ["model.measure: Nope", "dotted path"]),
        ([*CERTIFY, "--model.measure=redraw.Nope"], ["model.measure", "Nope"]),
        ([*CERTIFY, "--model.measure=nowhere.Nope"], ["model.measure", "nowhere"]),
        ([*CERTIFY, "--model.measure=Ridge"], ["model.measure: Ridge"]),
        ([*CERTIFY, "--model.measure.num_classes=two"], ["model.measure.num_classes: two", "int"]),
        ([*CERTIFY, "--model=FeatureClassifier"], ["model: FeatureClassifier", "Certification"]),
        ([*CERTIFY, "--data=FeatureFile", "--data.path=absent.npz"], ["FeatureFile", "absent.npz", "readable file"]),
        ([*CERTIFY, "--model.encoder=KMeansPatches", "--model.encoder.patch=9"], ["KMeansPatches", "9 x 9 pixels"]),
        ([*CERTIFY, "--model.encoder=TfidfSVD"], ["TfidfSVD", "must be texts"]),
        ([*CERTIFY, "--model.certifiers.a=smoothing.attacks.NearestAttack"], ["certifiers.a", "LogisticHead"]),
        ([*CERTIFY, "--trainer.devices", "0"], ["trainer.devices = 0", "at least 1"]),
        ([*CERTIFY, "--trainer.devices=some"], ["devices", "int > 0"]),
        ([*CERTIFY, "--trainer.accelerator=abacus"], ["abacus", "cpu"]),
        ([*CERTIFY, "--trainer.default_root_dir=here"], ["trainer.default_root_dir: here", "run_dir"]),
        ([*CERTIFY, "--ckpt_path=some.ckpt"], ["--ckpt_path"]),
        (["certify", "--config", "absent.yaml"], ["config", "absent.yaml", "does not exist"]),
        (["certify", "--config", "broken.yaml"], ["config: ", "line 3"]),
        (["certify", "--config", "."], ["config: .", "directory", "YAML"]),
        (["certify", "--config="], ["config: ", "YAML"]),
        (["certify", "--config=small.py"], ["config: small.py, line 1", "YAML"]),
        (["certify", "--config=digits.yaml", "--config=small.py"], ["config: small.py, line 1", "YAML"]),
        (["certify", "-c", "binary.yaml"], ["config: binary.yaml", "no text"]),
        (["certify", "--config=empty.yaml"], ["config: empty.yaml", "nothing", "settings by name"]),
        (["certify", "--config=list.yaml"], ["config: list.yaml", "list", "settings by name"]),
        (["fit", "--config=number.yaml"], ["config: number.yaml", "setting named 1", "text"]),
        ([*CERTIFY, "--run_dir="], ["run_dir = ''", "directory"]),
        ([*CERTIFY, "--run_dir= "], ["run_dir = ''", "directory"]),
        (["fit", "--config=digits.yaml", "--run_dir="], ["run_dir = ''", "directory"]),
        ([*CERTIFY, "--seed_everything=-5"], ["seed_everything = -5", "0 .. 4294967295"]),
        ([*CERTIFY, "--seed_everything=4294967296"], ["seed_everything = 4294967296", "0 .. 4294967295"]),
        ([*CERTIFY, "--trainer.limit_predict_batches=1"], ["limit_predict_batches = 1", "unset", "data.every"]),
        ([*CERTIFY, "--trainer.limit_predict_batches=1.0"], ["limit_predict_batches = 1", "unset"]),
        ([*CERTIFY, "--trainer.limit_predict_batches=.5"], ["limit_predict_batches = 0.5", "unset"]),
        ([*CERTIFY, "--trainer.limit_predict_batches=0"], ["limit_predict_batches = 0", "unset"]),
        ([*CERTIFY, "--trainer.fast_dev_run=true"], ["fast_dev_run = True", "false"]),
        ([*CERTIFY, "--trainer.fast_dev_run=3"], ["fast_dev_run = 3", "false"]),
        ([*CERTIFY, "--trainer.overfit_batches=-1"], ["overfit_batches", "-1"]),
        ([*CERTIFY, "--trainer.max_time=soon"], ["soon", "DD:HH:MM:SS"]),
        ([*CERTIFY, "--trainer.devices=99"], ["trainer.devices = 99", "cores", "process"]),
        ([*CERTIFY, "--trainer.num_nodes=2"], ["trainer.num_nodes = 2", "torchrun or srun"]),
        ([*CERTIFY, "--trainer.num_nodes=0"], ["num_nodes", "0"]),
        ([*CERTIFY, "--trainer.strategy=ddp_spawn"], ["trainer.strategy", "spawn", "ddp"]),
        ([*CERTIFY, "--trainer.strategy=ddp_notebook"], ["trainer.strategy", "fork", "ddp"]),
        ([*CERTIFY, "--trainer.strategy=fsdp"], ["fsdp", "GPU"]),
        ([*CERTIFY, "--trainer.strategy=deepspeed"], ["DeepSpeed", "installed"]),
        ([*CERTIFY, "--trainer.strategy=nope"], ["strategy", "nope"]),
        ([*CERTIFY, "--trainer.accelerator=tpu"], ["torch_xla"]),
        ([*CERTIFY, "--trainer.precision=16"], ["trainer.precision = 16", "32-true"]),
        ([*CERTIFY, "--trainer.precision=transformer-engine"], ["trainer.precision = transformer-engine", "32-true"]),
        (["fit", "--config=digits.yaml"], ["Certification", "smoothing certify"]),
        ([*FIT, "--trainer.accumulate_grad_batches=0"], ["accumulate_grad_batches = 0", "at least 1"]),
        ([*FIT, "--trainer.check_val_every_n_epoch=0"], ["check_val_every_n_epoch = 0", "at least 1"]),
        ([*FIT, "--trainer.gradient_clip_val=-1"], ["gradient_clip_val = -1", "at least 0"]),
        ([*FIT, "--trainer.val_check_interval=9999"], ["val_check_interval", "9999"]),
        ([*FIT, "--ckpt_path=small.py"], ["ckpt_path = small.py", "checkpoint"]),
        ([*FIT, "--ckpt_path=absent.ckpt"], ["absent.ckpt"]),
        ([*CERTIFY, "--base_ckpt=x.ckpt"], ["base_ckpt: x.ckpt", "Ridge has no network"]),
        ([*CERTIFY, *OWN_NETWORK, "--base_ckpt=x.ckpt"], ["network own.Own has no parameter base_ckpt"]),
        ([*CERTIFY, "--model.measure=LabelFlp"], ["LabelFlp", "did you mean LabelFlip?", "known: ", "Laplace"]),
        ([*CERTIFY, "--model.votes=Rigde"], ["Rigde", "did you mean Ridge?", "known: ", "Bagging"]),
        ([*CERTIFY, "--model.certifiers.a=Chernof"], ["Chernof", "did you mean Chernoff", "known: ", "ExactVote"]),
        ([*CERTIFY, "--model.votes.transforms=[Center]"], ["Center", "did you mean Centre?", "known: ", "Whiten"]),
        ([*CERTIFY, "--data=Digit"], ["Digit", "did you mean Digits?", "known: ", "MNIST"]),
        ([*CERTIFY, "--model=Certfication"], ["Certfication", "did you mean Certification?"]),
        ([*CERTIFY, "--model.mesure=LabelFlip"], ["mesure", "did you mean measure?", "known: measure, votes"]),
        ([*CERTIFY, "--data.clases=[1,7]"], ["clases", "did you mean classes?"]),
        ([*CERTIFY, "--trainer.acelerator=cpu"], ["--trainer.acelerator=cpu", "did you mean --trainer.accelerator"]),
        ([*TABLE, "--measure=LabelFlp", "--max_radius=3"], ["LabelFlp", "did you mean LabelFlip?"]),
        ([*TABLE, "--measure=LabelFlip", "--exat"], ["--exat", "did you mean --exact?"]),
        ([*CERTIFY, "--model.votes=listed.Listed", LISTED], ["Listed: steps", "not annotated", "list[Centre]"]),
        (
            [*CERTIFY, "--model.measure=raising.Raising", "--model.measure.e=.6"],
            ["chernoff_kl", "test example 0", "TypeError: no such law", "raising.py, line 14"],
        ),
        ([*CERTIFY, "--model.certifiers.failing=failing.Failing"], ["failing", "ValueError: no luck", "failing.py"]),
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
def test_bad_input_is_refused_in_one_line(
    workplace: Path,
    args: list[str],
    said: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(workplace)
    monkeypatch.delenv("SMOOTHING_DATA", raising=False)
    write_configs(workplace)
    before = sorted(workplace.rglob("*"))
    assert_refused(run_here(args, workplace, capsys), *said)
    assert [path for path in sorted(workplace.rglob("*")) if "__pycache__" not in path.parts] == before


def little_memory() -> None:
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + 2**33, -1))


def test_a_size_beyond_the_memory_is_refused_in_one_line(workplace: Path) -> None:
    filters = ["--model.encoder=RandomFilters", "--model.encoder.filters=2147483648", "--model.encoder.samples=100"]
    outcome = launch([*CERTIFY, *filters, "--model.encoder.patch=3"], workplace, little_memory)
    assert_refused(outcome, "out of memory: ", "allocate", "before the first row")
    assert not (workplace / "runs").exists()


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
def test_a_directory_of_another_config_is_not_changed(workplace: Path, options: list[str], said: list[str]) -> None:
    assert launch(CERTIFY, workplace, partial(kill_after, 3)).status == -9
    before = {path: path.read_bytes() for path in workplace.rglob("*") if path.is_file()}
    assert_refused(launch([*CERTIFY, *options], workplace), "run_dir", "another config", *said)
    assert {path: path.read_bytes() for path in before} == before


def test_other_data_under_the_same_config_are_refused(workplace: Path) -> None:
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


def test_certificates_without_a_config_are_refused(workplace: Path) -> None:
    assert launch(CERTIFY, workplace, partial(kill_after, 5)).status == -9
    (workplace / "runs/digits/provenance.json").unlink()
    assert_refused(launch(CERTIFY, workplace), "run_dir", "certificates without provenance.json")


def test_a_truncated_file_is_refused(workplace: Path) -> None:
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
def test_two_ranks_print_one_line(workplace: Path) -> None:
    assert_refused(launch_on_two_ranks([*FLAWED, "nan"], workplace), "training set", "NaN")
    assert not (workplace / "runs").exists()


def test_an_error_after_the_first_row_keeps_its_traceback(workplace: Path) -> None:
    outcome = launch([*CERTIFY, "--model.certifiers.failing=failing.FailingLater"], workplace)
    assert outcome.status == 1
    assert "ValueError: no luck" in outcome.err
    assert "run the same command again to resume" in outcome.err.splitlines()[-1]


@pytest.mark.parametrize("name", ["callbacks", "datamodules", "lightning_modules", "reporting"])
def test_a_folder_of_the_user_hides_no_package(workplace: Path, name: str) -> None:
    """Python puts the working directory first for a module, and the folder of a script for a script."""
    (workplace / name).mkdir()
    (workplace / name / "__init__.py").write_text("raise RuntimeError('not this one')\n")
    root = Path(__file__).parents[2]
    table = ["table", "--measure=LabelFlip", "--measure.q=.2", "--measure.num_classes=2", "--max_radius=2"]
    script = f"import sys; sys.path[0] = {str(root)!r}; from smoothing.cli.main import main; main()"
    for command in (["-m", "smoothing"], ["-c", script]):
        ended = subprocess.run(
            [sys.executable, *command, *table], cwd=workplace, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
        (line,) = ended.stderr.splitlines()
        assert line.startswith(f"warning: {name} in the working directory is hidden")


def test_a_package_that_is_hidden_is_named(
    workplace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workplace)
    (workplace / "other/reporting").mkdir(parents=True)
    (workplace / "other/reporting/__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(workplace / "other"))
    for module in [module for module in sys.modules if module.partition(".")[0] == "reporting"]:
        monkeypatch.delitem(sys.modules, module)
    assert_refused(run_here(["table"], workplace, capsys), "reporting", "other/reporting", "hides the package")


@pytest.mark.parametrize(
    "options",
    [
        ["--trainer.limit_test_batches=1"],
        ["--trainer.overfit_batches=1"],
        ["--trainer.inference_mode=false"],
        ["--trainer.max_time=00:00:00:01"],
    ],
)
def test_trainer_options_without_effect_change_nothing(workplace: Path, options: list[str]) -> None:
    outcome = launch([*CERTIFY, *options], workplace)
    assert (outcome.status, outcome.err) == (0, "")
    assert len(Table.read_csv(workplace / "runs/digits/certificates.csv")) == 123 * 3


def test_the_largest_radius_of_the_draws_is_printed_first(workplace: Path) -> None:
    few = [*SAMPLED, "--model.certifiers.sampled.n0=20", "--model.certifiers.sampled.n=300"]
    outcome = launch([*CERTIFY, *few], workplace)
    assert outcome.status == 0, outcome.err
    first = outcome.out.splitlines()[0]
    largest = int(Table.read_csv(workplace / "runs/digits/certificates.csv").of("sampled")["radius"].max())
    assert first.startswith("sampled: its number of draws certifies a radius of at most ")
    assert int(first.split()[-2]) >= largest > 0
