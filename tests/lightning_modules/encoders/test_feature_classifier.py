import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch

from datamodules import Digits
from lightning_modules.encoders import FeatureClassifier, FeatureNetwork, FrozenEncoder
from smoothing.provenance.origin import Origin

SEEN = [0, 2, 3, 4, 5, 6, 8, 9]


def fit(
    directory: Path, ckpt_path: Path | None = None, data: Digits | None = None
) -> tuple[FeatureClassifier, pl.Trainer]:
    pl.seed_everything(0)
    trainer = pl.Trainer(
        max_epochs=8,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    encoder = FeatureClassifier(features=10, width=4, learning_rate=0.02)
    trainer.fit(encoder, datamodule=data or Digits(SEEN), ckpt_path=ckpt_path)
    trainer.save_checkpoint(directory / "encoder.ckpt")
    return encoder, trainer


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[FeatureClassifier, Path, float]:
    directory = tmp_path_factory.mktemp("encoder")
    encoder, trainer = fit(directory)
    return encoder, directory / "encoder.ckpt", float(trainer.callback_metrics["val/accuracy"])


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    data = Digits([1, 7])
    data.setup()
    return data.training_set()[0][:16]


def test_it_learns_the_other_classes(fitted: tuple[FeatureClassifier, Path, float]) -> None:
    assert fitted[2] > 0.9


def test_the_frozen_encoder_gives_the_features_of_the_trained_one(
    fitted: tuple[FeatureClassifier, Path, float], images: torch.Tensor
) -> None:
    encoder, path, _ = fitted
    features = FrozenEncoder(str(path))(images)
    assert features.shape == (16, 10)
    assert features.dtype == torch.float32
    assert not features.requires_grad
    assert torch.equal(features, encoder.network(images))


def test_the_scale_of_the_images_is_the_checkpoint_s(fitted: tuple[FeatureClassifier, Path, float]) -> None:
    data = Digits(SEEN)
    data.setup()
    x, _ = data.training_set()
    network = FrozenEncoder(str(fitted[1])).network
    assert (network.mean, network.std) == (x.mean(), x.std())


def test_it_stays_in_evaluation_mode(fitted: tuple[FeatureClassifier, Path, float]) -> None:
    encoder = FrozenEncoder(str(fitted[1]))
    torch.nn.ModuleList([encoder]).train()
    assert not any(module.training for module in encoder.modules())
    assert not any(parameter.requires_grad for parameter in encoder.parameters())


def test_a_fit_resumes_from_its_checkpoint(fitted: tuple[FeatureClassifier, Path, float], tmp_path: Path) -> None:
    fit(tmp_path, ckpt_path=fitted[1])
    gone_on, stopped = (torch.load(path, weights_only=True) for path in (tmp_path / "encoder.ckpt", fitted[1]))
    assert gone_on["encoder"] == stopped["encoder"]
    assert all(torch.equal(gone_on["state_dict"][name], value) for name, value in stopped["state_dict"].items())


def test_a_fit_does_not_resume_with_other_classes(
    fitted: tuple[FeatureClassifier, Path, float], tmp_path: Path
) -> None:
    """Otherwise the record would lack the first examples, and the encoder would accept them."""
    others = Digits((0, 2, 3, 4, 5, 6, 1, 7))
    with pytest.raises(
        ValueError,
        match="ckpt_path has trained_on = classes 0, 2, 3, 4, 5, 6, 8, 9 of Digits train; must be",
    ):
        fit(tmp_path, ckpt_path=fitted[1], data=others)


def test_identity_is_the_checkpoint_s(fitted: tuple[FeatureClassifier, Path, float]) -> None:
    path = fitted[1]
    assert FrozenEncoder(str(path)).identity() == hashlib.sha256(path.read_bytes()).hexdigest()


def digits(*classes: int, source: str = "Digits") -> Origin:
    return Origin(source, "train", classes=classes)


def test_it_records_its_training_examples(fitted: tuple[FeatureClassifier, Path, float]) -> None:
    encoder = FrozenEncoder(str(fitted[1]))
    assert encoder.trained_on == encoder.labels_of == (digits(*SEEN),)


def test_classes_absent_from_training_are_accepted(fitted: tuple[FeatureClassifier, Path, float]) -> None:
    encoder = FrozenEncoder(str(fitted[1]))
    encoder.serve(digits(1, 7))
    encoder.serve(digits(0, 2, source="MNIST"))
    assert encoder.assumptions == ()


def test_classes_of_training_are_refused(fitted: tuple[FeatureClassifier, Path, float]) -> None:
    with pytest.raises(ValueError, match=r"^FrozenEncoder: was trained on labels of classes 0, 2.* of Digits train"):
        FrozenEncoder(str(fitted[1])).serve(digits(1, 4))


def test_classes_of_training_are_an_assumption_if_accepted(fitted: tuple[FeatureClassifier, Path, float]) -> None:
    encoder = FrozenEncoder(str(fitted[1]), accept_seen_labels=True)
    encoder.serve(digits(1, 4))
    assert encoder.assumptions == (
        "features, learned from labels of classes 0, 2, 3, 4, 5, 6, 8, 9 of Digits train, do not change",
    )
    encoder.serve(digits(1, 7))
    assert encoder.assumptions == ()


def test_images_of_another_shape_are_refused(fitted: tuple[FeatureClassifier, Path, float]) -> None:
    with pytest.raises(ValueError, match=r"FrozenEncoder: images of shape \[1, 28, 28\]; must be \[1, 8, 8\]"):
        FrozenEncoder(str(fitted[1]))(torch.zeros(2, 1, 28, 28))


class Payload:
    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("code ran",)


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", pickle.dumps(Payload()), pickle.dumps({"state_dict": {}})], ids=range(4)
)
def test_other_files_are_refused_unrun(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.ckpt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"^FrozenEncoder: base_ckpt = {path}; must be a checkpoint of F.* or SimCLR$"):
        FrozenEncoder(str(path))


