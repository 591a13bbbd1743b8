"""Training under noise and certifying with one config that has a section per command."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from lightning_modules.architectures import TimmModel
from lightning_modules.training.base_classifier import FrozenClassifier
from smoothing.certificates import Table
from smoothing.cli.sections import config_first
from smoothing.measures import GaussianMixture
from tests.front_door import DIGITS, kill_after, launch, launch_on_two_ranks

NOISE = {"class_path": "Gaussian", "init_args": {"sigma": 0.25}}
SILENT = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
NETWORK: dict[str, Any] = {
    "fit": {
        "run_dir": "runs/network_fit",
        "model": {
            "class_path": "BaseClassifier",
            "init_args": {
                "architecture": "small.Small",
                "measure": NOISE,
                "objective": "NoiseAugmentation",
                "certified": 4,
            },
        },
        "data": {"class_path": "Digits", "init_args": {"batch_size": 64}},
        "trainer": SILENT | {"devices": 1, "max_epochs": 6},
    },
    "certify": {
        "model": {
            "class_path": "Certification",
            "init_args": {
                "measure": NOISE,
                "votes": {"class_path": "NetworkVotes", "init_args": {"network": "FrozenClassifier"}},
                "certifiers": {"sampled": {"class_path": "ClopperPearson", "init_args": {"n": 256}}},
            },
        },
        "data": {"class_path": "Digits", "init_args": {"every": 20, "batch_size": 8}},
        "trainer": SILENT | {"devices": 1},
    },
}
CONFIG = ["--config", "network.yaml"]
CHECKPOINT = "runs/network_fit/checkpoints/epoch=5-step=102.ckpt"
CERTIFY = ["certify", *CONFIG, "--base_ckpt", CHECKPOINT]


@pytest.fixture
def workplace(workplace: Path) -> Path:
    (workplace / "network.yaml").write_text(yaml.safe_dump(NETWORK), encoding="utf-8")
    return workplace


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of a trained checkpoint."""
    folder = tmp_path_factory.mktemp("fitted")
    (folder / "network.yaml").write_text(yaml.safe_dump(NETWORK), encoding="utf-8")
    (folder / "small.py").write_text((Path(__file__).parent / "outside/small.py").read_text())
    outcome = launch(["fit", *CONFIG], folder)
    assert outcome.status == 0, outcome.err
    return folder / CHECKPOINT


@pytest.fixture
def trained(workplace: Path, fitted: Path) -> Path:
    """Folder with the config and the trained checkpoint."""
    (workplace / CHECKPOINT).parent.mkdir(parents=True)
    (workplace / CHECKPOINT).write_bytes(fitted.read_bytes())
    return workplace


def test_one_config_trains_and_certifies(trained: Path) -> None:
    outcome = launch(CERTIFY, trained)
    assert outcome.status == 0, outcome.err
    table = Table.read_csv(trained / "runs/network/certificates.csv")
    rows = table.of("sampled")
    assert rows["index"].tolist() == list(range(0, 599, 20))
    assert rows["correct"].mean() > 0.7
    assert (rows["radius"] < 0.25 * 2.0).all()
    assert (rows["radius"] > 0.25).any()
    provenance = json.loads((trained / "runs/network/provenance.json").read_text())
    assert len(provenance["checkpoint"]) == 64
    assert provenance["config"]["base_ckpt"] == CHECKPOINT


def test_the_saved_config_repeats_a_run(trained: Path) -> None:
    assert launch(CERTIFY, trained).status == 0
    again = launch(["certify", "--config", "runs/network/config.yaml", "--run_dir", "again"], trained)
    assert again.status == 0, again.err
    tables = [(trained / run / "certificates.csv").read_bytes() for run in ("runs/network", "again")]
    assert tables[0] == tables[1]


@pytest.mark.ddp
@pytest.mark.slow
def test_counts_do_not_depend_on_interruptions_ranks_or_batches(trained: Path) -> None:
    several = ["--model.certifiers.sequential=Sequential", "--model.certifiers.sequential.radii=[0.1,0.3]"]
    assert launch([*CERTIFY, *several, "--run_dir=one"], trained).status == 0
    interrupted = [*CERTIFY, *several, "--run_dir=two"]
    assert launch(interrupted, trained, partial(kill_after, 7)).status == -9
    ended = launch_on_two_ranks([*interrupted, "--data.batch_size=5"], trained)
    assert ended.status == 0, ended.err
    assert {path.name for path in (trained / "two/certificates").iterdir()} == {"rank-0.jsonl", "rank-1.jsonl"}
    tables = [(trained / run / "certificates.csv").read_bytes() for run in ("one", "two")]
    assert tables[0] == tables[1]


