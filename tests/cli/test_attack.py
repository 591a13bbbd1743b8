"""The command ``attack``: trials as items of a run."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from torchvision.transforms.functional import pil_to_tensor

from datamodules import Digits
from datamodules.poisoning import PoisonedDataModule, Poisons
from smoothing.runs.trials import read_csv
from tests.front_door import launch, launch_on_two_ranks

ROOT = Path(__file__).parents[2]

CENTRE = [{"class_path": "Centre"}]

CONFIG: dict[str, Any] = {
    "model": {
        "class_path": "DefenceTrials",
        "init_args": {
            "training": {
                "network": {
                    "class_path": "lightning_modules.encoders.FeatureNetwork",
                    "init_args": {"shape": [1, 8, 8], "features": 2, "width": 4},
                },
                "epochs": 10,
                "learning_rate": 0.05,
            },
            "defences": {
                "none": {"class_path": "NoDefence"},
                "deep_knn": {"class_path": "DeepKNN", "init_args": {"neighbours": 9}},
                "parts": {
                    "class_path": "CertifiedVote",
                    "init_args": {
                        "votes": {
                            "class_path": "Partitions",
                            "init_args": {
                                "learner": {
                                    "class_path": "Ridge",
                                    "init_args": {"transforms": [{"class_path": "Centre"}]},
                                },
                                "parts": 9,
                                "partition": {"class_path": "ByPosition"},
                            },
                        },
                        "certifier": {"class_path": "Plurality"},
                        "measure": {"class_path": "UnchangedExamples", "init_args": {"change": "changed examples"}},
                    },
                },
            },
        },
    },
    "data": {
        "class_path": "PoisoningTrials",
        "init_args": {
            "data": {"class_path": "Digits", "init_args": {"classes": [1, 7], "every": 4, "training": "train[:300]"}},
            "attacks": {
                "frogs": {"class_path": "PoisonFrogs", "init_args": {"steps": 3}},
                "brew": {"class_path": "WitchesBrew", "init_args": {"steps": 2, "restarts": 1}},
            },
            "budget": {"count": 2, "eps": 0.2},
            "setups": 2,
        },
    },
    "trainer": {"logger": False, "enable_progress_bar": False, "accelerator": "cpu", "devices": 1},
}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("attack")
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    outcome = launch(["attack", "--config=config.yaml", "--run_dir=run"], folder)
    assert outcome.status == 0, outcome.err
    assert "Attack success and clean accuracy" in outcome.out
    assert "report: run/report.html" in outcome.out
    return folder


@pytest.fixture
def workplace(uninterrupted: Path, tmp_path: Path) -> Path:
    copytree(uninterrupted, tmp_path / "own")
    return tmp_path / "own"


def test_every_attack_is_tried_on_every_target_against_every_defence(uninterrupted: Path) -> None:
    trials = read_csv(uninterrupted / "run/trials.csv")
    assert [trial.key for trial in trials] == [
        (attack, number, defence)
        for number in range(2)
        for attack in ("frogs", "brew")
        for defence in ("none", "deep_knn", "parts")
    ]
    assert all((trial.count, trial.eps, trial.norm) == (2, 0.2, "linf") for trial in trials)
    assert all((trial.radius is None) == (trial.defence != "parts") for trial in trials)
    assert len({(trial.target, trial.intended) for trial in trials}) == 2
    assert all(trial.right / trial.tests > 0.8 for trial in trials if trial.defence == "parts")
    assert len({trial.poisons for trial in trials}) == 4


def test_poisons_are_kept_with_their_manifest_and_images(uninterrupted: Path) -> None:
    data = Digits(classes=[1, 7], every=4, training="train[:300]")
    for trial in read_csv(uninterrupted / "run/trials.csv"):
        folder = uninterrupted / f"run/poisons/{trial.attack}-{trial.number}"
        poisons = Poisons.load(str(folder))
        assert poisons.digest() == trial.poisons
        PoisonedDataModule(data, poisons).setup()
        # Two poisons of 8 x 8 pixels in three rows, with borders of two pixels.
        image = pil_to_tensor(Image.open(folder / "poisons.png"))
        assert image.shape == (3, 3 * 10 + 2, 2 * 10 + 2)
        clean, moved = (
            torch.round(255 * some[0, 0]) for some in (data.training_set()[0][list(poisons.positions)], poisons.images)
        )
        assert (image[0, 2:10, 2:10] - clean).abs().max() <= 1
        assert (image[0, 12:20, 2:10] - moved).abs().max() <= 1
        difference = (127.5 + 10 * (moved - clean)).clamp(0, 255)
        assert (image[0, 22:30, 2:10] - difference).abs().max() <= 12


def test_the_report_shows_success_accuracy_and_poisons(uninterrupted: Path) -> None:
    text = (uninterrupted / "run/report.html").read_text()
    assert text.count('<img class="poisons" src="data:image/png;base64,') == 4
    for trial in read_csv(uninterrupted / "run/trials.csv"):
        assert f"{trial.attack}, test example {trial.target}</h3>" in text
        assert f"<td>{trial.attack}, {trial.defence}</td>" in text
    assert "smoothing attack --config run/config.yaml" in text


@pytest.mark.parametrize("finished", [4, *(pytest.param(n, marks=pytest.mark.slow) for n in (0, 11))])
def test_interrupted_trials_resume(workplace: Path, finished: int) -> None:
    run = workplace / "run"
    before = (run / "trials.csv").read_bytes()
    shard = run / "trials/rank-0.jsonl"
    lines = shard.read_bytes().splitlines(keepends=True)
    kept = b"".join(lines[:finished])
    shard.write_bytes(kept + lines[finished][:20])
    (run / "trials.csv").unlink()
    outcome = launch(["attack", "--config=config.yaml", "--run_dir=run"], workplace)
    assert outcome.status == 0, outcome.err
    assert (run / "trials.csv").read_bytes() == before
    assert shard.read_bytes().startswith(kept)
    assert len(shard.read_bytes().splitlines()) == 12


def test_finished_trials_are_not_made_again(workplace: Path) -> None:
    shard = workplace / "run/trials/rank-0.jsonl"
    before = shard.stat().st_mtime_ns
    outcome = launch(["attack", "--config=config.yaml", "--run_dir=run"], workplace)
    assert outcome.status == 0, outcome.err
    assert "12 of 12 trials were there; nothing was computed" in outcome.out
    assert shard.stat().st_mtime_ns == before


@pytest.mark.ddp
@pytest.mark.slow
def test_two_ranks_make_the_trials_of_one(workplace: Path) -> None:
    outcome = launch_on_two_ranks(["attack", "--config=config.yaml", "--run_dir=two"], workplace)
    assert outcome.status == 0, outcome.err
    assert (workplace / "two/trials.csv").read_bytes() == (workplace / "run/trials.csv").read_bytes()
    sizes = [len((workplace / f"two/trials/rank-{rank}.jsonl").read_bytes().splitlines()) for rank in range(2)]
    assert sizes == [6, 6]


def test_trials_of_another_run_are_refused(workplace: Path) -> None:
    outcome = launch(["attack", "--config=config.yaml", "--run_dir=run", "--data.budget.eps=0.1"], workplace)
    assert outcome.status == 2
    assert "run_dir: run was made by another config: data.init_args.budget.eps is 0.2 there" in outcome.err


def test_a_damaged_trial_is_named(workplace: Path) -> None:
    shard = workplace / "run/trials/rank-0.jsonl"
    shard.write_bytes(shard.read_bytes().replace(b'"success":false', b'"success":true', 1))
    outcome = launch(["attack", "--config=config.yaml", "--run_dir=run"], workplace)
    assert outcome.status == 2
    assert "trials/rank-0.jsonl, line " in outcome.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--data.budget.count=200"], ["number of training images of the smallest class"]),
        (["--data.bases=1"], ["PoisoningTrials: bases = 1; must be at least 2"]),
        (["--data.budget.eps=-1"], ["eps = -1", "above 0"]),
        (["--data.budget.eps=0"], ["eps = 0", "above 0"]),
        (["--data.setups=0"], ["PoisoningTrials: setups = 0; must be at least 1"]),
        (["--data.setups=absent.pickle"], ["absent.pickle", "must be a readable file"]),
        (["--data.data.training=train[:40]"], ["defences.deep_knn: DeepKNN: neighbours = 9; must be below"]),
        (["--data.attacks={a/b: PoisonFrogs}"], ["attacks = {'a/b': ...}; names must consist of"]),
        (["--model.surrogates=[{attacks: [absent]}]"], ["Surrogate: attacks = 'absent'; must be one of frogs, brew"]),
        (
            ["--model.surrogates=[{defence: {class_path: DeepKNN}}]"],
            ["surrogates: DeepKNN: neighbours = 500; must be below"],
        ),
        (["--model.surrogates=[]"], ["surrogates = []; must be at least one surrogate, or unset"]),
        (["--data=Digits"], ["data: Digits; must be a PoisoningTrials to attack"]),
        (["--trainer.precision=bf16-mixed"], ["trainer.precision = bf16-mixed; must be 32-true"]),
        (["--trainer.limit_predict_batches=1"], ["limit_predict_batches"]),
    ],
)
def test_bad_input_is_refused_in_one_line(options: list[str], said: list[str], workplace: Path) -> None:
    outcome = launch(["attack", "--config=config.yaml", "--run_dir=new", *options], workplace)
    assert outcome.status == 2, outcome.err
    line = outcome.err.splitlines()[-1]
    assert line.startswith("error: ")
    assert all(words in line for words in said), line
    assert not (workplace / "new").exists()


def entry(**changed: Any) -> dict[str, Any]:
    """A setup as the benchmark stores it: the first test image, and two training images of the other class."""
    data = Digits(classes=[1, 7], every=4, training="train[:300]")
    data.setup()
    label = data.test_set()[0][2]
    bases = (data.training_set()[1] == 1 - label).nonzero().flatten()[:2].numpy()
    known = {"target index": 0, "target class": label, "base class": 1 - label, "base indices": bases}
    return known | {key.replace("_", " "): value for key, value in changed.items()}


class Touch:
    """Creates a file when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("touched"),)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: [entry(base_class=entry()["target class"])], "must be another class than that of the target"),
        (lambda: [entry(target_index=10**6)], "Setup: target = 1000000; must be below"),
        (lambda: [entry(base_indices=np.array([10**6, 1]))], "Setup: bases = 1000000; must be below 59"),
        (lambda: [entry(base_indices=entry()["base indices"][:1])], "Budget: count = 2; must be at most 1"),
        (lambda: [entry(base_indices=np.array([0.5, 1.5]))], "arrays of type 'f8' are refused"),
        (lambda: [entry(base_class=Touch())], "it names pathlib.Path.touch; arrays of whole numbers are read"),
    ],
    ids=["intended class", "target", "bases", "budget", "fractions", "code"],
)
def test_setups_of_a_file_that_do_not_fit_are_refused_in_one_line(
    make: Callable[[], list[dict[str, Any]]], said: str, workplace: Path
) -> None:
    (workplace / "setups.pickle").write_bytes(pickle.dumps(make(), protocol=4))
    outcome = launch(["attack", "--config=config.yaml", "--run_dir=new", "--data.setups=setups.pickle"], workplace)
    assert outcome.status == 2, outcome.err
    line = outcome.err.splitlines()[-1]
    assert line.startswith("error: ")
    assert said in line
    assert not (workplace / "new").exists()
    assert not (workplace / "touched").exists()


