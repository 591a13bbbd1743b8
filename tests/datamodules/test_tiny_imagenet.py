from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from datamodules import TinyImageNet
from smoothing.provenance.origin import Origin

NAMES = [f"n{number:08}" for number in range(200)][::-1]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def picture(path: Path, grey: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (64, 64), grey).save(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The layout of the archive, with images of one grey each in three of its 200 classes."""
    folder = tmp_path / "tiny-imagenet-200"
    for label, name in enumerate(NAMES[:3]):
        for place in range(2 + label):
            picture(folder / "train" / name / "images" / f"{name}_{place}.png", 50 * label + place)
        (folder / "train" / name / f"{name}_boxes.txt").write_text("no image\n")
    lines = []
    for place, label in enumerate([1, 0, 2, 1]):
        picture(folder / "val/images" / f"val_{place}.png", 100 + place)
        lines.append(f"val_{place}.png\t{NAMES[label]}\t0\t0\t62\t62\n")
    (folder / "val/val_annotations.txt").write_text("".join(lines))
    (folder / "wnids.txt").write_text("\n".join(NAMES) + "\n")
    return tmp_path


def tiny(root: Path, **arguments: Any) -> TinyImageNet:
    data = TinyImageNet(str(root), **({"classes": [0, 1, 2]} | arguments))
    data.setup()
    return data


def greys(data: TinyImageNet, train: bool) -> list[tuple[int, int]]:
    x, labels = data.load(train)
    return [(round(float(image[0, 0, 0]) * 255), int(label)) for image, label in zip(x, labels, strict=True)]


def test_classes_follow_the_file_of_names_and_tests_their_annotations(root: Path) -> None:
    data = tiny(root)
    assert greys(data, True) == [(0, 0), (1, 0), (50, 1), (51, 1), (52, 1), (100, 2), (101, 2), (102, 2), (103, 2)]
    assert greys(data, False) == [(100, 1), (101, 0), (102, 2), (103, 1)]
    assert data.image_shape == (3, 64, 64)
    assert (len(data.requested), data.num_classes) == (4, 3)


def test_classes_are_chosen_and_coded_in_order(root: Path) -> None:
    data = tiny(root, classes=[2, 0], training_each=2)
    assert greys(data, True) == [(100, 0), (101, 0), (0, 1), (1, 1)]
    assert greys(data, False) == [(101, 1), (102, 0)]
    assert "the images for training, chosen by label, stay the same when labels flip" in data.assumptions


def test_encoders_of_imagenet_have_seen_the_images(root: Path) -> None:
    assert tiny(root).origin.overlaps(Origin.parse("ImageNet train"))


def test_the_default_folder_is_the_one_of_data_sets(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMOOTHING_DATA", str(root))
    data = TinyImageNet(classes=[0, 1])
    data.setup()
    assert data.fingerprint() == tiny(root, classes=[0, 1]).fingerprint()


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("wnids.txt", None, "wnids.txt; must be a readable file"),
        ("wnids.txt", "n1\nn2\n", "names 2 classes; must name 200"),
        ("wnids.txt", "n1\n" * 200, "names 1 classes; must name 200"),
        ("val/val_annotations.txt", None, r"must be a readable file.*Place tiny-imagenet-200/"),
        ("val/val_annotations.txt", "val_0.png\n", "line 1; must be a file and a class"),
        ("val/val_annotations.txt", "val_0.png\tn99\n", "line 1; must be a file and a class"),
        ("val/val_annotations.txt", f"../x.png\t{NAMES[0]}\n", "line 1; must be a file and a class"),
    ],
)
def test_a_damaged_archive_is_refused(root: Path, file: str, content: str | None, said: str) -> None:
    path = root / "tiny-imagenet-200" / file
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(ValueError, match=f"^TinyImageNet: .*{said}"):
        tiny(root)


def test_a_class_has_enough_images(root: Path) -> None:
    with pytest.raises(ValueError, match=r"has 2 images; must have at least 3"):
        tiny(root, training_each=3)
    with pytest.raises(ValueError, match=r"has 0 images; must have at least 1"):
        tiny(root, classes=[0, 3])
    with pytest.raises(ValueError, match=r"TinyImageNet: training_each = 0; must be at least 1"):
        TinyImageNet(str(root), training_each=0)
