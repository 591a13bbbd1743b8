from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from lightning_modules.defences import Intervention, Training
from tests.lightning_modules.defences.bodies import Flat, Tiny, blobs


def weights(network: nn.Module) -> Tensor:
    return torch.cat([value.detach().flatten() for value in network.parameters()])


class Moving(Intervention):
    """Changes nothing, but says that it may."""

    moves_inputs = True


@pytest.mark.parametrize("make", [lambda: Training(Flat(), epochs=3), lambda: Training(network=Tiny(), epochs=3)])
def test_a_training_is_a_function_of_its_key(make: Callable[[], Training]) -> None:
    x, labels = blobs()
    first = make().train(x, labels, 2, (0, 1))
    with torch.random.fork_rng():
        torch.manual_seed(5)
        again = make().train(x, labels, 2, (0, 1))
    assert torch.equal(weights(first), weights(again))
    assert not torch.equal(weights(first), weights(make().train(x, labels, 2, (0, 2))))
    assert not first.training


@pytest.mark.parametrize(
    "make", [lambda: Training(Flat(), learning_rate=0.1), lambda: Training(network=Tiny(), learning_rate=0.1)]
)
def test_it_learns(make: Callable[[], Training]) -> None:
    x, labels = blobs()
    assert (make().train(x, labels, 2, (0,))(blobs(seed=1)[0]).argmax(1) == labels).all()


def test_features_computed_once_give_the_same_head() -> None:
    x, labels = blobs()
    training = Training(Flat(), epochs=3, batch_size=8)
    once, often = training.train(x, labels, 2, (0,)), training.train(x, labels, 2, (0,), Moving())
    assert torch.equal(weights(once), weights(often))


def test_the_body_stays_frozen() -> None:
    class Normed(Flat):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(1)

        def forward(self, x: Tensor) -> Tensor:
            return super().forward(self.norm(x))

    body = Normed()
    before = {name: value.clone() for name, value in body.state_dict().items()}
    x, labels = blobs()
    trained = Training(body, epochs=2, mirror=True).train(x, labels, 2, (0,))
    assert all(torch.equal(before[name], value) for name, value in body.state_dict().items())
    assert all(torch.equal(before[name], value) for name, value in trained[0].state_dict().items())  # type: ignore[index]
    assert [name for name, value in trained.named_parameters() if value.requires_grad] == ["1.weight", "1.bias"]


def test_weights_of_the_given_network_are_not_used() -> None:
    x, labels = blobs()
    torch.manual_seed(0)
    one, other = Tiny(norm=True), Tiny(norm=True)
    other(10 * x)  # statistics of a norm
    first, second = (Training(network=given, epochs=1).train(x, labels, 2, (0,)) for given in (one, other))
    assert torch.equal(weights(first), weights(second))
    probe = blobs(seed=2)[0]
    assert torch.equal(first(probe), second(probe))


def test_the_learning_rate_falls_at_milestones() -> None:
    x, labels = blobs()

    class Rates(Intervention):
        def begin(self, state, optimiser, training, key):  # type: ignore[no-untyped-def]
            self.optimiser = optimiser
            self.seen: list[float] = []
            return optimiser

        def inputs(self, state, positions, epoch, augment, source):  # type: ignore[no-untyped-def]
            self.seen.append(self.optimiser.param_groups[0]["lr"])
            return state.x[positions]

    rates = Rates()
    Training(Flat(), epochs=4, milestones=[1, 3], learning_rate=0.1).train(x, labels, 2, (0,), rates)
    assert rates.seen == pytest.approx([0.1, 0.01, 0.01, 0.001])


def test_images_are_augmented() -> None:
    x = torch.arange(16.0).view(1, 1, 4, 4).repeat(8, 1, 1, 1) / 16

    class Seen(Intervention):
        def inputs(self, state, positions, epoch, augment, source):  # type: ignore[no-untyped-def]
            self.last = augment(state.x[positions])
            return self.last

    seen = Seen()
    Training(Flat(), epochs=1, mirror=True, shift=1).train(x, torch.arange(8) % 2, 2, (0,), seen)
    assert len({tuple(image.flatten().tolist()) for image in seen.last}) > 3
    assert set(seen.last.flatten().tolist()) <= set(x.flatten().tolist())


def test_features_are_those_of_the_body_or_of_the_last_hidden_layer() -> None:
    x, labels = blobs()
    assert torch.equal(Training(Flat()).features(x, labels, 2, (0,)), x.flatten(1))
    training = Training(network=Tiny(), epochs=2)
    network = training.train(x, labels, 2, (0,))
    assert torch.equal(training.features(x, labels, 2, (0,)), network.layers[:3](x))  # type: ignore[index,operator]


@pytest.mark.parametrize("given", [{}, {"body": Flat(), "network": Tiny()}])
def test_a_body_or_a_network_is_given(given: dict[str, nn.Module]) -> None:
    with pytest.raises(ValueError, match=r"^Training: network = .*; must be given if body is not"):
        Training(**given)  # type: ignore[arg-type]
