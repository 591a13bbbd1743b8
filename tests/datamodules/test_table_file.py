"""Tables in files, with names of classes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from datamodules import TableFile

TABLE = pd.DataFrame(
    {
        "id": range(10),
        "width": np.linspace(0, 1, 10),
        "height": range(10),
        "kind": ["cat", "dog", "ant"] * 3 + ["cat"],
    }
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    TABLE.to_csv(tmp_path / "animals.csv", index=False)
    return tmp_path / "animals.csv"


def test_rows_labels_and_names_are_kept(path: Path) -> None:
    data = TableFile(str(path), "kind", drop=["id"])
    data.setup()
    x, y = data.training_set()
    kept = [row for row in range(10) if row % 5 != 4]
    np.testing.assert_allclose(x.numpy(), TABLE[["width", "height"]].to_numpy()[kept], rtol=1e-6)
    assert data.class_names == ("ant", "cat", "dog")
    assert [data.class_names[label] for label in y] == TABLE["kind"][kept].tolist()
    assert [data.test_set()[i][1][1].item() for i in range(2)] == [4, 9]
    assert data.feature_names == ("width", "height")
    assert "features in animals.csv do not depend on the labels under attack" in data.assumptions


def test_classes_are_chosen_by_name_in_their_order(path: Path) -> None:
    data = TableFile(str(path), "kind", classes=["dog", "cat"], drop=["id"])
    assert data.class_names == ("dog", "cat")
    data.setup()
    assert set(data.training_set()[1].tolist()) == {0, 1}
    with pytest.raises(ValueError, match="classes = 'cow'; must be labels of the file: ant, cat, dog"):
        TableFile(str(path), "kind", classes=["cow", "cat"])


def test_a_test_file_is_used_whole(path: Path, tmp_path: Path) -> None:
    TABLE.iloc[:4].to_csv(tmp_path / "test.csv", index=False)
    data = TableFile(str(path), "kind", test=str(tmp_path / "test.csv"))
    data.setup()
    assert len(data.training_set()[0]) == 10
    assert len(data.requested) == 4
    TABLE.drop(columns="id").to_csv(tmp_path / "other.csv", index=False)
    with pytest.raises(ValueError, match=r"must have the columns of animals\.csv"):
        TableFile(str(path), "kind", test=str(tmp_path / "other.csv"))


def test_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="Parquet files need pyarrow")
    TABLE.to_parquet(tmp_path / "animals.parquet")
    assert TableFile(str(tmp_path / "animals.parquet"), "kind").class_names == ("ant", "cat", "dog")


def test_without_pyarrow_the_message_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_parquet(path: Path) -> None:
        raise ImportError

    monkeypatch.setattr(pd, "read_parquet", read_parquet)
    with pytest.raises(ValueError, match="Parquet files need pyarrow"):
        TableFile(str(tmp_path / "animals.parquet"), "kind")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("kind", None, "row 3 has no label in column 'kind'"),
        ("width", None, "column 'width' has missing values"),
        ("width", "wide", "column 'width' is not numeric; must be numbers"),
        ("width", np.inf, "NaN or infinite value found"),
    ],
)
def test_other_tables_are_refused(column: str, value: object, message: str, tmp_path: Path) -> None:
    table = TABLE.astype({column: object})
    table.loc[3, column] = value
    table.to_csv(tmp_path / "animals.csv", index=False)
    with pytest.raises(ValueError, match=message):
        TableFile(str(tmp_path / "animals.csv"), "kind").setup()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"label": "species"}, "has no column 'species'; must be one of id, width, height, kind"),
        ({"label": "kind", "drop": ["depth"]}, "has no column 'depth'"),
        ({"label": "kind", "test_every": 1}, "test_every = 1; must be at least 2"),
        ({"label": "kind", "drop": ["id", "width", "height"]}, "has no column of features"),
        ({"label": "kind", "path": "none.csv"}, "must be a readable file"),
    ],
)
def test_other_arguments_are_refused(arguments: dict, message: str, path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        TableFile(**{"path": str(path), **arguments})
