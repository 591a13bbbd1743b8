import re
from pathlib import Path

import numpy as np
import pytest
import torch

from datamodules import Digits
from lightning_modules import Certification, Encoder, Trainer
from lightning_modules.learners import RidgeHead
from smoothing.certificates import Certificates, Table
from smoothing.certifiers import Certifier, ClopperPearson, ExactVote
from smoothing.collective import CollectiveVote
from smoothing.measures import Gaussian, LabelFlip, Part, Product, SmoothingMeasure
from smoothing.provenance.origin import Origin
from smoothing.runs.run_directory import RunDirectory
from smoothing.votes import Ballots, RetrainedVotes, Ridge, Votes

QUIET = {
    "accelerator": "cpu",
    "devices": 1,
    "logger": False,
    "enable_progress_bar": False,
    "enable_checkpointing": False,
}


def certification(**certifiers: Certifier) -> Certification:
    return Certification(LabelFlip(0.2, 2), Ridge(), certifiers or {"exact": ExactVote()})


def test_it_certifies_from_python(tmp_path: Path) -> None:
    trainer = Trainer(**QUIET)
    callbacks = list(trainer.callbacks)
    for _ in range(2):
        trainer.certify(certification(), Digits((1, 7)), tmp_path / "run", loggers=[])
    assert trainer.callbacks == callbacks
    table = Table.read_csv(tmp_path / "run" / "certificates.csv")
    assert table.certifiers == ("exact",)
    with pytest.raises(ValueError, match="another config"):
        trainer.certify(certification(), Digits((1, 7)), tmp_path / "run", {"seed": 1}, loggers=[])


class Interrupting(ExactVote):
    """A certifier that fails once, at its second batch."""

    batches = 0

    def certify(self, ballots: Ballots) -> Certificates:
        # The check before the first result has one example.
        if len(ballots.index) > 1:
            self.batches += 1
            if self.batches == 2:
                raise OSError("interrupted")
        return super().certify(ballots)


def test_one_module_resumes_its_run_and_is_refused_after_a_change(tmp_path: Path) -> None:
    def certify() -> None:
        data = Digits((1, 7), batch_size=50)
        Trainer(**QUIET).certify(model, data, tmp_path / "run", {"seed": 0}, loggers=[])

    model = certification(exact=Interrupting())
    with pytest.raises(RuntimeError, match="stopped by an error; run the same command again to resume"):
        certify()
    assert len(RunDirectory(tmp_path / "run").finished()) == 50
    certify()
    assert (tmp_path / "run/certificates.csv").exists()
    certify()
    model.certifiers["exact"].batches = 9  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match=r"identity\.certifiers\.exact is \w{12} there and \w{12} here"):
        certify()


