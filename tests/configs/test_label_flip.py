"""Every config for label flips runs, those for MNIST on few examples, and makes of the data what it says."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightning_modules import FrozenEncoder
from smoothing.certificates import Table
from smoothing.collective import CollectiveTable
from tests.front_door import launch

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs" / "label_flip"
ENCODER = ROOT / "results" / "mnist17" / "encoder.ckpt"
QUICK = ["--trainer.logger=false", "--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false"]
LINEAR = ["mnist17", "mnist17_best_ridge", "mnist17_clusters", "mnist17_unregularised"]
FOUR = ("chernoff_kl", "chernoff_tight", "berry_esseen_tight", "exact")
FEW = ["--data.training=train[0:800]", "--data.every=1250"]
FEW_REVIEWS = ["--data.training=train[12100:12900]", "--data.every=3125"]
UNTRAINED = [*FEW, "--model.keep_features=kept", "--model.encoder.backbone.name=resnet10t"]
UNTRAINED += ["--model.encoder.backbone.weights=false", "--model.encoder.backbone.size=32"]
SMALL = {
    "mnist": [*FEW, "--model.votes.neighbours=40", "--model.encoder.centres=30"],
    "mnist_ridge": [*FEW, "--model.encoder.centres=30"],
    "mnist_paper": FEW,
    "mnist_collective": [*FEW, "--model.votes.neighbours=40", "--model.encoder.centres=30"],
    "cifar10_patches": [*FEW, "--model.encoder.centres=80"],
    "cifar10_transfer": [*UNTRAINED, "--model.votes.neighbours=40"],
    "cifar10_transfer_ridge": UNTRAINED,
    "imdb": [*FEW_REVIEWS, "--model.encoder.vocabulary=500"],
    "imdb_collective": [*FEW_REVIEWS, "--model.encoder.vocabulary=500"],
    "imdb_paper": FEW_REVIEWS,
    "spambase": ["--data.every=115"],
}
"""Configs on data sets at hand, and what makes them small; each is asked eight examples."""

RIVALS = {
    "mnist_partitions": [*FEW, "--model.votes.parts=40", "--model.encoder.centres=30"],
    "mnist_clusters": [*FEW, "--model.encoder.centres=30"],
    "mnist_bagging": [*FEW, "--model.certifiers.bagging.n=200", "--model.encoder.centres=30"],
    "cifar10_partitions": [*FEW, "--model.votes.parts=40", "--model.encoder.centres=80"],
    "cifar10_transfer_partitions": [*UNTRAINED, "--model.votes.parts=40"],
    "imdb_partitions": [*FEW_REVIEWS, "--model.votes.parts=40", "--model.encoder.vocabulary=500"],
}
"""The same for other ways to vote."""


def certify(name: str, folder: Path, *options: str) -> Table:
    """The table of a config that is run in a folder."""
    config = [f"--config={CONFIGS / name}.yaml", "--run_dir=run"]
    outcome = launch(["certify", *config, *QUICK, *options], folder)
    assert outcome.status == 0, outcome.err
    return Table.read_csv(folder / "run" / "certificates.csv")


def test_digits(tmp_path: Path) -> None:
    table = certify("digits", tmp_path)
    kl, tight, exact = (table.of(name) for name in ("chernoff_kl", "chernoff_tight", "exact"))
    assert table.certifiers == ("chernoff_kl", "chernoff_tight", "exact")
    assert exact["correct"].mean() > 0.95
    assert (kl["radius"] <= tight["radius"]).all()
    assert (tight["radius"] <= exact["radius"]).all()
    assert (exact["radius"] > 20).mean() > 0.5


@pytest.mark.slow
def test_digits_together(tmp_path: Path) -> None:
    certify("digits_collective", tmp_path)
    table = CollectiveTable.read_csv(tmp_path / "run" / "collective.csv")
    bounds, attacks = table.of("together"), table.of("attack")
    assert table.attacks == {"attack"}
    for bound, attack in zip(bounds, attacks, strict=True):
        assert bound.pointwise <= bound.certified <= attack.certified
    assert bounds[4].certified > bounds[4].pointwise + 0.3


def assert_truth_lies_between(run: Path) -> None:
    """Check that no attack leaves fewer answers than the collective certificates do."""
    table = CollectiveTable.read_csv(run / "collective.csv")
    bounds = table.of("together")
    assert "local_search" in table.attacks
    for attack in table.attacks:
        for bound, row in zip(bounds, table.of(attack), strict=True):
            assert bound.pointwise <= bound.certified <= row.certified
            assert (bound.budget, bound.number) == (row.budget, row.number)


def test_mnist17_together(mnist_root: Path, tmp_path: Path) -> None:
    few = ["--data.training=train[0:2000]", "--data.every=200", f"--model.encoder.base_ckpt={ENCODER}"]
    certify("mnist17_collective", tmp_path, *few)
    assert_truth_lies_between(tmp_path / "run")
    assert CollectiveTable.read_csv(tmp_path / "run" / "collective.csv").of("greedy")[-1].certified == 0


@pytest.mark.parametrize("name", LINEAR)
def test_mnist17(name: str, mnist_root: Path, tmp_path: Path) -> None:
    table = certify(name, tmp_path, "--data.every=200", f"--model.encoder.base_ckpt={ENCODER}")
    assert table.certifiers == FOUR
    rows = table.of("exact")
    assert rows["index"].tolist() == list(range(0, 2163, 200))
    conditional = ["lambda" in phrases for phrases in rows["assumptions"]]
    assert all(conditional) if name == "mnist17" else not any(conditional)


def test_mnist17_ntk(mnist_root: Path, tmp_path: Path) -> None:
    few = ["--data.training=train[0:1000]", "--data.every=200", "--model.votes.regularisation.factor=20"]
    table = certify("mnist17_ntk", tmp_path, *few)
    assert table.certifiers == FOUR
    assert table.of("exact")["correct"].all()
    assert (table.of("exact")["radius"] >= table.of("chernoff_tight")["radius"]).all()
    assert table.of("exact")["radius"].max() > 10


def test_mnist17_partitions(mnist_root: Path, tmp_path: Path) -> None:
    options = ["--data.every=300", f"--model.encoder.base_ckpt={ENCODER}", "--model.votes.parts=100"]
    table = certify("mnist17_partitions", tmp_path, *options)
    assert table.certifiers == ("dpa", "run_off", "white_box")
    assert (table.of("dpa")["radius"] <= table.of("white_box")["radius"]).all()
    assert (table.of("dpa")["radius"] == table.of("run_off")["radius"]).all()


def test_digits_partitions(tmp_path: Path) -> None:
    table = certify("digits_partitions", tmp_path, "--data.every=4")
    dpa, run_off, white_box = (table.of(name) for name in ("dpa", "run_off", "white_box"))
    assert dpa["correct"].mean() > 0.85
    assert (dpa["radius"] <= white_box["radius"]).all()
    assert dpa["deterministic"].all()
    assert set(run_off["classifier"]) == {"run-off"}


def test_digits_finite_aggregation(tmp_path: Path) -> None:
    only = "--model.certifiers={fa: {class_path: Plurality}, run_off: {class_path: RunOff}}"
    table = certify("digits_partitions", tmp_path, "--data.every=10", "--model.votes.spread=4", only)
    assert table.of("fa")["correct"].mean() > 0.85
    assert (table.of("fa")["radius"] > 5).mean() > 0.5


def test_digits_bagging(tmp_path: Path) -> None:
    table = certify("digits_bagging", tmp_path, "--data.every=10")
    assert table.of("bagging")["correct"].mean() > 0.7
    assert (table.of("bagging")["radius"] > 5).mean() > 0.5


def test_digits_clusters(tmp_path: Path) -> None:
    table = certify("digits_clusters", tmp_path)
    assert table.of("joint_naming")["correct"].mean() > 0.6
    assert (table.of("joint_naming")["radius"] > 20).mean() > 0.5


def test_attack_and_certificate_meet(mnist_root: Path, tmp_path: Path) -> None:
    table = certify("mnist17_attacked", tmp_path, "--data.every=200", f"--model.encoder.base_ckpt={ENCODER}")
    exact, attack = table.of("exact"), table.of("best_attack")
    assert (exact["radius"] == attack["radius"]).all()
    assert set(attack["classifier"]) == {"attacked mean"}


def test_the_undefended_network_falls_early(mnist_root: Path, tmp_path: Path) -> None:
    few = ["--data.training=train[0:2000]", "--data.every=700", f"--model.encoder.base_ckpt={ENCODER}"]
    table = certify("mnist17_undefended", tmp_path, *few)
    assert table.certifiers == ("nearest", "influence")
    assert set(table["classifier"]) == {"attacked base"}
    assert (table["radius"] < 200).all()


def certify_if_there(name: str, data_root: Path, folder: Path, *options: str) -> Table:
    """The same, unless the data set is absent."""
    needed = {"mnist": "MNIST", "cifar10": "cifar-10-batches-py"}.get(name.split("_")[0], name.split("_")[0])
    if not (data_root / needed).is_dir():
        pytest.skip(f"no {needed} in SMOOTHING_DATA={data_root}")
    return certify(name, folder, *options)


@pytest.mark.parametrize("name", SMALL)
def test_other_data(name: str, data_root: Path, tmp_path: Path) -> None:
    table = certify_if_there(name, data_root, tmp_path, *SMALL[name])
    assert len(table.of("exact")) == 8
    assert table.certifiers in (FOUR, ("exact",), ("exact", "best_attack"))
    conditional = {"lambda" in phrases for phrases in table["assumptions"]}
    assert conditional == {name == "mnist_paper"}
    learned = "features were learned from ImageNet's labels, and from none of CIFAR10 train[:800]"
    assert {learned in phrases for phrases in table["assumptions"]} == {"transfer" in name}
    if "collective" in name or name == "cifar10_transfer":
        assert_truth_lies_between(tmp_path / "run")


@pytest.mark.parametrize("name", RIVALS)
def test_rivals(name: str, data_root: Path, tmp_path: Path) -> None:
    table = certify_if_there(name, data_root, tmp_path, *RIVALS[name])
    assert all(len(table.of(certifier)) == 8 for certifier in table.certifiers)
    assert (table["radius"] > 0).any()
    if "white_box" in table.certifiers:
        assert (table.of("dpa")["radius"] <= table.of("white_box")["radius"]).all()


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    """A folder like ImageNet's, of noise that is darker for dogs."""
    draw = np.random.default_rng(0)
    for name, brightest in (("n02085620", 120), ("n01440764", 250)):
        folder = tmp_path / "imagenet" / "train" / name
        folder.mkdir(parents=True)
        for place in range(14):
            Image.fromarray(draw.integers(0, brightest, (40, 40, 3), np.uint8)).save(folder / f"{place}.png")
    return tmp_path / "imagenet"


