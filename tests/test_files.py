from pathlib import Path

import pytest

from smoothing.files import draft, write_whole


def test_a_draft_replaces_the_file_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_whole(path, "old")

    def broken() -> None:
        with draft(path) as made:
            made.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken()
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("table.csv", "old")]
    with draft(path) as made:
        assert made.parent == tmp_path
        made.write_text("new")
        assert path.read_text() == "old"
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("table.csv", "new")]


def test_an_error_of_a_draft_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file") as error:
        write_whole(tmp_path / "absent" / "a.txt", "")
    assert str(error.value.filename).startswith(str(tmp_path / "absent" / "a.txt"))
