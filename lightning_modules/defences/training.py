"""The training recipe of a classifier of which the training set may be poisoned."""

from collections.abc import Sequence
from copy import deepcopy
from types import NoneType

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lightning_modules.defences.features import Features, apply
from lightning_modules.defences.intervention import Intervention, TrainingState
from lightning_modules.learners.networks import initial_weight, without_statistics
from lightning_modules.learners.training_data import shifted
from smoothing.arguments import at_least, below_one, finite, instance, positive, refuse, sequence
from smoothing.numerics.random import generator
from smoothing.representation import Represented
from smoothing.votes.retrained.body import Body

WEIGHTS, ORDER, INPUTS = range(3)
"""Keys of independent random streams."""


class Training(Represented):
    """Training of a classifier by stochastic gradient descent: of a linear head on a frozen body, or of a network.

    Every training starts from weights that are a function of its key: He et al. (2015) for matrices and kernels, zero
    for biases. If a body is frozen and no image is augmented or moved, its features are computed once. The defaults are
    those of the benchmark for transfer learning (Schwarzschild et al. 2021).

    Args:
        body: Frozen body under a linear head. Either ``body`` or ``network`` must be given.
        network: Network to train from scratch, which maps images to logits. Its weights are not used.
        epochs: Number of passes through the training set, at least 1.
        batch_size: Examples per step, at least 1.
        learning_rate: Initial learning rate, above 0.
        milestones: Numbers of epochs after which the learning rate is divided by 10, at least 1.
        momentum: Momentum, within [0, 1).
        weight_decay: Weight decay, at least 0.
        shift: Largest random shift of an image in pixels, with reflection at the edges, at least 0.
        mirror: Whether images are mirrored at random.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        body: Body | None = None,
        network: nn.Module | None = None,
        epochs: int = 40,
        batch_size: int = 128,
        learning_rate: float = 0.01,
        milestones: Sequence[int] = (30,),
        momentum: float = 0.9,
        weight_decay: float = 2e-4,
        shift: int = 0,
        mirror: bool = False,
    ) -> None:
        instance(self, (Body, NoneType), body=body)
        instance(self, (nn.Module, NoneType), network=network)
        if (body is None) == (network is None):
            refuse(self, "network", network and type(network).__name__, "given if body is not, and else unset")
        at_least(self, 1, epochs=epochs, batch_size=batch_size)
        positive(self, learning_rate=learning_rate)
        sequence(self, milestones=milestones)
        for milestone in milestones:
            at_least(self, 1, milestones=milestone)
        below_one(self, momentum=momentum)
        finite(self, 0, weight_decay=weight_decay)
        at_least(self, 0, shift=shift)
        instance(self, bool, mirror=mirror)
        self.body = body
        self.network = network
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.milestones = tuple(milestones)
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.shift = shift
        self.mirror = mirror

    def train(
        self,
        x: Tensor,
        labels: Tensor,
        num_classes: int,
        key: Sequence[int],
        intervention: Intervention | None = None,
    ) -> nn.Module:
        """Return a trained network, in evaluation mode. It is a function of the arguments.

        Args:
            x: Training images, ``(n, ...)`` float32.
            labels: Labels, ``(n,)`` int64 in ``0 .. num_classes - 1``.
            num_classes: Number of classes K.
            key: Key of the random numbers.
            intervention: What a defence does meanwhile; nothing by default.

        Returns:
            Map from images ``(m, ...)`` to logits ``(m, K)``. Only its trained parameters require gradients.
        """
        own = intervention or Intervention()
        trained = self._start(x, num_classes, key)
        body = None if self.body is None else deepcopy(self.body).to(x.device).eval().requires_grad_(False)
        once = body is not None and not (self.shift or self.mirror or own.moves_inputs)
        state = TrainingState(trained, body, x, labels.to(x.device), num_classes)
        if once:
            state.x, state.body = apply(body, x), None
        optimiser: torch.optim.Optimizer = torch.optim.SGD(
            trained.parameters(), self.learning_rate, self.momentum, weight_decay=self.weight_decay
        )
        with torch.enable_grad():
            optimiser = own.begin(state, optimiser, self, key)
            for epoch in range(self.epochs):
                self._epoch(state, own, optimiser, epoch, key)
            own.end(state)
        made = trained if body is None else nn.Sequential(body, trained)
        return made.eval()

    def features(self, x: Tensor, labels: Tensor, num_classes: int, key: Sequence[int]) -> Tensor:
        """Return features of training images, ``(n, k)``: of the body, or of a network trained on these examples."""
        if self.body is not None:
            return apply(self.body.to(x.device).eval(), x)
        return apply(Features(self.train(x, labels, num_classes, key)), x)

    def _epoch(
        self,
        state: TrainingState,
        own: Intervention,
        optimiser: torch.optim.Optimizer,
        epoch: int,
        key: Sequence[int],
    ) -> None:
        source, of_inputs = generator((*key, ORDER, epoch)), generator((*key, INPUTS, epoch), state.x.device)
        kept = own.kept(state, epoch)
        for group in optimiser.param_groups:
            group["lr"] = self.learning_rate * 0.1 ** sum(epoch >= milestone for milestone in self.milestones)
        for positions in own.batches(kept, self.batch_size, source):
            state.trained.eval()
            seen = own.inputs(state, positions, epoch, lambda x: self._augmented(x, of_inputs), of_inputs)
            state.trained.train()
            optimiser.zero_grad()
            cross_entropy(state.logits(seen), state.labels[positions]).backward()
            optimiser.step()

    def _augmented(self, x: Tensor, source: torch.Generator) -> Tensor:
        if self.shift:
            x = shifted(x, self.shift, source)
        if self.mirror:
            mirrored = torch.rand(len(x), generator=source, device=x.device) < 0.5
            x = torch.where(mirrored.view(-1, 1, 1, 1), x.flip(-1), x)
        return x

    def _start(self, x: Tensor, num_classes: int, key: Sequence[int]) -> nn.Module:
        """Return the initial head or network."""
        if self.network is None:
            assert self.body is not None
            width = apply(self.body.to(x.device).eval(), x[:1]).shape[1]
            made: nn.Module = nn.Linear(width, num_classes)
        else:
            made = without_statistics(self.network).requires_grad_(True)
        source = generator((*key, WEIGHTS))
        with torch.no_grad():
            for name, value in made.named_parameters():
                value.copy_(initial_weight(name, value.cpu(), source))
        return made.to(x.device)
