"""Every snippet, file and command in the pages of the documentation runs as it is written."""

import re
from importlib import import_module
from pathlib import Path

import pytest
import torch
import yaml

from datamodules.poisoning import Poisons
from lightning_modules.architectures import OwnNetwork
from smoothing.certificates import Table
from tests.docs.pages import DOCS, ROOT, blocks, run

ELSEWHERE = {"tutorials/new_noise.md", "python.md", "launch.md", "dashboards.md"}
"""Pages with tests of their own."""

COPIES = {"results", "changelog.md", "contributing.md"}
"""Pages of the built site that are copied from outside of the folder of the documentation."""

SOURCES = {page.relative_to(DOCS).as_posix(): page for page in sorted(DOCS.rglob("*.md"))}
PAGES = {
    name: page
    for name, page in SOURCES.items()
    if name not in ELSEWHERE and name.partition("/")[0] not in COPIES and blocks(page)
}


@pytest.mark.slow
@pytest.mark.parametrize("page", sorted(PAGES))
def test_the_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(PAGES[page], tmp_path)
    check = CHECKS.get(page)
    if check is not None:
        check(tmp_path)


def _start(folder: Path) -> None:
    assert (folder / "q/comparison.png").stat().st_size > 0


def _own_data(folder: Path) -> None:
    for name, flips in (("cells", 10), ("stripes", 10), ("table", 3)):
        table = Table.read_csv(folder / "runs" / name / "certificates.csv").of("exact")
        assert (table["correct"] & (table["radius"] >= flips)).mean() > 0.7
    assert Table.read_csv(folder / "runs/forest/certificates.csv")["correct"].mean() > 0.8


def _own_network(folder: Path) -> None:
    table = Table.read_csv(folder / "runs/mlp/certificates.csv")
    assert (table["correct"] & (table["radius"] > 0.2)).mean() > 0.5
    arguments = yaml.safe_load((folder / "cohen.yaml").read_text())["init_args"]
    network = import_module(arguments["network"].rpartition(".")[0]).resnet50()
    weights = folder / arguments.pop("weights")
    torch.save({"state_dict": torch.nn.Sequential(torch.nn.Identity(), network).state_dict()}, weights)
    assert OwnNetwork(**arguments, weights=str(weights)).num_classes == 1000


def _pretrained_features(folder: Path) -> None:
    first, again = (folder / "runs" / name / "certificates.csv" for name in ("pretrained", "again"))
    assert first.read_bytes() == again.read_bytes()
    said = "features were learned from noise's labels, and from none of classes 1, 7 of Digits train"
    table = Table.read_csv(first)
    assert all(said in phrases for phrases in table["assumptions"])
    assert (table["correct"] & (table["radius"] >= 5)).mean() > 0.7
    assert len(list(folder.glob("kept/*/*.safetensors"))) > len(table)


def _own_certifier(folder: Path) -> None:
    table = Table.read_csv(folder / "runs/digits/certificates.csv")
    known, loose = (table.of(name)["radius"] for name in ("clopper_pearson", "hoeffding"))
    assert (loose <= known).all()
    assert loose.mean() > 1


def _own_guarantee(folder: Path) -> None:
    table = Table.read_csv(folder / "runs/pinsker/certificates.csv")
    pinsker, kl, tight = (table.of(name)["radius"] for name in ("pinsker", "kl", "tight"))
    assert (pinsker <= kl).all()
    assert (kl <= tight).all()
    assert (pinsker >= 1).mean() > 0.5


def _own_attack(folder: Path) -> None:
    table = Table.read_csv(folder / "runs/heaviest/certificates.csv")
    exact, attacked = (table.of(name) for name in ("exact", "heaviest"))
    assert (attacked["radius"] >= exact["radius"]).all()
    assert attacked["radius"].mean() < 100
    assert set(attacked["classifier"]) == {"attacked mean"}


def _own_vote(folder: Path) -> None:
    table = Table.read_csv(folder / "runs/laplacian/certificates.csv")
    assert (table["correct"] & (table["radius"] >= 10)).mean() > 0.7


def _test_inputs(folder: Path) -> None:
    table = Table.read_csv(folder / "runs/tumours/certificates.csv")
    assert table.certifiers == ("joint-0_flips", "joint-1_flips", "joint-2_flips")
    none, one, two = (table.of(name)["correct"].mean() for name in table.certifiers)
    assert none > 0.85
    assert none > one > two > 0.2


def _poisoned_data(folder: Path) -> None:
    poisons = Poisons.load(str(folder / "poisons"))
    assert poisons.loss_after < 0.3 * poisons.loss_before
    assert poisons.networks[0]["saw_training_set"] is False
    assert Table.read_csv(folder / "runs/poisoned/certificates.csv")["correct"].mean() > 0.8


def _training_inputs(folder: Path) -> None:
    table = Table.read_csv(folder / "runs/labels_and_images/certificates.csv")
    assert table.certifiers == ("joint-0_flips", "joint-1_flips", "joint-2_flips")
    radius = [table.of(name)["radius"] for name in table.certifiers]
    assert (radius[0] >= radius[1]).all()
    assert (radius[1] >= radius[2]).all()
    assert radius[2].max() > 0.2


CHECKS = {
    "threats/training_inputs.md": _training_inputs,
    "threats/test_inputs.md": _test_inputs,
    "start.md": _start,
    "how_to/own_data.md": _own_data,
    "how_to/own_network.md": _own_network,
    "how_to/pretrained_features.md": _pretrained_features,
    "how_to/own_certifier.md": _own_certifier,
    "how_to/own_vote.md": _own_vote,
    "how_to/own_guarantee.md": _own_guarantee,
    "how_to/own_attack.md": _own_attack,
    "how_to/poisoned_data.md": _poisoned_data,
}


def test_the_installation_is_that_of_the_readme() -> None:
    (install,) = [block.code for block in blocks(DOCS / "start.md") if block.installs]
    assert install in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", sorted(PAGES))
def test_no_block_is_left_out(page: str) -> None:
    text = PAGES[page].read_text(encoding="utf-8")
    assert len(blocks(PAGES[page])) == len(re.findall(r"^\s*```(?:python|bash|yaml)", text, re.MULTILINE))
