"""A learner that trains a CIFAR-10 network in seconds."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lightning_modules.learners.training_data import by_model, shifted, standardised
from smoothing.arguments import at_least, below_one, finite, instance, positive, refuse, sequence
from smoothing.numerics.random import generator
from smoothing.votes import Learner, winner

WEIGHTS, EPOCHS = range(2)
"""Keys of independent random streams."""

WHITENED = 5000
"""Largest number of images for fitting the whitening layer."""

TESTS = 1000
"""Number of images per forward pass of prediction."""


class FastCifar(Learner):
    """A small convolutional network trained in seconds on an accelerator, after the published recipes of such trainers.

    The methods are those of Page (2018), Balsam (2023) and Jordan (2024, "94 % on CIFAR-10 in 3.29 seconds"):

    - a first layer that whitens 2 x 2 patches, fitted here on **each draw's own noisy images**, then frozen;
    - frozen scales in the norms, kernels that are initialised as the identity, early pooling;
    - Nesterov's gradient descent with label smoothing and a triangular learning rate;
    - images shifted at random, and mirrored in every second epoch, on the device;
    - the prediction sums the logits of an image and its mirror image;
    - half precision on an accelerator, and optionally one compiled network for all draws.

    Such trainers usually whiten and normalise by statistics of the images without noise. These would void the
    certificate (THEORY.md section 6).

    Args:
        epochs: Passes through the training set, at least 1.
        batch_size: Examples per step, at least 1; a pass omits examples that do not fill a batch.
        learning_rate: Peak learning rate, above 0, for a loss summed over the batch.
        momentum: Nesterov momentum, within [0, 1).
        weight_decay: Fraction by which a step shrinks the weights at the peak of the learning rate, at least 0.
        label_smoothing: Fraction of each target that is spread over all classes, within [0, 1).
        widths: Numbers of channels after the three blocks, three whole numbers, at least 1.
        shift: Largest shift of an image in pixels, at least 0.
        compile: Whether to compile the network on an accelerator, which is faster for many draws. Ignored on a CPU.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        epochs: int = 10,
        batch_size: int = 1000,
        learning_rate: float = 0.0015,
        momentum: float = 0.85,
        weight_decay: float = 0.002,
        label_smoothing: float = 0.2,
        widths: Sequence[int] = (64, 256, 256),
        shift: int = 2,
        compile: bool = False,
    ) -> None:
        at_least(self, 1, epochs=epochs, batch_size=batch_size)
        sequence(self, widths=widths)
        for width in widths:
            at_least(self, 1, widths=width)
        if len(widths) != 3:
            refuse(self, "widths", list(widths), "three whole numbers")
        positive(self, learning_rate=learning_rate)
        finite(self, 0, weight_decay=weight_decay)
        below_one(self, momentum=momentum, label_smoothing=label_smoothing)
        at_least(self, 0, shift=shift)
        instance(self, bool, compile=compile)
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing
        self.widths = tuple(widths)
        self.shift = shift
        self.compile = compile
        self.assumptions = ("training is in half precision on an accelerator, and its rounding is a part of the votes",)
        self._compiled: FastNetwork | None = None

    def train_and_predict(
        self, x: Tensor, labels: Tensor, num_classes: int, tests: Tensor, keys: Sequence[Sequence[int]]
    ) -> Tensor:
        """See `Learner.train_and_predict`."""
        x, tests = standardised(x, tests)
        return self._one(x[0], by_model(labels, 1)[0], num_classes, tests[0], keys[0])[None]

    def _one(self, x: Tensor, labels: Tensor, num_classes: int, tests: Tensor, key: Sequence[int]) -> Tensor:
        network = self._network(x, num_classes)
        network.start(x, generator((*key, WEIGHTS)))
        network.train()
        size = min(self.batch_size, len(x))
        batches = len(x) // size
        steps = self.epochs * batches
        shifts, others = network.groups()
        optimiser = torch.optim.SGD(
            [{"params": others}, {"params": shifts}], 1.0, self.momentum, nesterov=self.momentum > 0, foreach=True
        )
        targets = labels.to(x.device)
        for epoch in range(self.epochs):
            source = generator((*key, EPOCHS, epoch), x.device)
            order = torch.randperm(len(x), generator=source, device=x.device)
            seen = shifted(x, self.shift, source)
            if epoch == 0:
                mirrored = torch.rand(len(x), generator=source, device=x.device) < 0.5
            # Alternating, so that any two successive epochs use both versions of an image.
            seen = torch.where((mirrored ^ bool(epoch % 2))[:, None, None, None], seen.flip(-1), seen)
            for batch in range(batches):
                part = order[batch * size : (batch + 1) * size]
                rate = self.learning_rate * _triangle((epoch * batches + batch + 1) / steps)
                for group, factor in zip(optimiser.param_groups, (1.0, SHIFTS_FASTER), strict=True):
                    group["lr"] = rate * factor
                    group["weight_decay"] = self.weight_decay / (self.learning_rate * factor)
                with _half(x.device):
                    logits = network(seen[part])
                loss = cross_entropy(logits.float(), targets[part], label_smoothing=self.label_smoothing)
                optimiser.zero_grad()
                loss.mul(size).backward()
                optimiser.step()
        network.eval()
        with torch.no_grad(), _half(x.device):
            return torch.cat([winner((network(y) + network(y.flip(-1))).float()) for y in tests.split(TESTS)])

    def _network(self, x: Tensor, num_classes: int) -> "FastNetwork":
        """Return a network; if compiled, the same one for all draws, since compiling takes longer than training."""
        if self._compiled is not None:
            return self._compiled
        network = FastNetwork(x.shape[1], x.shape[-1], num_classes, self.widths)
        network.to(x.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if self.compile and x.device.type != "cpu":
            network.compile(dynamic=False)
            self._compiled = network
        return network


SHIFTS_FASTER = 64.0
"""Factor of the learning rate of the shifts of norms. Their scales stay at one."""


class FastNetwork(nn.Module):
    """The network of `FastCifar`.

    Args:
        channels: Number of channels of the images.
        size: Height and width of the images, at least 17.
        num_classes: Number of classes K.
        widths: Numbers of channels after the three blocks.

    Raises:
        ValueError: If the images are too small.
    """

    def __init__(self, channels: int, size: int, num_classes: int, widths: Sequence[int]) -> None:
        super().__init__()
        if size < 17:
            raise ValueError(f"FastCifar: images of {size} x {size} pixels; must be at least 17 x 17")
        whitened = 2 * channels * 4
        self.whiten = nn.Conv2d(channels, whitened, 2)
        self.whiten.weight.requires_grad_(False)
        self.blocks = nn.ModuleList(
            _Block(before, after) for before, after in zip((whitened, *widths), widths, strict=False)
        )
        self.head = nn.Linear(widths[-1], num_classes, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``(batch, K)`` of standardised images ``(batch, channels, size, size)``."""
        x = nn.functional.gelu(self.whiten(x.contiguous(memory_format=torch.channels_last)))
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.head(x.amax((2, 3))) / 9
        return logits

    def start(self, x: Tensor, source: torch.Generator) -> None:
        """Initialise the weights: the whitening layer from the training images, all others at random.

        Args:
            x: Noisy training images, ``(n, channels, size, size)``.
            source: Random generator, on the CPU.
        """
        with torch.no_grad():
            for module in self.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.reset_running_stats()
                    module.weight.fill_(1)
                    module.bias.zero_()
                elif isinstance(module, (nn.Conv2d, nn.Linear)):
                    drawn = nn.init.kaiming_uniform_(torch.empty(module.weight.shape), a=5**0.5, generator=source)
                    if isinstance(module, nn.Conv2d):
                        # The first kernels copy their channel.
                        kept = min(module.in_channels, module.out_channels)
                        nn.init.dirac_(drawn[:kept])
                    module.weight.copy_(drawn)
            self.whiten.weight.copy_(_whitening(x[:WHITENED]))
            assert self.whiten.bias is not None
            self.whiten.bias.zero_()

    def groups(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """Return the shifts of norms, and all other parameters that are trained."""
        norms = [module for module in self.modules() if isinstance(module, nn.BatchNorm2d)]
        shifts = [norm.bias for norm in norms]
        known = {id(parameter) for norm in norms for parameter in norm.parameters()}
        return shifts, [p for p in self.parameters() if p.requires_grad and id(p) not in known]


class _Block(nn.Module):
    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, padding="same", bias=False)
        self.norm1 = _norm(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding="same", bias=False)
        self.norm2 = _norm(after)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.max_pool2d(self.conv1(x), 2)
        x = nn.functional.gelu(self.norm1(x))
        return nn.functional.gelu(self.norm2(self.conv2(x)))


def _norm(width: int) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(width, momentum=0.4, eps=1e-12)
    norm.weight.requires_grad_(False)
    return norm


def _whitening(x: Tensor) -> Tensor:
    """Return kernels ``(2 c, channels, 2, 2)``: the c principal patches at unit variance, and their negatives."""
    patches = x.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5)
    flat = patches.reshape(-1, patches[0, 0, 0].numel()).double().cpu()
    moments = flat.T @ flat / len(flat)
    # Without whitening for images that are not finite: a draw is never dropped, so its model votes.
    variances, axes = torch.linalg.eigh(moments if moments.isfinite().all() else torch.eye(len(moments)).to(moments))
    kernels = (axes / (variances.clamp(min=0) + 5e-4).sqrt()).T.reshape(-1, *patches.shape[3:])
    return torch.cat([kernels, -kernels]).to(x)


def _triangle(progress: float, peak: float = 0.23, start: float = 0.2, end: float = 0.07) -> float:
    """Return the learning rate as a fraction of its peak, after a fraction of the steps."""
    if progress < peak:
        return start + (1 - start) * progress / peak
    return 1 - (1 - end) * (progress - peak) / (1 - peak)


def _half(device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type != "cpu")
