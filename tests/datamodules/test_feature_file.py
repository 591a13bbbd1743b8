from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datamodules import FeatureFile

ARRAYS = {
    "x_train": np.array([[-1.5, 2], [300, 4], [5, 6]]),
    "y_train": np.array([0, 2, 1]),
    "x_test": np.ones((2, 2), np.float32),
    "y_test": np.array([2, 0], np.int32),
}


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SMOOTHING_DATA", raising=False)


def write(folder: Path, **other: Any) -> str:
    path = folder / "bag.npz"
    np.savez(path, **{name: array for name, array in (ARRAYS | other).items() if array is not None})
    return str(path)


def test_features_are_taken_as_they_are(tmp_path: Path) -> None:
    data = FeatureFile(write(tmp_path))
    data.setup()
    x, labels = data.training_set()
    assert x.tolist() == [[-1.5, 2], [300, 4], [5, 6]]
    assert labels.tolist() == [0, 2, 1]
    assert data.num_classes == 3
    assert data.source == "bag"
    assert data.assumptions == ("features in bag.npz do not depend on the labels under attack",)


def test_relative_paths_are_looked_for_as_given_and_then_in_the_folder_of_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    write(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SMOOTHING_DATA", str(tmp_path / "data"))
    assert FeatureFile("bag.npz", classes=[2, 0]).num_classes == 2
    write(tmp_path, y_train=np.array([0, 1, 1]), y_test=np.array([1, 0]))
    assert FeatureFile("bag.npz").num_classes == 2
    assert FeatureFile("data/bag.npz").num_classes == 3
    where = "A relative path is looked for in the working directory, then in the folder that SMOOTHING_DATA names"
    with pytest.raises(ValueError, match=f"must be a readable file: No such file or directory. {where}$"):
        FeatureFile("none.npz")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y_test": None}, "must contain the arrays x_train, y_train, x_test, y_test: no array y_test"),
        (
            {"y_train": np.array([0, 1])},
            r"have shapes \[3, 2\] and \[2\]; must have one label per row",
        ),
        ({"y_train": np.array([0, -1, 1])}, "y_train must contain whole numbers from 0"),
        ({"y_train": np.array([0, 0.5, 1])}, "y_train must contain whole numbers from 0"),
        ({"x_test": np.array([["a", "b"], ["c", "d"]])}, "x_test must contain numbers"),
        ({"x_train": np.array([[np.nan, 0]] * 3)}, "NaN or infinite value found; must be finite"),
        ({"x_train": np.array([[{}, 0]] * 3, object)}, "must contain the arrays"),
        ({"x_train": np.array(3.0)}, r"x_train and y_train have shapes \[\] and \[3\]"),
        ({"x_train": np.arange(3.0)}, r"x_train has shape \[3\]; must be rows of numbers"),
        ({"x_train": np.ones((3, 0)), "x_test": np.ones((2, 0))}, r"x_train has shape \[3, 0\]; must be rows of"),
        ({"x_test": np.ones((2, 3))}, r"rows of shapes \[2\] and \[3\]; must be equal"),
        ({"y_train": np.array([0, 2, 1]).astype("m8[s]")}, "y_train must contain whole numbers from 0"),
        ({"x_train": np.array([[0, 1]] * 3).astype("m8[s]")}, "x_train must contain numbers"),
        ({"y_train": np.array([0, 2, 10**13])}, "y_train must contain whole numbers from 0 to 1000000"),
        ({"y_test": np.array([2**64 - 1, 0], np.uint64)}, "y_test must contain whole numbers from 0 to 1000000"),
        ({"x_train": np.ones((0, 2)), "y_train": np.ones(0, int)}, "y_train must contain at least one label"),
        ({"x_train": np.array([[1e300, 0]] * 3)}, "1e\\+300 found; must be within float32"),
    ],
)
def test_other_arrays_are_refused(arrays: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        FeatureFile(write(tmp_path, **arrays)).setup()


@pytest.mark.parametrize("content", [b"", b"nonsense", None, "cut"])
def test_other_files_are_refused(content: bytes | str | None, tmp_path: Path) -> None:
    path = Path(write(tmp_path))
    whole = path.read_bytes()
    path.unlink()
    if content is not None:
        path.write_bytes(whole[: len(whole) // 2] if content == "cut" else content)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=f"^FeatureFile: path = {path}; must "):
        FeatureFile(str(path))


@pytest.mark.parametrize("kind", [">f8", np.longdouble, np.float16, np.uint16, ">i4"])
def test_any_kind_of_number_will_do(kind: Any, tmp_path: Path) -> None:
    features, labels = np.array([[1, 2], [3, 4], [5, 6]]), np.array([0, 2, 1])
    data = FeatureFile(write(tmp_path, x_train=features.astype(kind), y_train=labels.astype(">i8")))
    data.setup()
    x, y = data.training_set()
    assert (x.tolist(), y.tolist()) == (features.tolist(), labels.tolist())


def test_a_damaged_file_is_refused_wherever_it_is(tmp_path: Path) -> None:
    path = tmp_path / "bag.npz"
    np.savez_compressed(path, **ARRAYS)
    whole = path.read_bytes()
    for place in range(30, len(whole), 7):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        try:
            FeatureFile(str(path)).setup()
        except ValueError as error:
            assert str(error).startswith("FeatureFile: ")  # noqa: PT017


def test_one_array_is_split_by_position_or_by_a_mask(tmp_path: Path) -> None:
    x, y = np.arange(20.0).reshape(10, 2), np.array([0, 1] * 5)
    np.savez(tmp_path / "whole.npz", X=x, y=y)
    data = FeatureFile(str(tmp_path / "whole.npz"))
    data.setup()
    assert [data.test_set()[i][1].tolist() for i in range(2)] == [x[4].tolist(), x[9].tolist()]
    held = np.arange(10) < 3
    np.savez(tmp_path / "masked.npz", X=x, y=y, test=held)
    data = FeatureFile(str(tmp_path / "masked.npz"))
    data.setup()
    assert data.training_set()[0].tolist() == x[3:].tolist()
    assert data.training_set()[1].tolist() == y[3:].tolist()
    assert [data.test_set()[i][2] for i in range(3)] == y[:3].tolist()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y": np.zeros(3, int)}, r"X and y have shapes \[10, 2\] and \[3\]; must have one label per row"),
        ({"test": np.zeros(10, int)}, r"test has type int64 and shape \[10\]; must be bool"),
        ({"test": np.zeros(3, bool)}, r"test has type bool and shape \[3\]; must be bool, one per row"),
    ],
)
def test_other_splits_are_refused(arrays: dict[str, Any], message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "whole.npz", **({"X": np.ones((10, 2)), "y": np.array([0, 1] * 5)} | arrays))
    with pytest.raises(ValueError, match=message):
        FeatureFile(str(tmp_path / "whole.npz"))


def test_names_of_classes_are_refused_with_a_way_out(tmp_path: Path) -> None:
    np.savez(tmp_path / "named.npz", X=np.zeros((10, 2)), y=np.array(["cat", "dog"] * 5))
    with pytest.raises(ValueError, match=r"y_train contains names; must contain whole.* TableFile takes"):
        FeatureFile(str(tmp_path / "named.npz"))
