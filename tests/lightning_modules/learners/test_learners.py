"""The built-in learners go through the suite."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from datamodules import Digits
from lightning_modules.architectures import SmallCNN
from lightning_modules.learners import FastCifar, Networks, Perceptrons, RidgeHead
from lightning_modules.learners.fast_cifar import FastNetwork
from lightning_modules.learners.training_data import distorted, shifted
from smoothing.measures import Gaussian
from smoothing.provenance.origin import Origin
from smoothing.testing import LearnerConformance
from smoothing.votes import Learner
from tests.finishing import finishing, some_draws


def convolutions() -> nn.Module:
    """With the norms that have buffers to stack."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 3 * 3, 10)
    )


@pytest.fixture(scope="module")
def digits() -> tuple[Tensor, Tensor]:
    data = Digits(training="train[0:200]")
    data.setup()
    return data.training_set()


class TestConformance(LearnerConformance):
    @pytest.fixture(
        params=[
            lambda: RidgeHead(group=3),
            lambda: Perceptrons((), epochs=8, group=5),
            lambda: Perceptrons((16,), epochs=8, group=3),
            lambda: Perceptrons((16, 12), epochs=20, label_smoothing=0.1, group=2),
            lambda: Networks(convolutions(), epochs=3, batch_size=32, group=3),
            lambda: Networks(convolutions(), epochs=3, batch_size=32, group=1),
        ],
        ids=["ridge", "linear", "perceptron", "two hidden", "networks", "network"],
    )
    def on_the_cpu(self, request: pytest.FixtureRequest) -> Learner:
        return request.param()

    @pytest.fixture
    def learner(self, on_the_cpu: Learner) -> Learner:
        return on_the_cpu

    @pytest.fixture
    def x(self, digits: tuple[Tensor, Tensor]) -> Tensor:
        return digits[0]

    @pytest.fixture
    def labels(self, digits: tuple[Tensor, Tensor]) -> Tensor:
        return digits[1]


