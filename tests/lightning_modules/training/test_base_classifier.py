from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, EMAWeightAveraging
from torch import Tensor, nn
from torch.utils.data import Dataset

from datamodules import Digits
from lightning_modules.networks.frozen_classifier import RECORD
from lightning_modules.objectives import MACER, Consistency, Noise, NoiseAugmentation
from lightning_modules.training.base_classifier import FrozenClassifier
from lightning_modules.training.schedule import one_cycle
from smoothing.certifiers import ClopperPearson
from smoothing.measures import Gaussian, GaussianMixture, Laplace, SmoothingMeasure
from tests.lightning_modules.small import Small, fit, small


class Untested(Digits):
    """Digits without a test set."""

    def test_set(self) -> Dataset[tuple[int, Tensor, int]]:
        raise AssertionError("training looks at the test set")


class Listening(NoiseAugmentation):
    """Remembers what its draws are a function of, and at what it looked."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[tuple[int, ...]] = []
        self.seen: list[Tensor] = []

    def loss(self, network: nn.Module, noise: Noise, x: Tensor, labels: Tensor, epoch: int) -> Tensor:
        draws = noise.draws(1)
        self.keys.append(draws.key)
        self.seen.append(draws(x))
        return super().loss(network, noise, x, labels, epoch)


class StopAfter(Callback):
    """Ends a training as somebody would who wants his machine back."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        trainer.should_stop = trainer.current_epoch + 1 >= self.epochs


def weights(directory: Path) -> dict[str, Tensor]:
    state: dict[str, Tensor] = torch.load(directory / "last.ckpt", weights_only=True)["state_dict"]
    return state


@pytest.mark.parametrize("measure", [Gaussian(0.2), Laplace(0.1), GaussianMixture([0.1, 0.3])])
def test_it_learns_under_any_noise_without_the_test_set(measure: SmoothingMeasure, tmp_path: Path) -> None:
    metrics = fit(small(measure=measure), tmp_path, Untested(batch_size=32)).callback_metrics
    assert metrics["val/noisy_accuracy"] > 0.8
    certified = [float(metrics[f"val/certified_accuracy/{radius}"]) for radius in ("0.25", "0.5", "1")]
    assert certified == sorted(certified, reverse=True)
    if measure.distance.norm == "l2":
        assert certified[0] > 0.3
        assert certified[2] == 0


def test_the_certified_accuracy_is_that_of_the_certifier(tmp_path: Path) -> None:
    # 64 draws at alpha .5 cannot certify more than sigma times the normal quantile of .5^(1/64).
    certifier = ClopperPearson(n0=8, n=64, alpha=0.5)
    bound = 0.2 * 2.297
    classifier = small(certifier=certifier, radii=[0.0, bound - 0.01, bound + 0.01], certified=30)
    metrics = fit(classifier, tmp_path).callback_metrics
    low, high = (float(metrics[f"val/certified_accuracy/{radius:g}"]) for radius in (bound - 0.01, bound + 0.01))
    assert high == 0
    assert low > 0.1
    assert metrics["val/certified_accuracy/0"] >= low
    assert (low * 30) == pytest.approx(round(low * 30))


def test_noise_is_new_in_every_batch_and_epoch(tmp_path: Path) -> None:
    objective = Listening()
    fit(small(objective=objective), tmp_path, max_epochs=2)
    assert len(objective.keys) == len(set(objective.keys)) > 60
    other = Listening()
    fit(small(objective=other, seed=1), tmp_path, max_epochs=1)
    assert not set(other.keys) & set(objective.keys)


def test_a_resumed_training_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    objective, first, second = Listening(), Listening(), Listening()
    fit(small(objective=objective), whole, max_epochs=4)
    fit(small(objective=first), parts, max_epochs=4, callbacks=[StopAfter(2)])
    fit(small(objective=second), parts, max_epochs=4, ckpt_path=parts / "last.ckpt")
    assert first.keys + second.keys == objective.keys
    assert all(torch.equal(a, b) for a, b in zip(first.seen + second.seen, objective.seen, strict=True))
    assert weights(whole).keys() == weights(parts).keys()
    assert all(torch.equal(weights(whole)[name], value) for name, value in weights(parts).items())


