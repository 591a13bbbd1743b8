import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lightning_modules.architectures import LeNet
from lightning_modules.denoisers import NoDenoiser
from lightning_modules.encoders import FrozenEncoder
from lightning_modules.networks.frozen_classifier import RECORD, FrozenClassifier
from smoothing.measures import DenoisedMeasure, Gaussian, Laplace, Unchanged
from tests.denoisers import Blur
from tests.lightning_modules.small import fit, small


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("classifier")
    fit(small(), directory, max_epochs=1)
    return directory / "last.ckpt"


@pytest.fixture
def changed(checkpoint: Path, tmp_path: Path) -> Callable[..., str]:
    def change(**record: Any) -> str:
        content = torch.load(checkpoint, weights_only=True)
        content[RECORD] |= record
        torch.save(content, tmp_path / "changed.ckpt")
        return str(tmp_path / "changed.ckpt")

    return change


def test_it_records_its_network(checkpoint: Path) -> None:
    classifier = FrozenClassifier(str(checkpoint))
    assert classifier.num_classes == 10
    assert isinstance(classifier.measure, Gaussian)
    assert classifier.measure.sigma == 0.2
    assert classifier.image_shape == (1, 8, 8)
    assert classifier.trained_on == "classes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 of Digits"
    assert classifier.identity() == hashlib.sha256(checkpoint.read_bytes()).hexdigest()


def test_it_stays_in_evaluation_mode(checkpoint: Path) -> None:
    classifier = FrozenClassifier(str(checkpoint))
    torch.nn.ModuleList([classifier]).train()
    assert not any(module.training for module in classifier.modules())
    assert not any(parameter.requires_grad for parameter in classifier.parameters())


def test_normalisation_belongs_to_the_checkpoint(changed: Callable[..., str], checkpoint: Path) -> None:
    path = str(checkpoint)
    content = torch.load(path, weights_only=True)
    content["state_dict"]["network.normalise.mean"] += 0.25
    changed()
    moved = Path(changed())
    torch.save(content, moved)
    x = torch.rand(3, 1, 8, 8)
    torch.testing.assert_close(FrozenClassifier(str(moved))(x + 0.25), FrozenClassifier(path)(x))


def test_only_the_measure_of_its_training_is_accepted(checkpoint: Path) -> None:
    classifier = FrozenClassifier(str(checkpoint))
    assert classifier.supports(Gaussian(0.2)) is None
    assert classifier.supports(Gaussian(0.25)) == (
        "the network was trained under Gaussian(sigma=0.2) and the measure is Gaussian(sigma=0.25); "
        "they must be the same, unless any_measure is true"
    )
    assert "the measure is Laplace(scale=0.2)" in str(classifier.supports(Laplace(0.2)))
    assert FrozenClassifier(str(checkpoint), any_measure=True).supports(Laplace(0.2)) is None


def test_another_scale_is_refused(changed: Callable[..., str]) -> None:
    path = changed(scale=[-1.0, 1.0])
    with pytest.raises(
        ValueError, match=r"^FrozenClassifier: base_ckpt has images on the scale \[-1.0, 1.0\]; must be \[0.0, 1.0\]$"
    ):
        FrozenClassifier(path)


def test_a_measure_that_cannot_be_found_is_named(changed: Callable[..., str]) -> None:
    path = changed(measure={"class_path": "mine.Noise", "init_args": {}})
    with pytest.raises(
        ValueError,
        match=r"^FrozenClassifier: base_ckpt = .*: mine.Noise; must be a class that can be",
    ):
        FrozenClassifier(path)


def test_images_of_another_shape_are_refused(checkpoint: Path) -> None:
    with pytest.raises(ValueError, match=r"FrozenClassifier: images of shape \[1, 28, 28\]; must be \[1, 8, 8\]"):
        FrozenClassifier(str(checkpoint))(torch.zeros(2, 1, 28, 28))


def test_what_is_no_checkpoint_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^FrozenClassifier: base_ckpt = ''; must be the path of a checkpoint"):
        FrozenClassifier("")
    with pytest.raises(ValueError, match=r"^FrozenClassifier: base_ckpt = .*; must be a readable file"):
        FrozenClassifier(str(tmp_path / "absent.ckpt"))
    (tmp_path / "other.ckpt").write_bytes(checkpoint.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"^FrozenClassifier: base_ckpt = .*; must be a checkpoint of BaseClassifier$"):
        FrozenClassifier(str(tmp_path / "other.ckpt"))
    with pytest.raises(
        ValueError,
        match=r"^FrozenEncoder: base_ckpt = .*; must be a checkpoint of F.* The file holds a BaseClassifier$",
    ):
        FrozenEncoder(str(checkpoint))


def test_weights_of_an_own_network_are_refused_for_the_right_reason(tmp_path: Path) -> None:
    torch.save(LeNet().state_dict(), path := tmp_path / "own.pt")
    with pytest.raises(ValueError, match=r"The file holds weights of a network alone: .* own Architecture in a P"):
        FrozenClassifier(str(path))
    torch.save({"state_dict": LeNet().state_dict()}, path)
    with pytest.raises(ValueError, match=r"^FrozenClassifier: base_ckpt = .* The file holds a checkpoint of another"):
        FrozenClassifier(str(path))


@pytest.mark.parametrize(
    "record",
    [
        {"architecture": {"class_path": "tests.lightning_modules.small.Small", "init_args": {"width": 3}}},
        {"classes": 1},
    ],
)
def test_a_record_that_does_not_fit_the_weights_is_one_line(
    changed: Callable[..., str], record: dict[str, Any]
) -> None:
    with pytest.raises(
        ValueError, match=r"^FrozenClassifier: base_ckpt = .*; must be a checkpoint of BaseC"
    ) as refused:
        FrozenClassifier(changed(**record))
    assert "\n" not in str(refused.value)


def test_a_network_of_clean_images_is_accepted_behind_a_denoiser(tmp_path: Path) -> None:
    fit(small(measure=Unchanged()), tmp_path, max_epochs=1)
    classifier = FrozenClassifier(str(tmp_path / "last.ckpt"))
    assert classifier.supports(Unchanged()) is None
    assert classifier.supports(DenoisedMeasure(Gaussian(0.2), Blur())) is None
    assert "was trained under Unchanged() and the measure is Gaussian(sigma=0.2)" in str(
        classifier.supports(Gaussian(0.2))
    )
    plain = DenoisedMeasure(Gaussian(0.2), NoDenoiser())
    assert "DenoisedMeasure(measure=Gaussian(sigma=0.2), denoiser=NoDenoiser()" in str(classifier.supports(plain))


def test_without_a_denoiser_the_noise_must_be_that_of_the_training(checkpoint: Path) -> None:
    classifier = FrozenClassifier(str(checkpoint))
    assert classifier.supports(DenoisedMeasure(Gaussian(0.2), NoDenoiser())) is None
    assert classifier.supports(DenoisedMeasure(Gaussian(0.3), NoDenoiser())) is not None
    assert classifier.supports(DenoisedMeasure(Gaussian(0.2), Blur())) is not None