DOGFISH = {
    "dogfish": ["--model.encoder.backbone.name=resnet10t", "--model.encoder.backbone.weights=false"],
    "dogfish_rica": ["--model.encoder.filters=8", "--model.encoder.samples=60", "--model.encoder.iterations=3"],
}


@pytest.mark.parametrize("name", DOGFISH)
def test_dogfish(name: str, animals: Path, tmp_path: Path) -> None:
    size = ["--data.training_each=10", "--data.tests_each=4", "--data.crop=32", "--data.resize=32"]
    where = [f"--data.root={animals}", "--data.fish=[n01440764]"]
    components = ["--model.votes.transforms", "[{class_path: PCA, init_args: {components: 5}}]"]
    table = certify(name, tmp_path, *size, *where, *components, *DOGFISH[name])
    assert table.certifiers == FOUR
    assert len(table.of("exact")) == 8
    learned = "features, learned from labels of ImageNet, do not change"
    assert all((learned in said) == (name == "dogfish") for said in table["assumptions"])
    assert all("label flips stay within dogs and fish of ImageNet" in said for said in table["assumptions"])


def test_an_encoder_that_has_seen_dogs_and_fish_is_refused(animals: Path, tmp_path: Path) -> None:
    options = [*DOGFISH["dogfish"], "--model.encoder.accept_seen_labels=false", f"--data.root={animals}"]
    few = ["--data.training_each=10", "--data.tests_each=4", "--data.fish=[n01440764]"]
    outcome = launch(
        ["certify", f"--config={CONFIGS / 'dogfish.yaml'}", "--run_dir=run", *QUICK, *options, *few], tmp_path
    )
    assert outcome.status == 2
    assert outcome.err.startswith("error: PretrainedEncoder: was trained on labels of ImageNet")
    assert outcome.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_simclr_from_training_to_certificates(data_root: Path, tmp_path: Path) -> None:
    if not (data_root / "cifar-10-batches-py").is_dir():
        pytest.skip(f"no CIFAR-10 in SMOOTHING_DATA={data_root}")
    short = ["--trainer.max_epochs=1", "--trainer.limit_train_batches=2", "--trainer.limit_val_batches=1"]
    small = [
        "--data.batch_size=16",
        "--model.backbone.name=resnet10t",
        "--model.backbone.size=32",
        "--data.num_workers=0",
    ]
    where = [f"--config={CONFIGS / 'simclr_cifar10.yaml'}", "--run_dir=fit", "--trainer.precision=32"]
    outcome = launch(["fit", *where, *QUICK, *short, *small, "--model.backbone.name=resnet10t"], tmp_path)
    assert outcome.status == 0, outcome.err
    few = [*FEW, "--model.encoder.base_ckpt=fit/checkpoints/last.ckpt"]
    table = certify("cifar10_simclr", tmp_path, *few)
    assert len(table.of("exact")) == 8
    assert set(table["assumptions"]) == {""}