def test_stored_training_runs_are_no_defence(workplace: Path) -> None:
    vote = {
        "class_path": "CertifiedVote",
        "init_args": {
            "votes": {"class_path": "RetrainedVotes", "init_args": {"learner": {"class_path": "RidgeHead"}}},
            "certifier": {"class_path": "ClopperPearson"},
            "measure": {"class_path": "Gaussian", "init_args": {"sigma": 0.5}},
        },
    }
    defences = f"--model.defences={json.dumps({'draws': vote})}"
    outcome = launch(["attack", "--config=config.yaml", "--run_dir=new", defences], workplace)
    assert outcome.status == 2, outcome.err
    line = outcome.err.splitlines()[-1]
    assert line.startswith("error: ")
    assert (
        "CertifiedVote: votes = 'RetrainedVotes'; must be votes that are fitted at once, or TrainedPartitions" in line
    )
    assert not (workplace / "new").exists()


def test_bodies_that_saw_the_attacked_images_are_marked(workplace: Path) -> None:
    config = yaml.safe_load((ROOT / "configs/arena/digits.yaml").read_text())
    training = config["model"]["init_args"]["training"]
    training["body"]["init_args"]["network"]["init_args"]["weights"] = str(
        ROOT / "results/arena/digits_body.safetensors"
    )
    training["body"]["init_args"]["trained_on"] = ["Digits train[200:]"]
    own = {**CONFIG, "model": {"class_path": "DefenceTrials", "init_args": dict(CONFIG["model"]["init_args"])}}
    parts = CONFIG["model"]["init_args"]["defences"]["parts"]
    own["model"]["init_args"] |= {"training": training, "defences": {"parts": parts}}
    (workplace / "seen.yaml").write_text(yaml.safe_dump(own, sort_keys=False))
    options = ["--data.setups=1", "--data.attacks={frogs: {class_path: PoisonFrogs, init_args: {steps: 1}}}"]
    outcome = launch(["attack", "--config=seen.yaml", "--run_dir=seen", *options], workplace)
    assert outcome.status == 0, outcome.err
    (trial,) = read_csv(workplace / "seen/trials.csv")
    assert trial.seen
    # The adversary may change the images that the body was trained on.
    assert trial.radius is None
    assert "* A frozen body or a denoiser was trained on training or test images of these trials." in outcome.out
    assert "<td>seen*</td>" in (workplace / "seen/report.html").read_text()


