import json
from pathlib import Path
from typing import Any

import pytest

from smoothing.runs.run_directory import RunDirectory
from tests.samples import row


def provenance(**changes: Any) -> dict[str, Any]:
    config = {
        "model": {"class_path": "Certification", "init_args": {"seed": 0, "measure": {"q": 0.3}}},
        "data": {"class_path": "Digits", "init_args": {"classes": [1, 7], "batch_size": 16, "num_workers": 0}},
        "trainer": {"devices": 1},
        "run_dir": "runs/a",
    }
    made_with = {"data": "abc", "checkpoint": None, "identity": {"votes.network": "e1"}, "sources": {"mine": "50"}}
    return {"examples": 2, "config": config | changes} | made_with


def opened(path: Path) -> RunDirectory:
    directory = RunDirectory(path)
    directory.check(provenance())
    assert not path.exists()
    directory.open(provenance())
    return directory


def data(**arguments: Any) -> dict[str, Any]:
    return {"class_path": "Digits", "init_args": {"classes": [1, 7], "batch_size": 16, "num_workers": 0} | arguments}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"trainer": {"devices": 2}},
        {"run_dir": "elsewhere"},
        {"data": data(batch_size=4, num_workers=3)},
        {"model": {"class_path": "Certification", "init_args": {"seed": 0, "measure": {"q": "0.3"}}}},
    ],
)
def test_settings_that_do_not_change_results_are_ignored(tmp_path: Path, changes: dict[str, Any]) -> None:
    opened(tmp_path / "run").check(provenance(**changes))


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        (provenance(data=data(classes=[1, 8])), "data.init_args.classes.1 is 7 there and 8 here"),
        (provenance(data=data(classes=[1, 7, 8])), "data.init_args.classes.2 is absent there and 8 here"),
        (provenance(data={"class_path": "Digits"}), "data.init_args.classes.0 is 1 there and absent here"),
        (provenance(seed_everything=1), "seed_everything is absent there and 1 here"),
        (provenance(a=1, b=2, c=3, d=4), "a is absent there and 1 here; b is absent there and 2 here; and 2 more"),
    ],
)
def test_another_config_is_refused(tmp_path: Path, changed: dict[str, Any], difference: str) -> None:
    directory = opened(tmp_path / "run")
    with pytest.raises(ValueError, match=rf"run_dir: .*run was made by another config: {difference}.*; choose another"):
        directory.check(changed)


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"data": "abd"}, "data is abc there and abd here"),
        ({"checkpoint": "f00"}, "checkpoint is None there and f00 here"),
        ({"identity": {"votes.network": "e0"}}, "identity.votes.network is e1 there and e0 here"),
        (
            {"identity": {"measure": "e2"}},
            "identity.votes.network is e1 there and absent here; identity.measure is absent",
        ),
        ({"sources": {"mine": "51"}}, "sources.mine is 50 there and 51 here"),
    ],
)
def test_other_data_networks_or_code_are_refused(tmp_path: Path, changes: dict[str, Any], difference: str) -> None:
    directory = opened(tmp_path / "run")
    said = rf"run_dir: .*run was made with other data, networks or code: {difference}.*; choose another --run_dir .*"
    with pytest.raises(ValueError, match=f"{said}or remove it"):
        directory.check(provenance() | changes)


def test_values_fitted_otherwise_are_refused(tmp_path: Path) -> None:
    directory = opened(tmp_path / "run")
    directory.open(provenance() | {"fitted": {"votes": "f1"}})
    directory.check_fitted({"votes": "f1"})
    with pytest.raises(ValueError, match=r"votes fitted to other values.*: fitted votes is f1 there and f2 here"):
        directory.check_fitted({"votes": "f2"})


def test_a_batch_size_of_the_model_is_compared(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path / "run")
    directory.open(provenance(model={"batch_size": 1}))
    with pytest.raises(ValueError, match="batch_size"):
        directory.check(provenance(model={"batch_size": 2}))


def test_a_table_is_merged_if_no_example_is_missing(tmp_path: Path) -> None:
    directory = opened(tmp_path / "run")
    with directory.shard(0) as shard:
        shard.append([row(index=1)])
    with pytest.raises(RuntimeError, match="1 of 2 examples are missing"):
        directory.merged()
    with directory.shard(1) as shard:
        shard.append([row(index=0)])
    assert directory.merged()["index"].tolist() == [0, 1]
    assert directory.finished().keys() == {0, 1}


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(ValueError, match=r"run_dir: .* must be a directory"):
            RunDirectory(path).check(provenance())


def test_a_damaged_provenance_is_named(tmp_path: Path) -> None:
    directory = opened(tmp_path / "run")
    (tmp_path / "run" / "provenance.json").write_text(json.dumps(provenance())[:-5])
    with pytest.raises(ValueError, match=r"provenance\.json: damaged"):
        directory.check(provenance())