def test_a_network_of_nan_is_refused_in_one_line(trained: Path) -> None:
    content = torch.load(trained / CHECKPOINT, weights_only=True)
    content["state_dict"]["network.body.3.bias"] += float("nan")
    torch.save(content, trained / CHECKPOINT)
    outcome = launch(CERTIFY, trained)
    assert outcome.status == 2
    assert "weights network.body.3.bias" in outcome.err.splitlines()[-1]
    assert not (trained / "runs/network").exists()


def test_another_checkpoint_is_refused(trained: Path) -> None:
    assert launch(CERTIFY, trained).status == 0
    content = torch.load(trained / CHECKPOINT, weights_only=True)
    content["state_dict"]["network.body.3.bias"] += 0.1
    torch.save(content, trained / CHECKPOINT)
    outcome = launch(CERTIFY, trained)
    assert outcome.status == 2
    assert "checkpoint is" in outcome.err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([*CERTIFY, "--model.measure.sigma=.5"], ["Gaussian(sigma=0.25)", "Gaussian(sigma=0.5)", "any_measure"]),
        ([*CERTIFY, "--model.measure=Laplace", "--model.measure.scale=.25"], ["Gaussian(sigma=0.25)", "Laplace"]),
        ([*CERTIFY, "--data.classes=[1,7]"], ["num_classes of the data = 2", "must be the network's, 10"]),
        ([*CERTIFY, "--model.measure.sigma=0"], ["Gaussian", "sigma = 0", "must be within [1e-30, 1e+30]"]),
        ([*CERTIFY, "--data=tall.Tall"], ["[1, 9, 8]", "must be [1, 8, 8]"]),
        ([*CERTIFY, "--data.every=0"], ["Digits", "every = 0", "at least 1"]),
        (["certify", *CONFIG], ["base_ckpt = None", "must be the path of a checkpoint of BaseClassifier"]),
        (["certify", *CONFIG, "--base_ckpt=absent.ckpt"], ["base_ckpt = absent.ckpt", "readable file"]),
        (["certify", *CONFIG, "--base_ckpt=small.py"], ["base_ckpt = small.py", "checkpoint of BaseClassifier"]),
        (["certify", "--config=digits.yaml", "--base_ckpt=small.py"], ["base_ckpt: small.py", "unset"]),
        (["fit", *CONFIG, "--base_ckpt", CHECKPOINT], ["base_ckpt", "unset"]),
        (["fit", *CONFIG, "--run_dir=other", "--model.architecture.num_classes=3"], ["Small", "num_classes = 3", "10"]),
        (
            [
                "fit",
                *CONFIG,
                "--run_dir=other",
                "--model.objective=MACER",
                "--model.measure=Laplace",
                "--model.measure.scale=.25",
            ],
            ["objective", "MACER", "Laplace"],
        ),
    ],
)
def test_incompatible_parts_are_refused_in_one_line(args: list[str], said: list[str], trained: Path) -> None:
    outcome = launch(args, trained)
    assert outcome.status == 2, outcome.err
    # Lightning may print warnings before it trains.
    line = outcome.err.splitlines()[-1]
    assert line.startswith("error: ")
    assert all(words in line for words in said), line
    assert not (trained / "runs/network").exists()


def test_another_measure_is_accepted_with_any_measure(trained: Path) -> None:
    allowed = "--model.votes.network.any_measure=true"
    outcome = launch([*CERTIFY, "--model.measure.sigma=.2", allowed], trained)
    assert outcome.status == 0, outcome.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--model.architecture.width=16"], ["network.body.1.weight has shape (32, 64)", "shape (16, 64)"]),
        (["--model.architecture=LeNet"], ["it has no network.body."]),
    ],
)
def test_a_checkpoint_of_another_model_is_not_resumed(options: list[str], said: list[str], trained: Path) -> None:
    outcome = launch(["fit", *CONFIG, f"--ckpt_path={CHECKPOINT}", "--run_dir=other", *options], trained)
    assert outcome.status == 2
    line = outcome.err.splitlines()[-1]
    assert line.startswith(f"error: ckpt_path = {CHECKPOINT}; must be a checkpoint of the same model: ")
    assert all(words in line for words in said), line
    assert not (trained / "other").exists()


def test_weights_alone_are_not_resumed(trained: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, trained / "weights.pt")
    outcome = launch(["fit", *CONFIG, "--ckpt_path=weights.pt", "--run_dir=other"], trained)
    assert outcome.status == 2
    message = "error: ckpt_path = weights.pt; must be a checkpoint that fit has written"
    assert outcome.err.splitlines()[-1] == message
    assert not (trained / "other").exists()