def test_trials_are_compared_beside_published_results(workplace: Path) -> None:
    published = ROOT / "results/arena/published/hong2024.csv"
    outcome = launch(["compare", "run", str(published), "--out=both"], workplace)
    assert outcome.status == 0, outcome.err
    text = (workplace / "both/comparison.md").read_text()
    trials = [trial for trial in read_csv(workplace / "run/trials.csv") if trial.key[::2] == ("frogs", "none")]
    won = sum(trial.success for trial in trials)
    assert f"| frogs, none | linf 51/255 | {won / 2:.1%} (" in " ".join(text.split())
    assert "Bullseye Polytope, adversarial training | linf 16/255 | 96.0% (90.2-98.4) | 90.3%" in " ".join(text.split())
    assert (workplace / "both/comparison.tex").is_file()
    page = (workplace / "both/report.html").read_text()
    assert page.count('<img class="poisons"') == 4
    assert "Bullseye Polytope, adversarial training" in page
    assert list((workplace / "both/wandb").glob("offline-run-*"))


def test_damaged_pictures_are_refused_before_anything_is_written(workplace: Path) -> None:
    (workplace / "run/poisons/frogs-0/poisons.png").write_bytes(b"no picture")
    outcome = launch(["compare", "run", "--out=both"], workplace)
    assert outcome.status == 2
    assert "run/poisons/frogs-0/poisons.png: damaged" in outcome.err.splitlines()[-1]
    assert not (workplace / "both").exists()


