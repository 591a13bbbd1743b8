import hashlib
import os
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest
import torch
from PIL import Image

from datamodules import ImageFolder
from smoothing.provenance.origin import Origin
from smoothing.votes import ByPosition, Stratified

GREYS = {
    "train": {"ant": [10, 20, 30], "bee": [110, 120], "cat": [210] * 30},
    "val": {"ant": [15], "bee": [115, 125], "cat": [215]},
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Images of one grey each, 20 x 12 pixels, in the colours of their values."""
    for part, classes in GREYS.items():
        for name, greys in classes.items():
            folder = tmp_path / "animals" / part / name
            folder.mkdir(parents=True)
            for place, grey in enumerate(greys):
                Image.new("RGB", (20, 12), (grey, grey, grey)).save(folder / f"{place:02}.png")
            (folder / "notes.txt").write_text("no image")
    return tmp_path / "animals"


def folder(root: Path, **arguments: Any) -> ImageFolder:
    data = ImageFolder(str(root), **({"crop": 8, "resize": 10, "batch_size": 4} | arguments))
    data.setup()
    return data


def grey(x: torch.Tensor) -> list[int]:
    assert (x.amax((1, 2, 3)) - x.amin((1, 2, 3)) < 1e-6).all()
    return [round(float(v) * 255) for v in x[:, 0, 0, 0]]


def test_the_test_set_is_read_by_position(root: Path) -> None:
    data = folder(root, every=2)
    assert data.num_classes == 3
    examples = [data.test_set()[place] for place in range(4)]
    assert [index for index, _, _ in examples] == [0, 1, 2, 3]
    assert grey(torch.stack([x for _, x, _ in examples])) == [15, 115, 125, 215]
    assert [label for _, _, label in examples] == [0, 1, 1, 2]
    assert examples[0][1].shape == data.image_shape == (3, 8, 8)
    ((index, x, label),) = data.predict_dataloader()
    assert (index.tolist(), grey(x), label.tolist()) == ([0, 2], [15, 125], [0, 1])


def test_classes_are_chosen_and_coded_in_order(root: Path) -> None:
    data = folder(root, classes=[1, 0])
    x, y = data.training_set()
    assert grey(x) == [110, 120, 10, 20, 30]
    assert y.tolist() == [0, 0, 1, 1, 1]
    assert data.assumptions == (
        "label flips stay within the classes 1, 0 of animals",
        "examples keep their places, which go by label, when labels flip",
    )


def test_places_go_by_label_and_certificates_say_so(root: Path) -> None:
    """Parts by position are stratified by the labels under attack: one flip moves all images between."""
    data = folder(root)
    assert data.assumptions == ("examples keep their places, which go by label, when labels flip",)
    x, labels = data.training_set()
    parts = ByPosition().assign(x.flatten(1), labels, 4)
    assert torch.equal(parts, Stratified(conditional=True).assign(x.flatten(1), labels, 4))
    (root / "train/ant/00.png").rename(root / "train/cat/99.png")
    assert grey(folder(root).training_set()[0])[:2] == [20, 30]


def test_every_tenth_training_image_is_for_validation(root: Path) -> None:
    data = folder(root)

    def seen(loader: Any) -> list[tuple[int, int]]:
        return [pair for x, y in loader for pair in zip(grey(x), y.tolist(), strict=True)]

    training, validation = seen(data.train_dataloader()), seen(data.val_dataloader())
    every = [(v, c) for c, greys in enumerate(GREYS["train"].values()) for v in greys]
    assert validation == every[9::10]
    assert sorted(training + validation) == every


def test_a_random_part_is_trained_on(root: Path) -> None:
    path = root / "train/ant/00.png"
    picture = Image.new("L", (20, 12))
    picture.putdata([12 * (x % 20) for x in range(240)])
    picture.convert("RGB").save(path)
    data = folder(root)
    parts = [data.fitting_set(validation=False)[0][0] for _ in range(8)]
    assert all(part.shape == (3, 8, 8) and part.dtype == torch.float32 for part in parts)
    assert len({float(part.sum()) for part in parts}) > 4
    assert torch.equal(data.load(train=True)[0][0], data.load(train=True)[0][0])


def test_the_fingerprint_is_a_function_of_the_files(root: Path) -> None:
    known = folder(root).fingerprint()
    assert folder(root).fingerprint() == known
    assert folder(root, classes=[0, 1]).fingerprint() != known
    (root / "val/bee/00.png").rename(root / "val/bee/09.png")
    assert folder(root).fingerprint() != known


@pytest.mark.parametrize("part", ["train", "val"])
def test_the_fingerprint_is_a_function_of_pixels(root: Path, part: str) -> None:
    """Also of a file of the same size, the time of change set back."""
    path = root / part / "bee/00.png"
    known = folder(root).fingerprint()
    before, content = path.stat(), path.read_bytes()
    picture = Image.open(path)
    picture.putpixel((0, 0), (111, 0, 0))
    picture.save(path)
    path.write_bytes(path.read_bytes()[: len(content)].ljust(len(content), b"\0"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert folder(root).fingerprint() != known
    path.write_bytes(content)
    assert folder(root).fingerprint() == known


def test_files_are_read_once_for_the_fingerprint(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    digest = hashlib.file_digest

    def counted(file: Any, kind: str) -> Any:
        read.append(Path(file.name).relative_to(root).as_posix())
        return digest(file, kind)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    known = folder(root).fingerprint()
    assert len(read) == len(set(read)) == len(list(root.rglob("*.png")))
    read.clear()
    assert folder(root).fingerprint() == known
    assert read == []
    (cache,) = Path(os.environ["XDG_CACHE_HOME"]).glob("smoothing/file_hashes/*")
    for damage in (b"", b"[]", b'{"train/ant/00.png": 3, "train/ant/01.png": []}', b"\xff"):
        cache.write_bytes(damage)
        assert folder(root).fingerprint() == known
        assert len(read) == len(set(read)) > 0
        read.clear()


def test_a_cache_that_cannot_be_written_is_done_without(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = folder(root).fingerprint()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert folder(root).fingerprint() == known


def test_what_is_no_image_is_named(root: Path) -> None:
    (root / "val/bee/00.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"^.*val/bee/00.png; must be a readable image$"):
        folder(root).test_set()[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"crop": 0}, "ImageFolder: crop = 0; must be at least 1 and at most resize = 10"),
        ({"crop": 8.5}, r"ImageFolder: crop = 8.5; must be a whole number, at least 1"),
        ({"crop": 11}, "ImageFolder: crop = 11; must be at least 1 and at most resize = 10"),
        ({"classes": [0, 3]}, r"ImageFolder: classes = \[0, 3\]; 3 is not one of \[0, 1, 2\]"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], message: str, root: Path) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        folder(root, **arguments)


def test_folders_must_be_there_and_alike(root: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^.*nowhere/train; must be a folder with one folder per class. Place .*"):
        folder(tmp_path / "nowhere")
    (root / "val/dog").mkdir()
    with pytest.raises(ValueError, match=r"^ImageFolder: root = .*; train and val must contain the same folders$"):
        folder(root)
    (root / "train/dog").mkdir()
    with pytest.raises(ValueError, match=r"^ImageFolder: .*train/dog contains no image; must contain at least one$"):
        folder(root)


def test_a_folder_without_a_training_set_is_for_trained_networks(root: Path) -> None:
    whole = folder(root)
    both = whole.fingerprint()
    rmtree(root / "train")
    data = folder(root)
    assert (data.num_classes, data.image_shape, list(data.requested)) == (3, (3, 8, 8), [0, 1, 2, 3])
    for place in range(4):
        mine, theirs = data.test_set()[place], whole.test_set()[place]
        assert (mine[0], mine[2]) == (theirs[0], theirs[2])
        assert torch.equal(mine[1], theirs[1])
    known = data.fingerprint()
    assert known != both
    for training in (data.training_set, data.train_dataloader, data.val_dataloader):
        with pytest.raises(
            ValueError, match=r"^ImageFolder: root = .*animals has no folder train; must have one, unless"
        ):
            training()
    Image.new("RGB", (20, 12)).save(root / "val/ant/00.png")
    assert folder(root).fingerprint() != known
    (root / "val/dog").mkdir()
    assert folder(root).num_classes == 4
    (root / "train").mkdir()
    with pytest.raises(ValueError, match="train and val must contain the same folders"):
        folder(root)


def test_images_may_be_of_a_data_set_that_the_folder_is_not_named_for(root: Path) -> None:
    """What was trained on it is under attack then."""
    zoo = Origin.parse("Zoo-10 train")
    assert not folder(root).origin.overlaps(zoo)
    assert folder(root, source="Zoo10").origin.overlaps(zoo)
    assert folder(root).origin.overlaps(Origin("Animals"))


def test_an_image_that_is_damaged_anywhere_is_refused(root: Path) -> None:
    """As a broken chunk, or as a size of billions of pixels."""
    path = root / "train/ant/00.bmp"
    Image.new("RGB", (20, 12)).save(path)
    whole = path.read_bytes()
    huge = bytearray(whole)
    huge[21] ^= 0xFF
    picture = (root / "train/ant/01.png").read_bytes()
    for name, content in (("00.bmp", bytes(huge)), ("01.png", picture.replace(b"IDAT", b"\xc1h:A"))):
        (root / "train/ant" / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"{name}; must be a readable image$"):
            folder(root).training_set()
        (root / "train/ant" / name).unlink()
