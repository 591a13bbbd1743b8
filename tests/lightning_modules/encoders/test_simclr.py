from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from datamodules import Digits
from lightning_modules.encoders import (
    FeatureNetwork,
    FrozenEncoder,
    PretrainedEncoder,
    SimCLR,
    TimmBackbone,
    Views,
)
from lightning_modules.encoders.simclr import nt_xent
from smoothing.provenance.origin import Origin


def fit(seed: int = 0, epochs: int = 1) -> tuple[SimCLR, pl.Trainer]:
    pl.seed_everything(seed)
    trainer = pl.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    module = SimCLR(FeatureNetwork([1, 8, 8], 16, 8), 8, views=Views(0.5, mirror=False))
    trainer.fit(module, datamodule=Digits(batch_size=128))
    return module, trainer


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[SimCLR, Path, float]:
    module, trainer = fit(epochs=6)
    path = tmp_path_factory.mktemp("simclr") / "encoder.ckpt"
    trainer.save_checkpoint(path)
    return module, path, float(trainer.callback_metrics["val/loss"])


def test_the_loss_is_that_of_the_paper() -> None:
    """Chen et al. 2020, eq. 1, by loops."""
    draw = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 4, 3, generator=draw, dtype=torch.float32)
    views = torch.cat([first, second])
    units = views / views.norm(dim=1, keepdim=True)
    total = 0.0
    for one in range(8):
        partner = (one + 4) % 8
        against = sum(torch.exp(units[one] @ units[other] / 0.5) for other in range(8) if other != one)
        total -= float(torch.log(torch.exp(units[one] @ units[partner] / 0.5) / against))
    assert float(nt_xent(first, second, 0.5)) == pytest.approx(total / 8, rel=1e-5)


def test_it_learns(fitted: tuple[SimCLR, Path, float]) -> None:
    torch.manual_seed(0)
    fresh = SimCLR(FeatureNetwork([1, 8, 8], 16, 8), 8, views=Views(0.5, mirror=False))
    data = Digits(batch_size=128)
    data.setup()
    x = data.training_set()[0][:119]
    fresh.all_gather = lambda tensor, **_: tensor  # type: ignore[method-assign]
    assert fitted[2] < float(fresh._loss(x)) - 0.3


def test_its_checkpoint_is_an_encoder_without_labels(fitted: tuple[SimCLR, Path, float]) -> None:
    module, path, _ = fitted
    encoder = FrozenEncoder(str(path))
    assert encoder.trained_on == (Origin("Digits", "train"),)
    assert encoder.labels_of == ()
    encoder.serve(Origin("Digits", "train"))
    assert encoder.assumptions == ()
    x = torch.rand(3, 1, 8, 8)
    assert torch.equal(encoder(x), module.network.eval()(x))


def test_labels_are_not_used() -> None:
    class Relabelled(Digits):
        def load(self, train: bool) -> tuple[Tensor, Tensor]:
            x, labels = super().load(train)
            return x, labels.flip(0)

    weights = []
    for kind in (Digits, Relabelled):
        pl.seed_everything(0)
        module = SimCLR(FeatureNetwork([1, 8, 8], 4, 2), 4)
        trainer = pl.Trainer(
            max_steps=3, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False
        )
        trainer.fit(module, datamodule=kind(batch_size=64))
        weights.append(torch.cat([parameter.flatten() for parameter in module.parameters()]))
    assert torch.equal(*weights)


def test_any_network_of_timm_is_a_backbone() -> None:
    torch.manual_seed(0)
    backbone = TimmBackbone("resnet10t", channels=1, size=32, mean=[0.5], std=[0.5])
    assert backbone.eval()(torch.rand(2, 1, 8, 8)).shape == (2, backbone.features)
    with pytest.raises(ValueError, match=r"TimmBackbone: name = no; must be one of timm.list_models\(\)"):
        TimmBackbone("no")