class FromFile(Ridge):
    """Votes that are no function of the training set: `fit` reads a file too."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.file = str(path)[::-1]

    def fit(self, x: torch.Tensor, labels: torch.Tensor, num_classes: int) -> None:
        super().fit(x * float(Path(self.file[::-1]).read_text()), labels, num_classes)


def test_votes_that_are_fitted_to_other_values_are_refused(tmp_path: Path) -> None:
    def certify() -> None:
        votes, data = FromFile(tmp_path / "scale"), Digits((1, 7), batch_size=50)
        model = Certification(LabelFlip(0.2, 2), votes, {"exact": Interrupting()})
        Trainer(**QUIET).certify(model, data, tmp_path / "run", {"seed": 0}, loggers=[])

    (tmp_path / "scale").write_text("1")
    with pytest.raises(RuntimeError):
        certify()
    before = (tmp_path / "run/certificates/rank-0.jsonl").read_bytes()
    (tmp_path / "scale").write_text("2")
    with pytest.raises(
        ValueError, match=r"votes fitted to other values .*: fitted votes is \w{12} there and \w{12} here"
    ):
        certify()
    assert (tmp_path / "run/certificates/rank-0.jsonl").read_bytes() == before
    (tmp_path / "scale").write_text("1")
    with pytest.raises(RuntimeError):
        certify()
    assert len(RunDirectory(tmp_path / "run").finished()) == 100


def test_unfinished_draws_are_not_resumed_without_a_config(tmp_path: Path) -> None:
    def certify(sigma: float, config: dict[str, float] | None) -> None:
        votes, certifiers = RetrainedVotes(RidgeHead()), {"sampled": ClopperPearson(n0=2, n=6, alpha=0.1)}
        data = Digits(training="train[0:60]", every=50)
        model = Certification(Gaussian(sigma), votes, certifiers)  # type: ignore[arg-type]
        Trainer(**QUIET).certify(model, data, tmp_path / "run", config, loggers=[])

    certify(0.1, None)
    # As if it had been killed between its draws and its rows.
    (tmp_path / "run/certificates/rank-0.jsonl").unlink()
    with pytest.raises(ValueError, match="run is unfinished; config must be given, to identify its owner"):
        certify(10.0, None)
    with pytest.raises(ValueError, match="another config"):
        certify(10.0, {"sigma": 10.0})


def test_votes_are_shared_and_seeded(tmp_path: Path) -> None:
    tables = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        model = Certification(LabelFlip(0.3, 2), Ridge(), {"sampled": ClopperPearson(n0=20, n=200)}, seed=seed)
        Trainer(**QUIET).certify(model, Digits((1, 7)), tmp_path / name, loggers=[])
        tables.append(Table.read_csv(tmp_path / name / "certificates.csv")["n_a"])
    assert (tables[0] == tables[1]).all()
    assert (tables[0] != tables[2]).any()


class Fitted(RetrainedVotes):
    """Votes that count how often they are fitted."""

    fits = 0

    def fit(self, x: torch.Tensor, labels: torch.Tensor, num_classes: int) -> None:
        self.fits += 1
        super().fit(x, labels, num_classes)


def test_votes_are_fitted_once_per_run(tmp_path: Path) -> None:
    model = Certification(
        Gaussian(0.3), votes := Fitted(RidgeHead()), {"sampled": ClopperPearson(n0=2, n=6, alpha=0.1)}
    )
    for runs, name in enumerate("ab", 1):
        Trainer(**QUIET).certify(model, Digits(training="train[0:60]", every=50), tmp_path / name, loggers=[])
        assert votes.fits == runs


def test_inputs_are_not_rounded_by_the_trainer(tmp_path: Path) -> None:
    for precision in ("16-true", "bf16-mixed", "64-true"):
        with pytest.raises(ValueError, match=f"trainer.precision = {precision}; must be 32-true to certify"):
            Trainer(**QUIET, precision=precision).certify(certification(), Digits((1, 7)), tmp_path / "run", loggers=[])
    assert not (tmp_path / "run").exists()


class Choosy(Certifier):
    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str:
        return f"{type(votes).__name__} is not supported"

    def certify(self, ballots: object) -> None:  # type: ignore[override]
        raise AssertionError


def test_a_certifier_can_decline_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"certifiers\.choosy: Choosy cannot be used: Ridge is not supported"):
        Trainer(**QUIET).certify(certification(choosy=Choosy()), Digits((1, 7)), tmp_path / "run", loggers=[])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"certifiers": {}}, "must name at least one"),
        *(
            ({"certifiers": {name: ExactVote()}}, f"certifiers = {{{name!r}: ...}}; names must consist of letters")
            for name in ("", "a/b", "a b", "..", "a\n")
        ),
        ({"seed": -2}, "seed = -2"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, object], message: str) -> None:
    given = {"measure": LabelFlip(0.2, 2), "votes": Ridge(), "certifiers": {"exact": ExactVote()}}
    with pytest.raises(ValueError, match=re.escape(message)):
        Certification(**given | arguments)  # type: ignore[arg-type]


class Doubling(Encoder):
    """An encoder that records the shapes of its inputs."""

    assumptions = ("features are doubled pixels",)
    served: Origin
    fitted: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.shapes: set[tuple[int, ...]] = set()

    def serve(self, attacked: Origin) -> None:
        self.served = attacked

    def fit(self, x: torch.Tensor) -> None:
        self.fitted = x

    def identity(self) -> str:
        return "doubling"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.shapes.add(tuple(x.shape))
        return 2 * x.flatten(1)


def test_features_replace_inputs_and_blocks_have_one_shape(tmp_path: Path) -> None:
    encoder = Doubling()
    encoded = Certification(LabelFlip(0.2, 2), Ridge(), {"exact": ExactVote()}, encoder)
    encoded_run, plain_run = tmp_path / "encoded", tmp_path / "plain"
    Trainer(**QUIET).certify(encoded, Digits((1, 7), batch_size=10), encoded_run, loggers=[])
    Trainer(**QUIET).certify(certification(), Digits((1, 7)), plain_run, loggers=[])
    tables = [Table.read_csv(run / "certificates.csv") for run in (encoded_run, plain_run)]
    np.testing.assert_array_equal(*(table["radius"] for table in tables))
    data = Digits((1, 7))
    data.setup()
    assert encoder.served == data.origin
    assert torch.equal(encoder.fitted, data.training_set()[0])
    assert encoder.shapes == {(64, 1, 8, 8), (1, 1, 8, 8)}
    assert tables[0]["assumptions"][0].endswith("; features are doubled pixels")


def test_the_collective_pass_encodes_no_example_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It encodes those of finished rows of an interrupted run, with the same result."""
    encoded: list[int] = []
    forward = Doubling.forward

    def counting(self: Doubling, x: torch.Tensor) -> torch.Tensor:
        encoded.extend([1] * (len(x) == 1))
        return forward(self, x)

    monkeypatch.setattr(Doubling, "forward", counting)
    data = Digits((1, 7), batch_size=50)
    data.setup()
    m, written = len(data.requested), []
    for name, exact in (("whole", ExactVote()), ("resumed", Interrupting())):
        encoder, together = Doubling(), {"together": CollectiveVote([5, 20])}
        model = Certification(LabelFlip(0.2, 2), Ridge(), {"exact": exact}, encoder, collective=together)
        if name == "resumed":
            with pytest.raises(RuntimeError, match="stopped by an error"):
                Trainer(**QUIET).certify(model, data, tmp_path / name, {"seed": 0}, loggers=[])
        encoded.clear()
        Trainer(**QUIET).certify(model, data, tmp_path / name, {"seed": 0}, loggers=[])
        # One more for the check before the first result, and in the first pass of the check of the encoder.
        assert m < len(encoded) <= m + 10
        written.append((tmp_path / name / "collective.csv").read_bytes())
    assert written[0] == written[1]


