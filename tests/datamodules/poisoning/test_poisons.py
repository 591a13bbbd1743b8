"""Poisons are kept in files that are verified, and replace training images of any data module."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from datamodules import Digits
from datamodules.poisoning import Budget, BullseyePolytope, HiddenTrigger, PoisonedDataModule, Poisons
from datamodules.poisoning.poisons import ARRAYS, MANIFEST
from smoothing.provenance.origin import Origin
from tests.datamodules.poisoning.small import body, digits, setup, trigger


@pytest.fixture(scope="module")
def bullseye() -> Poisons:
    return BullseyePolytope(5).craft(digits(), setup(), Budget(4, 8 / 255), [body()], seed=3)


@pytest.fixture(scope="module")
def backdoor() -> Poisons:
    return HiddenTrigger(trigger(), 5, enough=0).craft(digits(), setup(), Budget(4, 1.0, "l2"), [body()])


@pytest.mark.parametrize("name", ["bullseye", "backdoor"])
def test_poisons_are_read_as_they_were_saved(tmp_path: Path, name: str, request: pytest.FixtureRequest) -> None:
    poisons: Poisons = request.getfixturevalue(name)
    poisons.save(str(tmp_path / "kept"))
    read = Poisons.load(str(tmp_path / "kept"))
    assert read.digest() == poisons.digest()
    assert torch.equal(read.images, poisons.images)
    assert (read.setup, read.budget, read.positions) == (poisons.setup, poisons.budget, poisons.positions)
    assert (read.trigger is None) == (poisons.trigger is None)
    read.save(str(tmp_path / "again"))
    for file in (ARRAYS, MANIFEST):
        assert (tmp_path / "kept" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()


def test_the_manifest_says_who_what_and_how(tmp_path: Path, bullseye: Poisons) -> None:
    bullseye.save(str(tmp_path))
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    assert manifest["attack"] == "BullseyePolytope(steps=5)"
    assert manifest["budget"] == {"count": 4, "eps": 8 / 255, "norm": "linf"}
    assert manifest["data"] == digits().fingerprint()
    assert manifest["seed"] == 3
    assert manifest["setup"]["intended"] == setup().intended
    assert manifest["loss_after"] < manifest["loss_before"]
    assert manifest["networks"][0]["class"] == "Sequential"
    assert manifest["networks"][0]["saw_training_set"] is None
    assert manifest["sha256"] == bullseye.digest()


@pytest.mark.parametrize(("source", "saw"), [("Digits train", True), ("Digits test", False), ("MNIST", False)])
def test_networks_that_saw_the_training_set_are_marked(source: str, saw: bool) -> None:
    network = body()
    network.trained_on = (Origin.parse(source),)
    poisons = BullseyePolytope(0).craft(digits(), setup(), Budget(1, 0.1), [network])
    assert poisons.networks[0]["saw_training_set"] is saw


def change_array(folder: Path, name: str) -> None:
    with np.load(folder / ARRAYS) as file:
        arrays = dict(file)
    arrays[name].flat[0] += 1
    np.savez(folder / ARRAYS, **arrays)


def change_manifest(folder: Path, key: str) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest[key] = 5
    (folder / MANIFEST).write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: change_array(folder, "images"),
        lambda folder: change_array(folder, "positions"),
        lambda folder: change_array(folder, "bases"),
        lambda folder: change_array(folder, "pattern"),
        lambda folder: change_manifest(folder, "seed"),
        lambda folder: change_manifest(folder, "attack"),
        lambda folder: change_manifest(folder, "budget"),
        lambda folder: change_manifest(folder, "networks"),
        lambda folder: change_manifest(folder, "sha256"),
        lambda folder: change_manifest(folder, "more"),
        lambda folder: (folder / MANIFEST).write_text("{"),
        lambda folder: (folder / ARRAYS).write_bytes(b"PK"),
        lambda folder: (folder / ARRAYS).unlink(),
        lambda folder: (folder / MANIFEST).unlink(),
    ],
)
def test_changed_files_are_refused_in_one_line(tmp_path: Path, backdoor: Poisons, change) -> None:
    backdoor.save(str(tmp_path))
    change(tmp_path)
    with pytest.raises(ValueError, match=r"^Poisons: folder = .*; must hold ") as refused:
        PoisonedDataModule(digits(), str(tmp_path))
    assert "\n" not in str(refused.value)


def poisoned(poisons: Poisons) -> PoisonedDataModule:
    data = PoisonedDataModule(Digits(classes=(0, 1, 2)), poisons)
    data.setup()
    return data


def test_poisons_replace_training_images_and_keep_labels(bullseye: Poisons) -> None:
    data, (x, labels) = poisoned(bullseye), digits().training_set()
    poisoned_x, poisoned_labels = data.training_set()
    assert torch.equal(poisoned_labels, labels)
    assert torch.equal(poisoned_x[list(bullseye.positions)], bullseye.images)
    assert (poisoned_x != x).flatten(1).any(1).nonzero().flatten().tolist() == sorted(bullseye.positions)
    assert torch.equal(digits().training_set()[0], x)
    fitting = torch.cat([batch for batch, _ in (*data.train_dataloader(), *data.val_dataloader())])
    for image in bullseye.images:
        assert (fitting == image).flatten(1).all(1).any()


def test_poisoned_data_look_like_the_clean_data_and_have_another_fingerprint(bullseye: Poisons) -> None:
    data = poisoned(bullseye)
    for name in ("source", "origin", "classes", "num_classes", "requested", "image_shape", "assumptions", "batch_size"):
        assert getattr(data, name) == getattr(digits(), name)
    assert data.fingerprint() != digits().fingerprint()
    assert data.fingerprint() == poisoned(bullseye).fingerprint()
    assert data.fingerprint() != poisoned(replace(bullseye, seed=4)).fingerprint()


def test_only_the_target_of_a_backdoor_has_the_trigger(bullseye: Poisons, backdoor: Poisons) -> None:
    clean = digits().test_set()
    for poisons in (bullseye, backdoor):
        tests = poisoned(poisons).test_set()
        changed = [index for index in range(len(clean)) if not torch.equal(tests[index][1], clean[index][1])]
        assert changed == ([] if poisons.trigger is None else [poisons.setup.target])
        assert [tests[index][2] for index in range(9)] == [clean[index][2] for index in range(9)]
    index, x, label = poisoned(backdoor).target
    assert (index, label) == (setup().target, setup().target_class)
    assert torch.equal(x[:, 6:, 6:], trigger().pattern)


def test_poisons_of_other_data_are_refused(bullseye: Poisons) -> None:
    with pytest.raises(ValueError, match=r"^Poisons: data have the fingerprint .*; must be "):
        PoisonedDataModule(Digits(classes=(0, 1, 3)), bullseye).setup()


def test_poisons_beyond_their_budget_are_refused(bullseye: Poisons) -> None:
    smaller = replace(bullseye, budget=Budget(4, 4 / 255))
    with pytest.raises(ValueError, match=r"^Budget: largest change = 0\.03.* in linf; must be at most 0\.0156"):
        PoisonedDataModule(digits(), smaller).setup()


def test_poisons_at_other_positions_are_refused(bullseye: Poisons) -> None:
    outside = next(position for position in range(99) if position not in bullseye.setup.bases)
    for first in (outside, bullseye.positions[1]):
        other = replace(bullseye, positions=(first, *bullseye.positions[1:]))
        with pytest.raises(ValueError, match=r"^Poisons: positions; must be bases of the setup, each once"):
            PoisonedDataModule(digits(), other).setup()
