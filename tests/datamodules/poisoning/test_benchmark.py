"""Setups of the poisoning benchmark are read without executing code, and written so that pickle reads them."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datamodules.poisoning import Setup, read_setups, write_setups

PUBLISHED = Path(__file__).parents[2] / "data/poisoning_benchmark/cifar10_transfer_learning.pickle"


def entry(**changed: Any) -> dict[str, Any]:
    known = {"target class": 4, "target index": np.int64(9), "base class": 7, "base indices": np.array([3, 1, 2])}
    return known | {key.replace("_", " "): value for key, value in changed.items()}


def written(path: Path, content: Any, protocol: int = 4) -> str:
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return str(path)


def test_the_published_file_is_read_as_pickle_reads_it() -> None:
    setups = read_setups(str(PUBLISHED))
    entries = pickle.loads(PUBLISHED.read_bytes())
    assert len(setups) == len(entries) == 100
    for setup, known in zip(setups, entries, strict=True):
        assert (setup.target, setup.target_class) == (known["target index"], known["target class"])
        assert setup.intended == known["base class"]
        assert setup.bases == tuple(dict.fromkeys(known["base indices"].tolist()))
    assert [len(setup.bases) for setup in setups].count(25) == 98  # the file names a base twice in two setups


@pytest.mark.parametrize("protocol", range(3, 6))
@pytest.mark.parametrize("kind", ["<i8", ">i8", "<i4", "<u2", "u1"])
def test_arrays_of_all_whole_numbers_and_protocols_are_read(tmp_path: Path, protocol: int, kind: str) -> None:
    path = written(tmp_path / "setups.pickle", [entry(base_indices=np.array([200, 1, 2], kind))], protocol)
    assert read_setups(path) == [Setup(9, 4, 7, (200, 1, 2))]


def test_written_setups_are_read_again_by_both_readers(tmp_path: Path) -> None:
    setups = read_setups(str(PUBLISHED))
    write_setups(str(tmp_path / "own.pickle"), setups)
    assert read_setups(str(tmp_path / "own.pickle")) == setups
    first = pickle.loads((tmp_path / "own.pickle").read_bytes())[0]
    assert first.keys() == pickle.loads(PUBLISHED.read_bytes())[0].keys()
    assert isinstance(first["base indices"], np.ndarray)


class Touch:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", range(6))
def test_code_in_a_file_is_not_executed(tmp_path: Path, protocol: int) -> None:
    touched = tmp_path / "touched"
    path = written(tmp_path / "bad.pickle", [entry(base_class=Touch(touched))], protocol)
    with pytest.raises(
        ValueError, match=r"^read_setups: path = .*; must hold a list of setups .*arrays of whole numbers"
    ):
        read_setups(path)
    assert not touched.exists()
    pickle.loads(Path(path).read_bytes())
    assert touched.exists()


@pytest.mark.parametrize(
    "content",
    [
        {"a": 1},
        [],
        [5],
        [{"target class": 4}],
        [entry(more=1)],
        [entry(base_indices=[1, 2])],
        [entry(base_indices=np.array([[1, 2]]))],
        [entry(base_indices=np.array([1.0, 2.0]))],
        [entry(base_indices=np.array([1, None], object))],
        [entry(base_indices=np.array(["1"]))],
        [entry(base_indices=np.array([-1]))],
        [entry(base_indices=np.array([], int))],
        [entry(target_class=7)],
        [entry(target_index="9")],
        [entry(target_class=2.0)],
    ],
    ids=str,
)
def test_other_content_is_refused_in_one_line(tmp_path: Path, content: Any) -> None:
    path = written(tmp_path / "other.pickle", content)
    with pytest.raises(ValueError, match=r"^read_setups: path = .*; must hold a list of setups ") as refused:
        read_setups(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"no pickle", PUBLISHED.read_bytes()[:-300], b"\x80\x04\x95"])
def test_damaged_files_are_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "damaged.pickle").write_bytes(content)
    with pytest.raises(ValueError, match=r"^read_setups: path = .*; must hold a list of setups ") as refused:
        read_setups(str(tmp_path / "damaged.pickle"))
    assert "\n" not in str(refused.value)


def test_absent_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^read_setups: path = .*absent; must be a readable file: No such file"):
        read_setups(str(tmp_path / "absent"))
