"""One call certifies any trained model, and its run directory is that of the command line."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

import smoothing
from smoothing import certify, load_run
from smoothing.certificates import Certificates
from smoothing.certifiers import ClopperPearson
from smoothing.measures import Gaussian
from smoothing.runs.run_directory import RunDirectory
from smoothing.votes import Ballots, NetworkVotes, SklearnVotes

MEASURE = Gaussian(0.5)
DRAWS = 400
X = torch.randn(6, 2, generator=torch.Generator().manual_seed(0)) * 2
Y = (X[:, 0] > 0).long()


def network() -> nn.Module:
    made = nn.Linear(2, 2)
    with torch.no_grad():
        made.weight.copy_(torch.tensor([[-1.0, 0.0], [1.0, 0.0]]))
        made.bias.zero_()
    return made


def linear(x: torch.Tensor) -> torch.Tensor:
    return torch.stack([-x[:, 0], x[:, 0]], 1)


def direct() -> Certificates:
    ballots = Ballots(MEASURE, NetworkVotes(network(), 2), X, torch.arange(len(X)), seed=0)
    return ClopperPearson(n=DRAWS).certify(ballots)


class Pairs(Dataset[tuple[torch.Tensor, int]]):
    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, position: int) -> tuple[torch.Tensor, int]:
        return X[position], int(Y[position])


@pytest.mark.parametrize(
    "x", [X, X.numpy(), X.tolist(), pd.DataFrame(X.numpy()), Pairs(), DataLoader(Pairs(), 4), DataLoader(X, 4)]
)
def test_certificates_are_those_of_the_certifier(x: object) -> None:
    certified = certify(network(), x, MEASURE, n=DRAWS, batch_size=4)
    assert certified.prediction.tolist() == direct().prediction.tolist()
    if not isinstance(x, list | pd.DataFrame):
        assert certified.radius.tolist() == direct().radius.tolist()
    assert certified.labelled == (isinstance(x, Pairs) or isinstance(getattr(x, "dataset", None), Pairs))


def test_a_function_certifies_as_its_network() -> None:
    assert certify(linear, X, MEASURE, n=DRAWS).radius.tolist() == direct().radius.tolist()

    def of_arrays(x: torch.Tensor) -> np.ndarray:
        return linear(x).numpy()

    assert certify(of_arrays, X, MEASURE, n=DRAWS).radius.tolist() == direct().radius.tolist()


def test_certified_accuracy_counts_correct_examples_beyond_a_radius() -> None:
    certified = certify(network(), X, MEASURE, n=DRAWS, y=Y)
    for r in (0.0, 0.3, 10.0):
        expected = np.mean((certified.prediction == Y.numpy()) & (certified.radius > r))
        assert certified.certified_accuracy(Y, r) == certified.certified_accuracy(r=r) == expected
    assert certified.certified_accuracy(1 - Y, 0.1) < certified.certified_accuracy(Y, 0.1)
    assert certified.certified_accuracy(Y, [0.0, 10.0]).tolist() == [certified.certified_accuracy(Y), 0]
    assert certified.plot().axes
    frame = certified.to_pandas()
    assert frame["label"].tolist() == Y.tolist()
    assert frame["radius"].tolist() == certified.radius.tolist()


def test_without_labels_nothing_is_said_about_accuracy() -> None:
    certified = certify(network(), X, MEASURE, n=DRAWS)
    assert not {"label", "correct"} & set(certified.to_pandas().columns)
    assert "accuracy" not in repr(certified)
    for call in (certified.certified_accuracy, certified.plot, certified.curve):
        with pytest.raises(ValueError, match="y is not given"):
            call()


def test_class_names_are_kept_and_escaped() -> None:
    names = np.array(["<b>low</b>", "high"])[Y.numpy()]
    frame = pd.DataFrame(X.numpy(), columns=["a", "b"])
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, names)
    certified = certify(model, frame, MEASURE, n=DRAWS, y=names)
    assert set(certified.prediction.tolist()) <= {"<b>low</b>", "high", None}
    assert certified.certified_accuracy(names) > 0.5
    assert set(certified.to_pandas()["label"]) == {"<b>low</b>", "high"}
    assert "&lt;b&gt;low" in certified._repr_html_()
    assert "<b>" not in certified._repr_html_()
    with pytest.raises(ValueError, match="labels: 'other' found; must be one of"):
        certified.certified_accuracy(["other"] * 6)


def test_abstention_is_no_class() -> None:
    """Class -1 exists, so that -1 cannot mean abstention."""
    x = np.array([[-3.0], [0.0], [3.0]])
    model = LogisticRegression().fit([[-1.0], [1.0]], [-1, 1])
    certified = certify(model, x, MEASURE, n=20, n0=10)
    assert certified.prediction.tolist() == [-1, None, 1]
    assert certified.abstained.tolist() == [False, True, False]
    assert certified.certified_accuracy([-1, -1, 1]) == pytest.approx(2 / 3)


def test_votes_of_a_classifier_are_its_predictions() -> None:
    model = LogisticRegression().fit(X.numpy(), Y.numpy())
    votes = SklearnVotes(model)
    counts = votes.counts(MEASURE, X.double(), torch.arange(6), 50, (0, 0))
    for row, (x, index) in enumerate(zip(X.double(), range(6), strict=True)):
        from smoothing.numerics.random import generator

        noisy = MEASURE.sample_many(x, 128, generator((0, 0, index, 0)))[:50]
        assert counts[row].tolist() == np.bincount(model.predict(noisy.numpy()), minlength=2).tolist()


def test_an_estimator_that_is_not_fitted_is_fitted_by_the_run() -> None:
    votes = SklearnVotes(LogisticRegression())
    assert not votes.trained
    votes.fit(X, Y, 2)
    ready = SklearnVotes(LogisticRegression().fit(X.double().numpy(), Y.numpy()))
    assert ready.trained
    index = torch.arange(6)
    assert torch.equal(votes.counts(MEASURE, X, index, 50, (0, 0)), ready.counts(MEASURE, X, index, 50, (0, 0)))


@pytest.mark.parametrize(
    ("model", "x", "arguments", "message"),
    [
        (LogisticRegression(), X, {}, "LogisticRegression is not fitted; must be a fitted classifier"),
        ("network", X, {}, "model = str; must be a torch.nn.Module"),
        (nn.Linear, X, {}, "must be a torch.nn.Module"),
        (nn.Linear(3, 2), X, {}, "fails on inputs of shape"),
        (nn.Linear(2, 1), X, {}, "at least two classes"),
        (network(), (X * 10).abs().to(torch.uint8), {}, "must be on the scale of the noise"),
        (network(), X[:0], {}, "at least one"),
        (network(), X, {"y": [0]}, "1 labels for 6 examples"),
        (network(), X, {"y": [0, 1, 2, 0, 0, 0]}, "labels: 2 found; must be one of 0, 1"),
        (network(), X, {"n": 3}, "ClopperPearson: n = 3"),
        (network(), X, {"run_dir": "somewhere"}, "run_dir is given without y"),
    ],
)
def test_bad_arguments_have_one_clear_message(
    model: object, x: object, arguments: dict, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        certify(model, x, MEASURE, **arguments)
    assert not list(tmp_path.iterdir())


def test_a_saved_result_is_the_run_itself(tmp_path: Path) -> None:
    certified = certify(network(), X, MEASURE, n=DRAWS, y=Y)
    certified.save(tmp_path / "saved")
    run = certify(network(), X, MEASURE, n=DRAWS, y=Y, run_dir=tmp_path / "run")
    for name in ("certificates.csv", "curve.csv", "config.yaml"):
        assert (tmp_path / "saved" / name).read_bytes() == (tmp_path / "run" / name).read_bytes()
    assert run.radius.tolist() == certified.radius.tolist()
    loaded = load_run(tmp_path / "saved")
    assert loaded.to_pandas().equals(certified.to_pandas())
    assert loaded.curve().radii.tolist() == certified.curve().radii.tolist()
    assert loaded.plot().axes
    assert loaded.provenance["examples"] == 6
    assert "median radius" in repr(loaded)
    assert "median radius" in loaded._repr_html_()


def test_an_interrupted_run_is_resumed_and_another_model_is_refused(tmp_path: Path) -> None:
    arguments = {"measure": MEASURE, "n": DRAWS, "y": Y, "run_dir": tmp_path / "run"}
    whole = certify(network(), X, **arguments)
    shard = tmp_path / "run" / "certificates" / "rank-0.jsonl"
    lines = shard.read_bytes().splitlines(keepends=True)
    shard.write_bytes(b"".join(lines[:2]))
    again = certify(network(), X, **arguments)
    assert again.radius.tolist() == whole.radius.tolist()
    assert shard.read_bytes().splitlines(keepends=True)[:2] == lines[:2]
    assert len(RunDirectory(tmp_path / "run").finished()) == 6
    other = network()
    other.weight.data *= 2
    with pytest.raises(ValueError, match="was made with other data, networks or code"):
        certify(other, X, **arguments)
    with pytest.raises(ValueError, match="was made by another config"):
        certify(network(), X, **{**arguments, "n": DRAWS + 1})


def test_two_methods_of_one_class_differ_by_their_object(tmp_path: Path) -> None:
    """The code of a method is not all that determines its results."""

    class Scaled:
        def __init__(self, factor: float) -> None:
            self.factor = factor

        def scores(self, x: torch.Tensor) -> torch.Tensor:
            return linear(x - self.factor)

    arguments = {"measure": MEASURE, "n": DRAWS, "y": Y, "run_dir": tmp_path / "run"}
    certify(Scaled(0.0).scores, X, **arguments)
    with pytest.raises(ValueError, match="was made with other data, networks or code"):
        certify(Scaled(1.0).scores, X, **arguments)


def test_a_function_without_source_needs_no_run_directory(tmp_path: Path) -> None:
    names: dict = {}
    exec("def scores(x): return x", names)
    assert len(certify(names["scores"], X, MEASURE, n=DRAWS)) == 6
    with pytest.raises(ValueError, match="model = scores has no source file"):
        certify(names["scores"], X, MEASURE, n=DRAWS, y=Y, run_dir=tmp_path / "run")


def test_an_unfinished_run_is_not_loaded(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be the directory of a certify run"):
        load_run(tmp_path)


def test_importing_the_package_imports_nothing_slow() -> None:
    code = "import sys, smoothing; print(smoothing.__version__, *dir(smoothing)); print(*sys.modules, sep='\\n')"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    first, *modules = out.splitlines()
    assert "certify" in first.split()
    assert not {"torch", "numpy", "pytorch_lightning", "sklearn", "pandas"} & set(modules)


def test_every_exported_name_exists() -> None:
    for name in smoothing.__all__:
        assert getattr(smoothing, name)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        smoothing.nothing  # noqa: B018


def test_a_dataset_is_read_item_by_item() -> None:
    certified = certify(network(), TensorDataset(X), MEASURE, n=DRAWS)
    assert certified.radius.tolist() == direct().radius.tolist()