def test_stacked_networks_learn_what_each_would_alone() -> None:
    """Up to the bits of another kernel, which a shallow training does not amplify."""
    x = torch.rand(3, 60, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(60) % 10
    arguments: dict[str, Any] = {"epochs": 2, "batch_size": 20, "learning_rate": 0.02, "momentum": 0.5}
    keys = [(1, i) for i in range(3)]
    together = Networks(convolutions(), **arguments, group=3).train_and_predict(x, labels, 10, x, keys)
    alone = Networks(convolutions(), **arguments, group=1)
    apart = torch.cat(
        [alone.train_and_predict(x[i : i + 1], labels, 10, x[i : i + 1], keys[i : i + 1]) for i in range(3)]
    )
    assert (together == apart).float().mean() > 0.98


def test_models_start_from_pretrained_weights(digits: tuple[Tensor, Tensor]) -> None:
    network = convolutions()
    learner = Networks(network, ["ImageNet"], epochs=1, learning_rate=1e-9)
    assert learner.trained_on == (Origin("ImageNet"),)
    x, labels = digits
    (predicted,) = learner.train_and_predict(x[None], labels, 10, x[None], [(1,)])
    network.train()((x - x.mean()) / x.std())
    with torch.no_grad():
        known = network.eval()((x - x.mean()) / x.std()).argmax(1)
    # Norms have seen batches of another size.
    assert (predicted == known).float().mean() > 0.5
    assert learner.checkpoint != Networks(convolutions(), ["ImageNet"]).checkpoint
    assert Networks(network).checkpoint is None


@pytest.mark.parametrize("group", [1, 2])
def test_what_a_network_has_seen_does_not_count_unless_it_is_said(group: int, digits: tuple[Tensor, Tensor]) -> None:
    """Scales and statistics of norms would depend on the training set without noise."""
    x, labels = digits
    seen = convolutions()
    with torch.no_grad():
        seen[1].weight.copy_(torch.linspace(-3, 3, 8))
    seen.train()(50 * x)
    predictions = [
        Networks(network, epochs=1, learning_rate=1e-3, group=group).train_and_predict(
            x.expand(group, *x.shape), labels, 10, x.expand(group, *x.shape), [(i,) for i in range(group)]
        )
        for network in (convolutions(), seen)
    ]
    assert torch.equal(*predictions)


def test_weights_without_training_examples_are_not_used() -> None:
    with pytest.raises(ValueError, match=r"^Networks: trained_on = \[\]; must be names of examples, or unset"):
        Networks(convolutions(), [])


def test_a_warm_start_begins_where_the_first_training_ended(digits: tuple[Tensor, Tensor]) -> None:
    x, labels = digits
    votes = finishing(Networks(convolutions(), warm_start=True, epochs=6, batch_size=20, group=2), x, labels, x)
    cold = finishing(Networks(convolutions(), epochs=6, batch_size=20, group=2), x, labels, x)
    known = [
        np.mean([(row == labels.numpy()).mean() for row in made.draw(Gaussian(2.0), some_draws(2), 0)])
        for made in (votes, cold)
    ]
    assert known[0] > known[1]
    assert "warm_start of Networks" in str(votes.supports(Gaussian(2.0)))
    assert cold.supports(Gaussian(2.0)) is None


class OnTheAccelerator(Learner):
    """Trains another learner on the accelerator."""

    def __init__(self, learner: Learner) -> None:
        self._learner = learner
        self.group = learner.group

    def train_and_predict(
        self, x: Tensor, labels: Tensor, num_classes: int, tests: Tensor, keys: Sequence[Sequence[int]]
    ) -> Tensor:
        predicted = self._learner.train_and_predict(x.cuda(), labels.cuda(), num_classes, tests.cuda(), keys)
        assert predicted.is_cuda
        return predicted.cpu()


@pytest.mark.gpu
class TestConformanceOnTheAccelerator(TestConformance):
    @pytest.fixture
    def learner(self, on_the_cpu: Learner) -> Learner:
        return OnTheAccelerator(on_the_cpu)


class TestFastCifar(LearnerConformance):
    """On digits that are blown up to the size of small photographs."""

    @pytest.fixture
    def on_the_cpu(self) -> Learner:
        return FastCifar(epochs=16, batch_size=20, learning_rate=0.03, shift=0, widths=(16, 32, 32))

    @pytest.fixture
    def learner(self, on_the_cpu: Learner) -> Learner:
        return on_the_cpu

    @pytest.fixture
    def x(self, digits: tuple[Tensor, Tensor]) -> Tensor:
        return digits[0][:120].repeat_interleave(3, 2).repeat_interleave(3, 3).expand(-1, 3, -1, -1)

    @pytest.fixture
    def labels(self, digits: tuple[Tensor, Tensor]) -> Tensor:
        return digits[1][:120]


@pytest.mark.gpu
class TestFastCifarOnTheAccelerator(TestFastCifar):
    @pytest.fixture
    def learner(self, on_the_cpu: Learner) -> Learner:
        return OnTheAccelerator(on_the_cpu)


def test_the_first_layer_whitens_its_inputs() -> None:
    source = torch.Generator().manual_seed(0)
    x = torch.nn.functional.avg_pool2d(torch.randn(40, 3, 26, 26, generator=source), 3, 1)
    network = FastNetwork(3, 24, 10, (4, 4, 4))
    network.start(x, source)
    white = network.whiten(x).detach().transpose(0, 1).flatten(1)
    assert len(white) == 24
    second = white[:12] @ white[:12].T / white.shape[1]
    # Directions of little variance are held back.
    assert (second - torch.diag(second.diag())).abs().max() < 1e-3
    assert second.diag().max() == pytest.approx(1, abs=0.05)
    torch.testing.assert_close(white[12:], -white[:12])


def test_shifted_images_are_crops_of_their_reflections() -> None:
    x = torch.arange(2 * 5 * 5.0).reshape(2, 1, 5, 5)
    moved = shifted(x, 2, torch.Generator().manual_seed(1))
    wide = torch.nn.functional.pad(x, (2, 2, 2, 2), "reflect")
    for image, crop in zip(wide, moved, strict=True):
        crops = image.unfold(1, 5, 1).unfold(2, 5, 1).reshape(-1, 5, 5)
        assert (crops == crop).all((1, 2)).any()


@pytest.mark.parametrize(
    "learner",
    [Networks(convolutions(), epochs=2, batch_size=25, group=group) for group in (1, 2)] + [Perceptrons(group=2)],
    ids=["network", "networks", "perceptrons"],
)
def test_threads_do_not_interfere(digits: tuple[Tensor, Tensor], learner: Learner) -> None:
    votes = finishing(learner, *digits, digits[0])
    drawn = []
    threads = torch.get_num_threads()
    try:
        for number in (1, 4):
            torch.set_num_threads(number)
            drawn.append(votes.draw(Gaussian(0.5), some_draws(8), 0))
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_array_equal(*drawn)


def test_perceptrons_descend_the_cross_entropy() -> None:
    """A step in place is a step of autograd."""
    from lightning_modules.learners import perceptrons

    source = torch.Generator().manual_seed(0)
    widths = [5, 4, 3, 3]
    layers = perceptrons._layers(widths, [(0, 1), (0, 2)], torch.device("cpu"))
    for weight, bias in layers:
        weight.normal_(generator=source)
        bias.normal_(generator=source)
    x, targets = torch.randn(2, 7, 5, generator=source), torch.rand(2, 7, 3, generator=source).softmax(-1)
    leaves = [(w.clone().requires_grad_(), b.clone().requires_grad_()) for w, b in layers]
    h = x
    for weight, bias in leaves[:-1]:
        h = (h @ weight + bias).relu()
    logits = h @ leaves[-1][0] + leaves[-1][1]
    (-(targets * logits.log_softmax(-1)).sum(-1).mean(1).sum()).backward()
    perceptrons._descend(layers, x, targets, 0.3)
    for (weight, bias), (w, b) in zip(layers, leaves, strict=True):
        assert w.grad is not None
        assert b.grad is not None
        torch.testing.assert_close(weight, w.detach() - 0.3 * w.grad)
        torch.testing.assert_close(bias, b.detach() - 0.3 * b.grad)


@pytest.mark.parametrize(
    ("learner", "arguments", "message"),
    [
        (FastCifar, {"widths": (8, 8)}, r"FastCifar: widths = \[8, 8\]; must be three"),
        (FastCifar, {"shift": -1}, "FastCifar: shift = -1; must be at least 0"),
        (RidgeHead, {"penalty": 0.0}, "RidgeHead: penalty = 0.0; must be finite and above 0"),
        (RidgeHead, {"group": 0}, "RidgeHead: group = 0; must be at least 1"),
        (Perceptrons, {"hidden": [4, 0]}, "Perceptrons: hidden = 0; must be at least 1"),
        (Perceptrons, {"epochs": 0}, "Perceptrons: epochs = 0; must be at least 1"),
        (Perceptrons, {"learning_rate": -1.0}, "Perceptrons: learning_rate = -1.0; must be finite and above 0"),
        (Perceptrons, {"label_smoothing": 1.0}, r"Perceptrons: label_smoothing = 1.0; must be within \[0, 1\)"),
        (Networks, {"network": SmallCNN(), "batch_size": 0}, "Networks: batch_size = 0; must be at least 1"),
        (Networks, {"network": SmallCNN(), "momentum": 1.0}, r"Networks: momentum = 1.0; must be within \[0, 1\)"),
        (Networks, {"network": nn.Dropout()}, "Networks: network has Dropout.*; must have no randomness"),
    ],
)
def test_bad_arguments_are_refused(learner: type[Learner], arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        learner(**arguments)


def test_distortions_move_images_and_keep_their_brightness() -> None:
    images = torch.zeros(2, 3, 1, 28, 28)
    images[..., 10:18, 12:16] = 1
    keys = [(1, 0), (1, 1)]
    moved = distorted(images, 1.0, keys)
    assert moved.shape == images.shape
    assert (moved != images).flatten(2).any(2).all()
    assert len({tuple(image.flatten().tolist()) for image in moved.flatten(0, 1)}) == 6
    # Scales are within 20 % per axis.
    assert ((moved.sum((2, 3, 4)) / 32 - 1).abs() < 0.6).all()
    assert torch.equal(distorted(images, 0.0, keys), images)
    assert torch.equal(distorted(images[1:], 1.0, keys[1:]), moved[1:])
    assert torch.equal(distorted(images + 5, 1.0, keys).sub(5).round(decimals=4), moved.round(decimals=4))


def test_distortions_need_images() -> None:
    learner = Networks(torch.nn.Linear(3, 2), distortion=0.5)
    with pytest.raises(ValueError, match=r"distortion = 0.5; must be 0 for inputs of shape \[3\], no images"):
        learner.train_and_predict(torch.randn(1, 8, 3), torch.arange(8) % 2, 2, torch.randn(1, 2, 3), [(0,)])