class Mixing(Doubling):
    """Subtracts the mean of the batch."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = super().forward(x)
        return features - features.mean(0)


def test_an_encoder_that_mixes_rows_is_refused(tmp_path: Path) -> None:
    encoded = Certification(LabelFlip(0.2, 2), Ridge(), {"exact": ExactVote()}, Mixing())
    with pytest.raises(ValueError, match=r"^Mixing: output of a row changes by .*; must depend on that row alone"):
        Trainer(**QUIET).certify(encoded, Digits((1, 7)), tmp_path / "run", loggers=[])
    assert not (tmp_path / "run").exists()


@pytest.mark.gpu
def test_the_encoder_runs_on_an_accelerator_and_the_votes_on_the_cpu(tmp_path: Path) -> None:
    encoded = Certification(LabelFlip(0.2, 2), Ridge(), {"exact": ExactVote()}, Doubling())
    for name, model in (("encoded", encoded), ("plain", certification())):
        trainer = Trainer(accelerator="gpu", devices=1, logger=False, enable_progress_bar=False)
        trainer.certify(model, Digits((1, 7)), tmp_path / name, loggers=[])
    tables = [Table.read_csv(tmp_path / name / "certificates.csv") for name in ("encoded", "plain")]
    np.testing.assert_array_equal(*(table["radius"] for table in tables))


@pytest.mark.parametrize("joint", [2, 3])
def test_more_examples_than_a_joint_claim_covers_are_refused(joint: int, tmp_path: Path) -> None:
    model = certification(sampled=ClopperPearson(n0=2, n=20, joint=joint))
    with pytest.raises(
        ValueError, match=rf"^certifiers\.sampled: ClopperPearson: joint = {joint}; must be at least 4,"
    ):
        Trainer(**QUIET).certify(model, Digits((1, 7), tests="test[:10]"), tmp_path / "run", loggers=[])
    assert not (tmp_path / "run").exists()


def test_the_object_is_what_the_measure_randomises() -> None:
    """Retrained votes randomise training inputs, or what the last part of a product says."""
    votes, certifiers = RetrainedVotes(RidgeHead()), {"exact": ExactVote()}
    labels = Part(LabelFlip(0.1, 2), "training labels")
    parts = [labels, Part(Gaussian(0.5), "test input")]
    assert Certification(Gaussian(0.5), votes, certifiers).randomised == "training inputs"
    assert Certification(Product([labels]), votes, certifiers).randomised == "training labels"
    assert Certification(Product(parts), votes, certifiers).randomised == "test input"
