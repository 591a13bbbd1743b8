from pathlib import Path

import pytest
import torch
from torch import nn

from datamodules import Digits
from lightning_modules import FeatureClassifier, FrozenEncoder, Trainer
from lightning_modules.architectures import Architecture, CifarResNet, LeNet, TimmModel
from lightning_modules.networks.bodies import ClassifierBody, EncoderBody
from smoothing.provenance.origin import Origin


@pytest.mark.parametrize(
    ("network", "shape", "features"),
    [
        (lambda: CifarResNet(8), (3, 32, 32), 64),
        (lambda: LeNet(), (1, 28, 28), 500),
        (lambda: TimmModel("resnet10t", 7), (3, 64, 64), 512),
    ],
    ids=["cifar resnet", "lenet", "timm"],
)
def test_a_body_ends_before_the_last_linear_layer(network, shape, features) -> None:  # type: ignore[no-untyped-def]
    made: Architecture = network().eval()
    body = ClassifierBody(made, ["Elsewhere train"])
    x = torch.rand(3, *shape)
    last = [module for module in made.modules() if isinstance(module, nn.Linear)][-1]
    with torch.no_grad():
        assert body(x).shape == (3, features)
        torch.testing.assert_close(last(body(x)), made(x), rtol=1e-4, atol=1e-5)
    assert body.trained_on == (Origin("Elsewhere", "train"),)
    assert not any(parameter.requires_grad for parameter in body.parameters())


def test_a_body_stays_as_it_is() -> None:
    body = ClassifierBody(CifarResNet(8), [])
    known = body.identity()
    body.train()
    assert not any(module.training for module in body.modules())
    assert ClassifierBody(CifarResNet(8), []).identity() != known
    half = ClassifierBody(CifarResNet(8), [], precision="bfloat16")
    assert half(torch.rand(2, 3, 32, 32)).dtype == torch.float32


class Shallow(Architecture):
    def __init__(self) -> None:
        super().__init__(nn.Flatten(), 2, [0.0], [1.0])


def test_bad_arguments_are_refused() -> None:
    for arguments, message in (
        ({"network": Shallow(), "trained_on": []}, "Shallow; must have a last linear layer"),
        ({"network": CifarResNet(8), "trained_on": [], "batch_size": 0}, "batch_size = 0; must be at least 1"),
        ({"network": CifarResNet(8), "trained_on": [], "precision": "int"}, "precision = int; must be one of float32"),
        ({"network": CifarResNet(8), "trained_on": ["CIFAR10 train[5]"]}, "must be like 'MNIST'"),
    ):
        with pytest.raises(ValueError, match=message):
            ClassifierBody(**arguments)  # type: ignore[arg-type]


def test_an_encoder_records_its_training_examples(tmp_path: Path) -> None:
    trainer = Trainer(
        accelerator="cpu", devices=1, logger=False, enable_progress_bar=False, max_epochs=1, limit_train_batches=1,
        limit_val_batches=0, default_root_dir=tmp_path, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(FeatureClassifier(features=5, width=2), Digits((0, 2)))
    trainer.save_checkpoint(tmp_path / "encoder.ckpt")
    encoder = FrozenEncoder(str(tmp_path / "encoder.ckpt"))
    body = EncoderBody(encoder)
    assert body.trained_on == (Origin("Digits", "train", classes=(0, 2)),)
    x = torch.rand(3, 1, 8, 8)
    assert torch.equal(body(x), encoder(x))
    assert body.identity() == encoder.identity()