def test_the_last_checkpoint_is_of_the_same_model(trained: Path) -> None:
    (trained / CHECKPOINT).rename(trained / "runs/network_fit/checkpoints/last.ckpt")
    callback = "--trainer.callbacks=[{class_path: ModelCheckpoint, init_args: {save_last: true}}]"
    other = "--model.architecture.width=16"
    outcome = launch(["fit", *CONFIG, "--ckpt_path=last", callback, other], trained)
    assert outcome.status == 2
    assert "last.ckpt; must be a checkpoint of the same model" in outcome.err.splitlines()[-1]


def test_a_training_is_resumed(trained: Path) -> None:
    outcome = launch(["fit", *CONFIG, f"--ckpt_path={CHECKPOINT}", "--trainer.max_epochs=7"], trained)
    assert outcome.status == 0, outcome.err
    content = torch.load(trained / "runs/network_fit/checkpoints/epoch=6-step=119.ckpt", weights_only=True)
    assert content["global_step"] == 119


def test_a_training_is_not_overwritten(trained: Path) -> None:
    before = {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()}
    outcome = launch(["fit", *CONFIG, "--model.architecture.width=8"], trained)
    assert outcome.status == 2
    (line,) = outcome.err.splitlines()
    assert line.startswith("error: run_dir: runs/network_fit holds a training")
    assert f"continue it with --ckpt_path {CHECKPOINT}, choose another --run_dir" in line
    after = {path: path.read_bytes() for path in trained.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert after == before


@pytest.mark.ddp
@pytest.mark.slow
def test_two_ranks_train_one_network(workplace: Path) -> None:
    ended = launch_on_two_ranks(["fit", *CONFIG], workplace)
    assert ended.status == 0, ended.err
    (checkpoint,) = (workplace / "runs/network_fit/checkpoints").iterdir()
    # Each rank has half of the 1,079 examples that are not for validation.
    assert checkpoint.name == "epoch=5-step=54.ckpt"
    outcome = launch(["certify", *CONFIG, f"--base_ckpt={checkpoint}"], workplace)
    assert outcome.status == 0, outcome.err
    table = Table.read_csv(workplace / "runs/network/certificates.csv")
    assert table.of("sampled")["correct"].mean() > 0.5


def test_only_configs_with_sections_go_first(workplace: Path) -> None:
    commands = ("certify", "fit")
    plain, sectioned = (str(workplace / name) for name in ("digits.yaml", "network.yaml"))
    assert config_first(["fit", "--config", plain, "--x=1"], commands) == ["fit", "--config", plain, "--x=1"]
    assert config_first(["fit", f"--config={sectioned}", "--x=1"], commands) == ["--config", sectioned, "fit", "--x=1"]
    assert config_first(["fit", "--config"], commands) == ["fit", "--config"]
    absent = r"^config: absent\.yaml does not exist; must be a YAML file, or one of smoothing configs$"
    with pytest.raises(ValueError, match=absent):
        config_first(["fit", "--config", "absent.yaml"], commands)
    (workplace / "network.yaml").write_text(yaml.safe_dump({"certify": DIGITS}))
    with pytest.raises(ValueError, match=r"network.yaml has no section fit; must have one, or no sections$"):
        config_first(["fit", "--config", sectioned], commands)


def test_every_part_can_be_replaced_by_name(workplace: Path) -> None:
    options = [
        *("--model.measure=GaussianMixture", "--model.measure.sigmas=[0.1,0.3]"),
        *("--model.objective=SmoothAdv", "--model.objective.attacker=DDN", "--model.objective.attacker.steps=2"),
        *("--model.architecture=TimmModel", "--model.architecture.name=test_nfnet"),
        *("--model.architecture.num_classes=10", "--model.architecture.channels=1"),
        *("--model.architecture.mean=[0.25]", "--model.architecture.std=[0.5]"),
        *("--model.optimizer=torch.optim.AdamW", "--model.optimizer.lr=0.01"),
        *("--model.schedule=torch.optim.lr_scheduler.StepLR", "--model.schedule.step_size=1"),
        *("--trainer.callbacks+=EMAWeightAveraging", "--trainer.callbacks.decay=0.9"),
        *("--trainer.max_epochs=1", "--trainer.precision=bf16-mixed", "--trainer.accumulate_grad_batches=2"),
    ]
    outcome = launch(["fit", *CONFIG, *options], workplace)
    assert outcome.status == 0, outcome.err
    (checkpoint,) = (workplace / "runs/network_fit/checkpoints").iterdir()
    classifier = FrozenClassifier(str(checkpoint))
    assert isinstance(classifier.network, TimmModel)
    assert isinstance(classifier.measure, GaussianMixture)
    assert classifier.measure.sigmas == (0.1, 0.3)
    assert "averaging_state" in torch.load(checkpoint, weights_only=True)
