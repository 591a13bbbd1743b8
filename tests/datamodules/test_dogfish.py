from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from datamodules import Dogfish
from lightning_modules.encoders import PretrainedEncoder, TimmBackbone

FOLDERS = {"n02085620": [10, 11, 12, 13], "n02113978": [20], "n02085936": [30, 31], "n01440764": [210] * 6, "cat": [99]}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Images of one grey each."""
    for name, greys in FOLDERS.items():
        folder = tmp_path / "train" / name
        folder.mkdir(parents=True)
        for place, grey in enumerate(greys):
            Image.new("RGB", (8, 8), (grey, grey, grey)).save(folder / f"{place}.png")
    return tmp_path


def dogfish(root: Path, **arguments: Any) -> Dogfish:
    given = {"fish": ["n01440764"], "training_each": 4, "tests_each": 2, "crop": 8, "resize": 8}
    data = Dogfish(str(root), **(given | arguments))
    data.setup()
    return data


def test_folders_are_gone_through_in_turn(root: Path) -> None:
    data = dogfish(root)
    x, labels = data.training_set()
    assert labels.tolist() == [0] * 4 + [1] * 4
    assert (x[:4, 0, 0, 0] * 255).round().tolist() == [10, 30, 20, 11]
    tests = [data.test_set()[place] for place in range(4)]
    assert [label for _, _, label in tests] == [0, 0, 1, 1]
    assert [round(float(image[0, 0, 0] * 255)) for _, image, _ in tests] == [31, 12, 210, 210]
    assert data.num_classes == 2


def test_what_is_chosen_and_sorted_by_label_is_told(root: Path) -> None:
    """A dog that is relabelled a fish, or a cat, is in another place or not there, and so are those after it."""
    assert dogfish(root).assumptions == (
        "examples keep their places, which go by label, when labels flip",
        "label flips stay within dogs and fish of ImageNet",
        "the images for training, chosen by label, stay the same when labels flip",
    )


def test_what_learned_from_imagenet_s_labels_has_seen_those_under_attack(root: Path) -> None:
    torch.manual_seed(0)
    encoder = PretrainedEncoder(TimmBackbone("resnet10t"), "ImageNet")
    with pytest.raises(ValueError, match="PretrainedEncoder: was trained on labels of ImageNet; must share none"):
        encoder.serve(dogfish(root).origin)
    encoder.accept_seen_labels = True
    encoder.serve(dogfish(root).origin)
    assert encoder.assumptions == ("features, learned from labels of ImageNet, do not change",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"training_each": 0}, "Dogfish: training_each = 0; must be at least 1"),
        ({"tests_each": 4}, "has 7 dogs; must have 8"),
        ({"fish": ["n0"]}, "Dogfish: fish: .* has no folder n0; must have all folders"),
        ({"dogs": []}, "Dogfish: dogs: .* has no folder any"),
        ({"fish": ["n01440764"] * 2}, "Dogfish: folder n01440764 is given twice; must be given once, for dogs or fish"),
        (
            {"fish": ["n01440764", "n02113978"]},
            "Dogfish: folder n02113978 is given twice; must be given once, for dogs or fish",
        ),
        ({"root": "nowhere"}, "nowhere/train; must be a folder with one .* Place train/<class>/<image> in the folder"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], message: str, root: Path) -> None:
    with pytest.raises(ValueError, match=message):
        dogfish(**({"root": root} | arguments))