def test_the_commands_of_the_paper_s_q_agree_with_the_rule(mnist_root: Path, tmp_path: Path) -> None:
    options = ["--model.measure.q=0.4", "--model.votes.regularisation.q=0.4"]
    table = certify("mnist17", tmp_path, "--data.every=500", f"--model.encoder.base_ckpt={ENCODER}", *options)
    assert len(table.of("exact")["radius"]) == 5


def test_encoder(mnist_root: Path, tmp_path: Path) -> None:
    short = ["--trainer.max_epochs=1", "--trainer.limit_train_batches=2", "--trainer.limit_val_batches=1"]
    outcome = launch(["fit", f"--config={CONFIGS / 'encoder.yaml'}", "--run_dir=run", *QUICK, *short], tmp_path)
    assert outcome.status == 0, outcome.err
    encoder = FrozenEncoder(str(tmp_path / "run" / "checkpoints" / "encoder.ckpt"))
    assert encoder.trained_on == FrozenEncoder(str(ENCODER)).trained_on
    assert encoder.network.state_dict().keys() == FrozenEncoder(str(ENCODER)).network.state_dict().keys()


def test_an_encoder_that_has_seen_the_classes_is_refused(mnist_root: Path, tmp_path: Path) -> None:
    config = [f"--config={CONFIGS / 'mnist17.yaml'}", f"--model.encoder.base_ckpt={ENCODER}", "--run_dir=run"]
    outcome = launch(["certify", *config, *QUICK, "--data.classes=[1,4]"], tmp_path)
    assert outcome.status == 2
    assert outcome.err.count("\n") == 1
    assert "FrozenEncoder: was trained on labels of classes 0, 2, 3, 4" in outcome.err
    assert not (tmp_path / "run").exists()
