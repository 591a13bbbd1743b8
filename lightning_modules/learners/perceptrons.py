"""A learner that trains many small multi-layer perceptrons at the same time."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from lightning_modules.learners.training_data import check_group, shuffled, standardised
from smoothing.arguments import at_least, below_one, positive, sequence
from smoothing.numerics.random import generator
from smoothing.votes import Learner, winner

WEIGHTS, ORDER = range(2)
"""Keys of independent random streams."""


class Perceptrons(Learner):
    """Multi-layer perceptrons, or linear heads, trained by stochastic gradient descent on the cross-entropy.

    All models of a group take each step together, in batched products that update the weights in place: for networks of
    this size, storing and reading gradients costs as much as the arithmetic. The learning rate falls linearly to zero.
    Each draw has its own order of batches, the same in every epoch.

    Args:
        hidden: Width of each hidden layer, at least 1. An empty list gives a linear head.
        epochs: Passes through the training set, at least 1.
        batch_size: Examples per step, at least 1.
        learning_rate: Initial learning rate, above 0.
        label_smoothing: Fraction of each target that is spread over all classes, within [0, 1).
        group: Number of models to train at the same time, 1 to 10,000.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        hidden: Sequence[int] = (128,),
        epochs: int = 10,
        batch_size: int = 25,
        learning_rate: float = 0.1,
        label_smoothing: float = 0.0,
        group: int = 8,
    ) -> None:
        at_least(self, 1, epochs=epochs, batch_size=batch_size)
        check_group(self, group)
        sequence(self, hidden=hidden)
        for width in hidden:
            at_least(self, 1, hidden=width)
        positive(self, learning_rate=learning_rate)
        below_one(self, label_smoothing=label_smoothing)
        self.hidden = tuple(hidden)
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.label_smoothing = label_smoothing
        self.group = group

    def train_and_predict(
        self, x: Tensor, labels: Tensor, num_classes: int, tests: Tensor, keys: Sequence[Sequence[int]]
    ) -> Tensor:
        """See `Learner.train_and_predict`."""
        with torch.no_grad():
            x, tests = standardised(x.flatten(2), tests.flatten(2))
            x, labels = shuffled(x, labels, [(*key, ORDER) for key in keys])
            targets = one_hot(labels, num_classes).to(x) * (1 - self.label_smoothing)
            targets += self.label_smoothing / num_classes
            layers = _layers([x.shape[2], *self.hidden, num_classes], [(*key, WEIGHTS) for key in keys], x.device)
            starts = range(0, x.shape[1], self.batch_size)
            steps = self.epochs * len(starts)
            for step in range(steps):
                batch = slice(start := starts[step % len(starts)], start + self.batch_size)
                rate = self.learning_rate * (1 - step / steps)
                _descend(layers, x[:, batch], targets[:, batch], rate)
            return winner(_activations(layers, tests)[-1])


Layers = list[tuple[Tensor, Tensor]]
"""Weights ``(group, fan in, fan out)`` and biases ``(group, 1, fan out)`` of each layer."""


def _layers(widths: Sequence[int], keys: Sequence[Sequence[int]], device: torch.device) -> Layers:
    """Return initial weights by He et al. (2015). The last layer, which no rectifier follows, is zero."""
    sources = [generator(key) for key in keys]
    layers = []
    for fan_in, fan_out in pairwise(widths):
        drawn = torch.stack([torch.randn(fan_in, fan_out, generator=source) for source in sources])
        layers.append(((2 / fan_in) ** 0.5 * drawn.to(device), torch.zeros(len(keys), 1, fan_out, device=device)))
    layers[-1][0].zero_()
    return layers


def _activations(layers: Layers, x: Tensor) -> list[Tensor]:
    """Return the inputs of each layer ``(group, batch, ...)``, and the logits."""
    *below, (weight, bias) = layers
    inputs = [x]
    for hidden_weight, hidden_bias in below:
        inputs.append(torch.baddbmm(hidden_bias, inputs[-1], hidden_weight).relu_())
    return [*inputs, torch.baddbmm(bias, inputs[-1], weight)]


def _descend(layers: Layers, x: Tensor, targets: Tensor, rate: float) -> None:
    """Take one gradient step on the mean cross-entropy of a batch, in place."""
    *inputs, logits = _activations(layers, x)
    error = logits.softmax(-1).sub_(targets)
    step = -rate / x.shape[1]
    for depth in reversed(range(len(layers))):
        weight, bias = layers[depth]
        below = torch.bmm(error, weight.mT).mul_(inputs[depth] > 0) if depth else None
        weight.baddbmm_(inputs[depth].mT, error, alpha=step)
        bias.add_(error.sum(1, keepdim=True), alpha=step)
        if below is not None:
            error = below