def test_trials_are_not_compared_with_certificates(workplace: Path) -> None:
    (workplace / "log.tsv").write_text("idx\tlabel\tpredict\tradius\tcorrect\ttime\n0\t1\t1\t0.5\t1\t0:00:01\n")
    outcome = launch(["compare", "run", "log.tsv"], workplace)
    assert outcome.status == 2
    assert "run holds trials of attacks and log.tsv does not; must be of one kind" in outcome.err


def test_label_consistent_poisons_are_crafted_on_an_adversarially_trained_network(workplace: Path) -> None:
    trigger = {"class_path": "RandomTrigger", "init_args": {"shape": [1, 8, 8], "size": 2}}
    attacks = {
        "frogs": {"class_path": "PoisonFrogs", "init_args": {"steps": 3}},
        "consistent": {"class_path": "LabelConsistent", "init_args": {"trigger": trigger, "steps": 2}},
    }
    robust = {"defence": {"class_path": "AdversarialTraining", "init_args": {"eps": 0.1}}, "attacks": ["consistent"]}
    options = ["--model.defences={none: NoDefence}", f"--data.attacks={json.dumps(attacks)}"]
    command = ["attack", "--config=config.yaml", "--run_dir=robust", "--data.setups=1", *options]
    outcome = launch([*command, f"--model.surrogates={json.dumps([robust])}"], workplace)
    assert outcome.status == 0, outcome.err
    networks = {
        path.parent.name: json.loads(path.read_text())["networks"][0]["sha256"]
        for run in ("run", "robust")
        for path in (workplace / run / "poisons").glob("*-0/manifest.json")
    }
    plain = json.loads((workplace / "run/poisons/frogs-0/manifest.json").read_text())["networks"][0]["sha256"]
    assert networks["frogs-0"] == plain
    assert json.loads((workplace / "robust/poisons/consistent-0/manifest.json").read_text())["networks"][0][
        "saw_training_set"
    ]
    assert networks["consistent-0"] != networks["brew-0"]


@pytest.mark.slow
def test_trials_are_logged(workplace: Path) -> None:
    options = ["--trainer.logger=true", "--run_dir=logged", "--data.setups=1", "--data.attacks={frogs: PoisonFrogs}"]
    outcome = launch(["attack", "--config=config.yaml", *options], workplace)
    assert outcome.status == 0, outcome.err
    metrics = (workplace / "logged/csv/metrics.csv").read_text()
    assert "trials/success/frogs/none" in metrics
    assert "trials/accuracy/frogs/parts" in metrics
    assert list((workplace / "logged/tensorboard").glob("events*"))
    assert list((workplace / "logged/wandb").glob("*run*"))
    assert json.loads((workplace / "logged/provenance.json").read_text())["examples"] == 3
