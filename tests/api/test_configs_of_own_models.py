"""A scikit-learn model and a table are certified from a config."""

from pathlib import Path

import joblib
import pytest
import yaml
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from smoothing import load_run
from smoothing.cli.main import run_command

VOTES = {
    "refitted": {"class_path": "sklearn.linear_model.LogisticRegression", "init_args": {"C": 0.5, "max_iter": 1000}},
    "fitted": "model.joblib",
}


@pytest.mark.parametrize("kind", VOTES)
def test_certify_a_table_with_a_scikit_learn_model(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    iris = load_iris(as_frame=True)
    table = iris.data.assign(species=iris.target_names[iris.target]).sample(frac=1, random_state=0)
    table.to_csv("iris.csv", index=False)
    joblib.dump(LogisticRegression(max_iter=1000).fit(iris.data.to_numpy(), iris.target), "model.joblib")
    config = {
        "model": {
            "class_path": "Certification",
            "init_args": {
                "measure": {"class_path": "Gaussian", "init_args": {"sigma": 0.25}},
                "votes": {"class_path": "SklearnVotes", "init_args": {"estimator": VOTES[kind]}},
                "certifiers": {"cp": {"class_path": "ClopperPearson", "init_args": {"n": 200}}},
            },
        },
        "data": {"class_path": "TableFile", "init_args": {"path": "iris.csv", "label": "species"}},
        "trainer": {"logger": False, "enable_progress_bar": False},
    }
    Path("own.yaml").write_text(yaml.safe_dump(config))
    run_command(["certify", "--config", "own.yaml"])
    run = load_run("runs/own")
    assert len(run.table) == 30
    assert run.summary()["cp"]["accuracy"] > 0.8
    assert run.provenance["classes"] == ["setosa", "versicolor", "virginica"]


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    from smoothing.votes import SklearnVotes

    with pytest.raises(ValueError, match=r"must be a file of joblib\.dump"):
        SklearnVotes(str(tmp_path / "none.joblib"))