def test_views_are_parts_of_the_image_each_its_own() -> None:
    torch.manual_seed(0)
    ramp = torch.linspace(0, 1, 16).expand(64, 3, 16, 16).clone()
    seen = Views(0.2, strength=0, grey=0, mirror=False)(ramp)
    assert seen.shape == ramp.shape
    width = seen[..., -1] - seen[..., 0]
    # Rows still rise from left to right, by less than the whole.
    assert (seen.diff(dim=-1) > -1e-6).all()
    assert width.max() <= 1
    assert (width < 0.95).all((1, 2)).float().mean() > 0.7
    assert width.min() > 0.2
    assert len(width.mean((1, 2)).unique()) > 50
    mirrored = Views(1.0, strength=0, grey=0)(ramp)
    falls = mirrored[:, 0, 0, 0] > mirrored[:, 0, 0, -1]
    assert 15 < falls.sum() < 50
    upright = torch.where(falls[:, None, None, None], mirrored.flip(-1), mirrored)
    assert (upright - ramp).abs().max() < 0.15


def test_colours_change_within_the_scale() -> None:
    torch.manual_seed(0)
    x = torch.rand(40, 3, 6, 6)
    coloured = Views(1.0, strength=0.5, grey=0.5, mirror=False)(x)
    assert coloured.min() >= 0
    assert coloured.max() <= 1
    without = (coloured - coloured.mean(1, keepdim=True)).abs().amax((1, 2, 3)) < 1e-6
    assert 10 < without.sum() < 30


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Views(least=0.0), "Views: least = 0.0; must be finite and above 0"),
        (lambda: Views(strength=1.0), "Views: strength = 1.0; must be within"),
        (lambda: Views(grey=2.0), r"Views: grey = 2.0; must be within \[0, 1\]"),
        (lambda: SimCLR(FeatureNetwork([1, 8, 8], 2, 2), 1), "SimCLR: projection = 1; must be at least 2"),
        (lambda: SimCLR(FeatureNetwork([1, 8, 8], 2, 2), temperature=0), "SimCLR: temperature = 0; must be finite"),
    ],
)
def test_bad_arguments_are_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


def test_a_fit_does_not_resume_with_other_images(fitted: tuple[SimCLR, Path, float]) -> None:
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False)
    module = SimCLR(FeatureNetwork([1, 8, 8], 16, 8), 8)
    with pytest.raises(ValueError, match="ckpt_path has trained_on = Digits train; must be classes 1, 7 of Digits"):
        trainer.fit(module, datamodule=Digits((1, 7)), ckpt_path=fitted[1])


def test_images_that_labels_chose_are_refused_where_others_could_be_chosen(tmp_path: Path) -> None:
    """Of a three that is relabelled a four, an encoder of threes and fives would have seen nothing."""
    pl.seed_everything(0)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = pl.Trainer(max_steps=1, accelerator="cpu", enable_model_summary=False, **quiet)
    trainer.fit(SimCLR(FeatureNetwork([1, 8, 8], 4, 2), 4), datamodule=Digits((3, 5), batch_size=64))
    trainer.save_checkpoint(tmp_path / "encoder.ckpt")
    encoder = FrozenEncoder(str(tmp_path / "encoder.ckpt"))
    encoder.serve(Origin("Digits", "train", classes=(3, 5)))
    encoder.serve(Origin("Digits", "train", classes=(1, 7)))
    assert encoder.assumptions == ()
    for classes in (None, (3, 4)):
        with pytest.raises(ValueError, match="was trained on labels of classes 3, 5 of Digits train; must share none"):
            encoder.serve(Origin("Digits", "train", classes=classes))


@pytest.mark.parametrize("stage", ["fit", "encode"])
def test_it_refuses_weights_with_unknown_labels(stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise its checkpoint would pass for one that saw no labels, those of ImageNet included."""
    import timm

    make = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda *names, pretrained, **other: make(*names, **other))
    backbone = TimmBackbone("resnet10t", weights=True, channels=1, size=32, mean=[0.5], std=[0.5])
    if stage == "encode":
        PretrainedEncoder(backbone, "ImageNet")
        return
    trainer = pl.Trainer(
        max_steps=1, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False
    )
    with pytest.raises(ValueError, match="TimmBackbone: weights = True; must be unset to train an encoder"):
        trainer.fit(SimCLR(backbone, 4), datamodule=Digits(batch_size=64))
