"""A learner that trains any network by stochastic gradient descent."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy

from lightning_modules.learners.training_data import check_group, distorted, shuffled, standardised
from lightning_modules.networks.checkpoint import digest, parsed
from smoothing.arguments import at_least, below_one, finite, instance, positive, refuse
from smoothing.numerics.random import generator
from smoothing.votes import Learner, winner

WEIGHTS, ORDER, DISTORTION = range(3)
"""Keys of independent random streams."""

Named = dict[str, Tensor]
"""Parameters or buffers by name, stacked over all models."""

TESTS = 500
"""Number of inputs per forward pass of prediction."""


class Networks(Learner):
    """Networks of one architecture, trained by Nesterov's gradient descent on the cross-entropy.

    Inputs are standardised by the randomised training set of each model. Weights are drawn for every model from its own
    key: He et al. (2015) for convolutions and linear layers, zero for biases. Alternatively, they start from the
    weights of ``network``, or, for runs that certify nothing, from a model of the training set without noise. The
    learning rate rises linearly over the first fifth of the steps, then falls linearly to zero. Every epoch has its own
    order of the examples.

    ``torch.func`` stacks several models. This is faster if a step of one model is too small to use the device fully: on
    an accelerator nearly always, on a CPU for small networks. A single model is trained by ordinary autograd.

    Args:
        network: The architecture: maps inputs ``(batch, ...)`` to logits ``(batch, num_classes)``, without randomness
            such as dropout.
        trained_on: Names of the examples that the weights of ``network`` were trained on, such as ``["ImageNet"]``, if
            models start from these weights. Default: weights and statistics of norms are not used. Examples under
            attack are refused.
        warm_start: Whether models start from one that was trained on the training set without noise, which voids every
            certificate.
        epochs: Passes through the training set, at least 1.
        batch_size: Examples per step, at least 1; a pass omits examples that do not fill a batch.
        learning_rate: Peak learning rate, above 0.
        momentum: Nesterov momentum, within [0, 1).
        weight_decay: Weight decay, at least 0.
        label_smoothing: Fraction of each target that is spread over all classes, within [0, 1).
        distortion: Strength of random affine distortions of images, new ones in each epoch; at least 0. At 1, images
            are rotated by up to 17 degrees, scaled by up to 20 %, sheared by up to 0.3 and shifted by up to 9 % of
            their size. At 0, inputs are not changed.
        group: Number of models to train at the same time, 1 to 10,000.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        network: nn.Module,
        trained_on: Sequence[str] | None = None,
        warm_start: bool = False,
        epochs: int = 10,
        batch_size: int = 100,
        learning_rate: float = 0.05,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        label_smoothing: float = 0.0,
        distortion: float = 0.0,
        group: int = 1,
    ) -> None:
        instance(self, nn.Module, network=network)
        instance(self, bool, warm_start=warm_start)
        at_least(self, 1, epochs=epochs, batch_size=batch_size)
        check_group(self, group)
        positive(self, learning_rate=learning_rate)
        finite(self, 0, weight_decay=weight_decay, distortion=distortion)
        below_one(self, momentum=momentum, label_smoothing=label_smoothing)
        if random := [module for module in network.modules() if isinstance(module, nn.modules.dropout._DropoutNd)]:
            raise ValueError(f"Networks: network has {random[0]}; must have no randomness besides that of the draw")
        origins = None if trained_on is None else parsed(self, trained_on)
        if origins == ():
            refuse(self, "trained_on", [], "names of examples, or unset, if models do not start from the weights")
        self.network = network
        self.trained_on = origins or ()
        self.checkpoint = None if trained_on is None else digest(network)
        self.warm_start = warm_start
        self._start: Named | None = None if trained_on is None else dict(network.named_parameters())
        self._buffers: Named = dict((without_statistics(network) if trained_on is None else network).named_buffers())
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing
        self.distortion = distortion
        self.group = group

    def train_and_predict(
        self, x: Tensor, labels: Tensor, num_classes: int, tests: Tensor, keys: Sequence[Sequence[int]]
    ) -> Tensor:
        """See `Learner.train_and_predict`."""
        x, tests = standardised(x, tests)
        weights, buffers = self._train(x, labels, keys)
        network = deepcopy(self.network).eval()
        with torch.no_grad():
            models = [(_of(weights, model), _of(buffers, model)) for model in range(len(x))]
            return torch.stack([_predict(network, *model, inputs) for model, inputs in zip(models, tests, strict=True)])

    def start(self, x: Tensor, labels: Tensor, num_classes: int, key: Sequence[int]) -> None:
        """Train the initial model of all others; see `Learner.start`."""
        with torch.enable_grad():
            weights, buffers = self._train(standardised(x[None], x[None])[0], labels, [key])
        self._start, self._buffers = _of(weights, 0), _of(buffers, 0)

    def _train(self, x: Tensor, labels: Tensor, keys: Sequence[Sequence[int]]) -> tuple[Named, Named]:
        """Return weights and buffers of one model per training set ``(models, n, ...)``."""
        weights = self._initial([(*key, WEIGHTS) for key in keys], x.device)
        buffers = {name: torch.stack([value.to(x.device)] * len(keys)) for name, value in self._buffers.items()}
        optimiser = torch.optim.SGD(
            weights.values(),
            self.learning_rate,
            self.momentum,
            weight_decay=self.weight_decay,
            nesterov=self.momentum > 0,
            foreach=True,
        )
        # A copy: the weights are replaced, and other threads train at the same time.
        loss = self._loss(deepcopy(self.network).train())
        gradients = partial(_alone, loss) if len(x) == 1 else vmap(grad(loss), randomness="error")
        size = min(self.batch_size, x.shape[1])
        batches = x.shape[1] // size
        steps = self.epochs * batches
        for epoch in range(self.epochs):
            seen, targets = shuffled(x, labels, [(*key, ORDER, epoch) for key in keys])
            seen = distorted(seen, self.distortion, [(*key, DISTORTION, epoch) for key in keys])
            for batch in range(batches):
                part = slice(batch * size, (batch + 1) * size)
                optimiser.param_groups[0]["lr"] = self.learning_rate * _rate((epoch * batches + batch + 1) / steps)
                slopes = gradients(weights, buffers, seen[:, part], targets[:, part])
                for name, value in weights.items():
                    value.grad = slopes[name]
                optimiser.step()
        return weights, buffers

    def _initial(self, keys: Sequence[Sequence[int]], device: torch.device) -> Named:
        """Return initial weights of all models."""
        if self._start is not None:
            return {name: torch.stack([value.detach().to(device)] * len(keys)) for name, value in self._start.items()}
        drawn = []
        for key in keys:
            source = generator(key)
            drawn.append({name: initial_weight(name, value, source) for name, value in self.network.named_parameters()})
        return {name: torch.stack([weights[name] for weights in drawn]).to(device) for name in drawn[0]}

    def _loss(self, network: nn.Module) -> Callable[[Named, Named, Tensor, Tensor], Tensor]:
        def loss(weights: Named, buffers: Named, x: Tensor, labels: Tensor) -> Tensor:
            logits = functional_call(network, (weights, buffers), (x,))
            return cross_entropy(logits, labels, label_smoothing=self.label_smoothing)

        return loss


