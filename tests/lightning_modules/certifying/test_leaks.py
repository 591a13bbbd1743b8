"""Encoders that move with an inserted training example are refused, and features depend on no other example."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from datamodules import Digits
from datamodules.base import Examples
from datamodules.texts import TextModule, to_bytes
from lightning_modules import Certification, Encoder, Trainer
from smoothing.certifiers import Plurality
from smoothing.measures import UnchangedExamples, UnchangedLabels
from smoothing.provenance.origin import Origin
from smoothing.votes import ByHash, Centroids, Partitions
from tests.lightning_modules.certifying.test_certification import QUIET


class Flat(Encoder):
    """Pixels of an image, and the number of rows of its batch. Frozen: it was trained elsewhere."""

    def __init__(self, trained_on: str = "elsewhere") -> None:
        super().__init__()
        self.trained_on = (Origin.parse(trained_on),)
        self.sizes: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        self.sizes.append(len(x))
        return x.flatten(1)


class Fitted(Flat):
    """An encoder that is fitted to the training inputs."""

    def fit(self, x: Tensor) -> None:
        self.mean = x.mean(0)


def run(encoder: Encoder, measure: object, path: Path) -> None:
    model = Certification(measure, Partitions(Centroids(), 5, 1, ByHash()), {"dpa": Plurality()}, encoder)  # type: ignore[arg-type]
    Trainer(**QUIET).certify(model, Digits((1, 7), every=20), path, loggers=[])


@pytest.mark.parametrize("change", ["inserted or deleted examples", "changed examples"])
@pytest.mark.parametrize(
    ("encoder", "reason"),
    [
        (Fitted, "encoder = Fitted, which reads all inputs of the training set"),
        (lambda: Flat("Digits"), "encoder = Flat, trained on Digits"),
    ],
)
def test_an_encoder_that_moves_with_the_training_set_is_refused(
    encoder: type[Encoder], reason: str, change: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=reason):
        run(encoder(), UnchangedExamples(change), tmp_path / "poisoned")  # type: ignore[arg-type]
    assert not (tmp_path / "poisoned").exists()
    run(encoder(), UnchangedLabels(2), tmp_path / "flipped")


def test_training_examples_are_encoded_one_by_one() -> None:
    """In a block, the last bits of features may depend on the place, which insertions change."""
    for measure, size in ((UnchangedExamples(), 1), (UnchangedLabels(2), 64)):
        encoder = Flat()
        model = Certification(measure, Partitions(Centroids(), 5, 1, ByHash()), {"dpa": Plurality()}, encoder)
        model.trainer = Trainer(**QUIET)
        features = model._training_features(torch.randn(130, 1, 2, 2))
        assert features.shape == (130, 4)
        assert set(encoder.sizes) == {size}


class Normed(Flat):
    """A norm that collects statistics of its inputs in training mode and uses them in evaluation mode."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.InstanceNorm2d(1, track_running_stats=True)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.norm(x))


def test_a_frozen_encoder_collects_no_statistics_of_the_training_set(tmp_path: Path) -> None:
    encoder = Normed().train()
    run(encoder, UnchangedExamples(), tmp_path / "run")
    assert encoder.norm.num_batches_tracked == 0
    assert encoder.norm.running_mean.abs().max() == 0


class Affine(Flat):
    """A layer whose rounding depends on the place of an input in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(33, 10)

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = self.layer(x)
        return features


def test_features_of_a_test_example_do_not_depend_on_its_place_in_a_batch() -> None:
    model = Certification(UnchangedLabels(2), Partitions(Centroids(), 5), {"dpa": Plurality()}, Affine())
    x = torch.randn(20, 33, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        together = model._features(x)
        alone = torch.cat([model._features(x[i : i + 1].clone()) for i in range(20)])
    assert torch.equal(together, alone)


class Texts(TextModule):
    """Short texts. One longer text lengthens the rows of all."""

    source = "Texts"
    available = range(2)

    def load(self, train: bool) -> Examples:
        return to_bytes(["aa", "bb", "abab", "b" * 9] * 5), torch.tensor([0, 1, 0, 1] * 5)


@pytest.mark.parametrize("change", ["inserted or deleted examples", "changed examples"])
def test_padded_texts_need_an_encoder(change: str, tmp_path: Path) -> None:
    def certify(measure: object, encoder: Encoder | None, path: Path) -> None:
        model = Certification(measure, Partitions(Centroids(), 1, 1, ByHash()), {"dpa": Plurality()}, encoder)  # type: ignore[arg-type]
        Trainer(**QUIET).certify(model, Texts((0, 1), batch_size=4), path, loggers=[])

    with pytest.raises(ValueError, match="data = Texts, which reads all inputs of the training set"):
        certify(UnchangedExamples(change), None, tmp_path / "refused")  # type: ignore[arg-type]
    assert not (tmp_path / "refused").exists()
    certify(UnchangedExamples(change), Letters(), tmp_path / "encoded")  # type: ignore[arg-type]
    certify(UnchangedLabels(2), None, tmp_path / "flipped")


class Letters(Encoder):
    """Numbers of the letters a and b of a text."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([(x == ord(letter)).sum(1) for letter in "ab"], 1).float()