def test_checkpoints_of_other_modules_and_with_code_are_refused(tmp_path: Path) -> None:
    for number, content in enumerate(({"state_dict": {}}, {"encoder": Payload(), "state_dict": {}}, [])):
        path = tmp_path / f"{number}.ckpt"
        torch.save(content, path)
        with pytest.raises(ValueError, match="must be a checkpoint of FeatureClassifier or SimCLR"):
            FrozenEncoder(str(path))


DAMAGE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no record": lambda saved: saved["encoder"].clear(),
    "record of another kind": lambda saved: saved.update(encoder="an encoder"),
    "origin of another kind": lambda saved: saved["encoder"].update(trained_on={"name": "Digits"}),
    "no network": lambda saved: saved["encoder"].update(network={}),
    "other arguments": lambda saved: saved["encoder"]["network"].update(init_args={"depth": 3}),
    "other class": lambda saved: saved["encoder"]["network"].update(class_path="builtins.dict"),
    "weights missing": lambda saved: saved["state_dict"].popitem(),
    "weights of another shape": lambda saved: saved["encoder"]["network"]["init_args"].update(width=5),
    "no weights": lambda saved: saved.update(state_dict=[]),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_checkpoints_are_refused(
    damage: str, fitted: tuple[FeatureClassifier, Path, float], tmp_path: Path
) -> None:
    saved = torch.load(fitted[1], weights_only=True)
    saved["state_dict"] = {name: value for name, value in saved["state_dict"].items() if name.startswith("network")}
    DAMAGE[damage](saved)
    torch.save(saved, tmp_path / "damaged.ckpt")
    with pytest.raises(ValueError, match=r"^FrozenEncoder: base_ckpt = .*damaged.ckpt; must be a checkpoint of F"):
        FrozenEncoder(str(tmp_path / "damaged.ckpt"))


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"base_ckpt = .*absent.ckpt; must be a readable file: No such file"):
        FrozenEncoder(str(tmp_path / "absent.ckpt"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"features": 0}, "FeatureClassifier: features = 0; must be at least 1"),
        ({"width": 0}, "FeatureClassifier: width = 0; must be at least 1"),
        ({"learning_rate": 0.0}, r"FeatureClassifier: learning_rate = 0.0; must be finite and above 0"),
        ({"label_smoothing": 1.0}, r"FeatureClassifier: label_smoothing = 1.0; must be within \[0, 1\)"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FeatureClassifier(**arguments)


class Black(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(x)


def test_augmentation_changes_training_images_only(images: torch.Tensor) -> None:
    encoder = FeatureClassifier(features=10, width=4, augmentation=Black())
    encoder.network = FeatureNetwork(images.shape[1:], 10, 4)
    encoder.head = torch.nn.Linear(10, 2)
    labels = torch.zeros(16, dtype=torch.long)
    alike = torch.nn.functional.cross_entropy(encoder.head(encoder.network(torch.zeros_like(images))), labels)
    assert encoder.training_step((images, labels), 0) == alike
    expected = (encoder.head(encoder.network(images)).argmax(1) == 0).float().mean()
    logged = {}
    encoder.log = lambda name, value, **_: logged.update({name: value})  # type: ignore[method-assign, assignment]
    encoder.validation_step((images, labels), 0)
    assert logged == {"val/accuracy": expected}