def _alone(
    loss: Callable[[Named, Named, Tensor, Tensor], Tensor], weights: Named, buffers: Named, x: Tensor, labels: Tensor
) -> Named:
    """Return the gradients of a single model, without the cost of stacking."""
    own = {name: value.detach().requires_grad_() for name, value in _of(weights, 0).items()}
    slopes = torch.autograd.grad(loss(own, _of(buffers, 0), x[0], labels[0]), list(own.values()))
    return {name: slope[None] for name, slope in zip(own, slopes, strict=True)}


def _predict(network: nn.Module, weights: Named, buffers: Named, tests: Tensor) -> Tensor:
    return torch.cat([winner(functional_call(network, (weights, buffers), (x,))) for x in tests.split(TESTS)])


def _of(stacked: Named, model: int) -> Named:
    return {name: value[model] for name, value in stacked.items()}


def initial_weight(name: str, like: Tensor, source: torch.Generator) -> Tensor:
    """Return an initial weight by shape and name: matrices and kernels by He et al. (2015), biases zero, scales one."""
    if like.ndim > 1:
        drawn: Tensor = nn.init.kaiming_normal_(torch.empty_like(like), nonlinearity="relu", generator=source)
        return drawn
    return torch.zeros_like(like) if name.endswith("bias") else torch.ones_like(like)


def without_statistics(network: nn.Module) -> nn.Module:
    """Return a copy with reset norms: their statistics may come from the examples under attack."""
    fresh = deepcopy(network)
    for module in fresh.modules():
        if isinstance(module, nn.modules.batchnorm._NormBase):
            module.reset_running_stats()
    return fresh


def _rate(progress: float, peak: float = 0.2) -> float:
    """Return the learning rate as a fraction of its peak, after a fraction of the steps within (0, 1]."""
    return progress / peak if progress < peak else (1 - progress) / (1 - peak)