def test_the_checkpoint_holds_plain_values_and_the_network(tmp_path: Path) -> None:
    classifier = small(architecture=Small(width=48))
    fit(classifier, tmp_path, max_epochs=1)
    record = torch.load(tmp_path / "last.ckpt", weights_only=True)[RECORD]
    assert record == {
        "architecture": {
            "class_path": "tests.lightning_modules.small.Small",
            "init_args": {"width": 48, "num_classes": 10},
        },
        "measure": {"class_path": "smoothing.measures.additive.Gaussian", "init_args": {"sigma": 0.2}},
        "scale": [0.0, 1.0],
        "source": "Digits",
        "classes": list(range(10)),
        "image_shape": [1, 8, 8],
    }
    x = torch.rand(5, 1, 8, 8)
    assert torch.equal(FrozenClassifier(str(tmp_path / "last.ckpt"))(x), classifier.network.eval()(x))


def test_a_moving_average_is_what_is_validated_and_saved(tmp_path: Path) -> None:
    classifier = small()
    before = {name: value.clone() for name, value in classifier.state_dict().items()}
    # An average that hardly moves keeps the initial weights, which cannot classify digits.
    trainer = fit(classifier, tmp_path, max_epochs=4, callbacks=[EMAWeightAveraging(decay=1 - 1e-7)])
    assert trainer.callback_metrics["val/noisy_accuracy"] < 0.5
    assert all(torch.allclose(weights(tmp_path)[name], value, atol=1e-3) for name, value in before.items())
    useful = fit(small(), tmp_path, max_epochs=4, callbacks=[EMAWeightAveraging(decay=0.9)])
    assert useful.callback_metrics["val/noisy_accuracy"] > 0.7


def test_gradients_accumulate(tmp_path: Path) -> None:
    single = fit(small(), tmp_path, max_epochs=2)
    summed = fit(small(), tmp_path, max_epochs=2, accumulate_grad_batches=2)
    assert summed.global_step == single.global_step / 2


@pytest.mark.parametrize("precision", ["bf16-mixed", "64-true"])
def test_any_precision(precision: str, tmp_path: Path) -> None:
    metrics = fit(small(objective=Consistency()), tmp_path, precision=precision).callback_metrics
    assert metrics["val/noisy_accuracy"] > 0.7


def test_optimiser_and_schedule_are_exchangeable(tmp_path: Path) -> None:
    rates: list[float] = []

    class Watch(Callback):
        def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
            rates.append(trainer.optimizers[0].param_groups[0]["lr"])

    classifier = small(
        optimizer=lambda parameters: torch.optim.AdamW(parameters, lr=0.01),
        schedule=lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1),
    )
    trainer = fit(classifier, tmp_path, max_epochs=4, callbacks=[Watch()])
    assert isinstance(trainer.optimizers[0], torch.optim.AdamW)
    assert rates == pytest.approx([0.01, 0.01, 0.001, 0.001])


def test_the_rate_goes_through_one_cycle_unless_a_schedule_is_given(tmp_path: Path) -> None:
    rates: list[float] = []

    class Watch(Callback):
        def on_train_batch_start(self, trainer: pl.Trainer, *_: Any) -> None:
            rates.append(trainer.optimizers[0].param_groups[0]["lr"])

    trainer = fit(small(), tmp_path, max_epochs=2, callbacks=[Watch()])
    steps = trainer.global_step
    assert rates == pytest.approx([0.1 * one_cycle(step / steps) for step in range(steps)])
    assert rates[0] == 0
    assert max(rates) == pytest.approx(0.1, rel=0.02)
    assert rates[-1] < 1e-3


def test_a_finished_training_may_have_more_epochs(tmp_path: Path) -> None:
    fit(small(), tmp_path, max_epochs=2)
    trainer = fit(small(), tmp_path, max_epochs=3, ckpt_path=tmp_path / "last.ckpt")
    assert trainer.current_epoch == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"architecture": Small(num_classes=7)}, "Small: num_classes = 7; must be 10, as in Digits"),
        (
            {"objective": MACER(), "measure": Laplace(0.1)},
            "objective: MACER cannot be used: its radius is that of Gaussian",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(arguments: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        fit(small(**arguments), tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"certified": -1}, "BaseClassifier: certified = -1; must be at least 0"),
        ({"radii": [0.5, -1]}, r"BaseClassifier: radii = -1; must be finite and at least 0"),
        ({"seed": -1}, "BaseClassifier: seed = -1; must be at least 0"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        small(**arguments)


def test_a_training_under_other_noise_does_not_resume(tmp_path: Path) -> None:
    fit(small(), tmp_path, max_epochs=1)
    with pytest.raises(ValueError, match=r"BaseClassifier: ckpt_path has measure = .*0\.2.*; must be .*0\.5"):
        fit(small(measure=Gaussian(0.5)), tmp_path, ckpt_path=tmp_path / "last.ckpt", max_epochs=1)
    assert torch.load(tmp_path / "last.ckpt", weights_only=True)[RECORD]["measure"]["init_args"] == {"sigma": 0.2}
