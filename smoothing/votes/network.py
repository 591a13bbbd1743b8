"""Votes of a network under noise on the test input."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import deepcopy
from functools import cache
from pathlib import Path
from threading import Lock
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor, nn

from smoothing.measures.enumerable import EnumerableMeasure
from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.blocks import blocks
from smoothing.numerics.random import generator
from smoothing.numerics.rowwise import check_rowwise
from smoothing.numerics.threads import one_thread, spread
from smoothing.votes.arrays import Arrays, as_tensor, checked_batch
from smoothing.votes.votes import CensusVotes

NOISE_BLOCK = 128
"""Number of noisy versions of an example in a block. Each block has its own key."""

Precision = Literal["float32", "bfloat16", "float16"]


def dtype_of(precision: Precision, owner: str) -> torch.dtype:
    """Return the dtype of a precision.

    Raises:
        ValueError: If the precision is unknown. The message starts with ``owner``.
    """
    if precision not in get_args(Precision):
        raise ValueError(f"{owner}: precision = {precision}; must be one of {', '.join(get_args(Precision))}")
    dtype: torch.dtype = getattr(torch, precision)
    return dtype


def warn_if_emulated(dtype: torch.dtype, device: torch.device) -> None:
    """Warn if the processor emulates arithmetic in a type, which takes about ten times as long as in float32.

    The features of the processor are read on Linux. On other systems there is no warning.
    """
    native = {torch.bfloat16: {"avx512_bf16", "amx_bf16", "bf16"}, torch.float16: {"avx512_fp16", "amx_fp16", "fphp"}}
    known = _processor_features() if device.type == "cpu" else frozenset()
    if known and dtype in native and not known & native[dtype]:
        name = str(dtype).removeprefix("torch.")
        message = f"precision = {name}: this processor emulates it, about ten times slower than float32"
        warnings.warn(message, stacklevel=2)


@cache
def _processor_features() -> frozenset[str]:
    """Return the names of the processor's instruction sets; none if they are unknown."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    return frozenset(word for line in lines if line.startswith(("flags", "Features")) for word in line.split())


def logits_of(output: object, name: str) -> Tensor:
    """Return the logits in the output of a network.

    Args:
        output: A tensor, or an object with an attribute or a key ``logits``, such as an output of transformers.
        name: Name of the network, for the message.

    Raises:
        ValueError: If there are none.
    """
    held = output.get("logits") if isinstance(output, Mapping) else getattr(output, "logits", None)
    for logits in (output, held):
        if isinstance(logits, Tensor):
            return logits
    raise ValueError(
        f"{name}: output = {type(output).__name__}; must be logits (batch, num_classes), or have them as `logits`"
    )


MakePass = Callable[[Tensor, int, int, slice], Tensor]
"""Input, its position in the data set, number of a pass, requested rows -> versions ``(noise_batch, ...)``."""


class NetworkVotes(CensusVotes):
    """Predictions of a trained network under noise on its input (Cohen et al. 2019).

    Noise is generated on the device of the inputs, with keys by example and block. A forward pass contains noisy
    versions of one example, always the same number at the same positions. The logits of a draw therefore have the same
    bits for any batch, number of ranks or threads, and after a run is resumed. On a CPU each core runs its own passes.

    The certified classifier is the network in the given precision, on the device that runs it.

    Args:
        network: Maps noisy inputs ``(batch, ...)`` to finite logits ``(batch, num_classes)``, each row independently.
            Ties go to the first class. Logits may be an attribute or a key ``logits`` of the output, as in
            transformers. The network is copied, set to evaluation mode and cast.
        num_classes: Number of classes K, at least 2; the ``num_classes`` of the network by default.
        noise_batch: Number of noisy versions in a forward pass, a multiple of `NOISE_BLOCK`. Large devices run faster
            with more.
        precision: Type of the network's weights and inputs. Noise is sampled in the type of the input and cast.
        compile: Whether to compile the network, with its weights as constants.

    Raises:
        ValueError: If an argument is not as described, if a weight in that precision is NaN or infinite, or if a batch
            norm has no running statistics. Before the first vote on inputs of a shape, also if the output has no logits
            or the logits of a row depend on anything but that row.
    """

    object: ClassVar[str] = "test input"
    trained: ClassVar[bool] = True

    def __init__(
        self,
        network: nn.Module,
        num_classes: int | None = None,
        noise_batch: int = NOISE_BLOCK,
        precision: Precision = "float32",
        compile: bool = False,
    ) -> None:
        if not isinstance(network, nn.Module):
            raise ValueError(
                f"NetworkVotes: network = {type(network).__name__}; must be a torch.nn.Module from inputs "
                "(batch, ...) to logits (batch, num_classes)"
            )
        own = getattr(network, "num_classes", None)
        classes = own if num_classes is None else num_classes
        if classes is None:
            kind = type(network).__name__
            raise ValueError(f"NetworkVotes: num_classes = None; must be given, since {kind} has no num_classes")
        if own not in (None, classes) or classes < 2:
            allowed = "at least 2" if own is None else f"the network's, {own}"
            raise ValueError(f"NetworkVotes: num_classes = {classes}; must be {allowed}")
        if noise_batch < 1 or noise_batch % NOISE_BLOCK:
            raise ValueError(f"NetworkVotes: noise_batch = {noise_batch}; must be a multiple of {NOISE_BLOCK}")
        self._dtype = dtype_of(precision, "NetworkVotes")
        self.num_classes = classes
        self.noise_batch = noise_batch
        self.precision = precision
        self.compile = compile
        self.assumptions = (
            f"the classifier is the network in {precision}{', compiled' if compile else ''}",
            "the network maps each row of a batch independently of the others",
        )
        identity = getattr(network, "identity", None)
        self.checkpoint = None if identity is None else identity()
        self._network = deepcopy(network).eval().requires_grad_(False).to(self._dtype)
        self._network.to(memory_format=torch.channels_last)
        for name, weights in self._network.named_parameters():
            if not weights.isfinite().all():
                raise ValueError(
                    f"NetworkVotes: weights {name} of the network in {precision} = NaN or infinite; must be finite"
                )
        for name, module in self._network.named_modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is None:
                raise ValueError(
                    f"NetworkVotes: {name} of the network normalises by batch statistics; must use running statistics, "
                    "so that draws are independent"
                )
        self._tried: set[tuple[torch.device, torch.Size]] = set()

    def supports(self, measure: SmoothingMeasure) -> str | None:
        """Return why ``measure`` is not supported, such as the reason of the network's own ``supports``, or None."""
        supports = getattr(self._network, "supports", None)
        return super().supports(measure) or (None if supports is None else supports(measure))

    def fit(self, x: Arrays, labels: Arrays, num_classes: int) -> None:
        """Check the number of classes, and the network on inputs of the data's shape. The network is already trained.

        Args:
            x: Empty array of inputs, ``(0, ...)``.
            labels: Ignored.
            num_classes: Number of classes of the data.

        Raises:
            ValueError: If the number of classes differs from the network's, or the network cannot process the inputs.
        """
        if num_classes != self.num_classes:
            raise ValueError(
                f"NetworkVotes: num_classes of the data = {num_classes}; must be the network's, {self.num_classes}"
            )
        x = as_tensor("inputs", x)
        with as_stated(x.device):
            self._try(x)

    def check(self, measure: SmoothingMeasure, x: Tensor) -> None:
        """Raise if the measure cannot randomise an input; see `Votes.check`."""
        measure.check(x)

    def object_shape(self, x: Tensor) -> Sequence[int]:
        """Return the shape of one input."""
        return x.shape[1:]

    def counts(
        self, measure: SmoothingMeasure, x: Tensor, index: Tensor, draws: int, seed: Sequence[int], first: int = 0
    ) -> Tensor:
        """Count votes on noisy inputs; see `Votes.counts`.

        Raises:
            ValueError: If a logit is NaN or infinite, with the example, or if logits or inputs have the wrong shape.
        """
        x, index = checked_batch(x, index)
        passes = list(blocks(first, draws, self.noise_batch))

        def noisy(z: Tensor, name: int, number: int, requested: slice) -> Tensor:
            return self._noisy(measure, z, (*seed, name), number, requested)

        return self._vote(noisy, x, index, passes)

    def census(self, measure: EnumerableMeasure, x: Tensor, index: Tensor) -> Tensor:
        """Count votes on all versions of the inputs; see `CensusVotes.census`.

        Raises:
            ValueError: See `counts`.
        """
        x, index = checked_batch(x, index)
        passes = list(blocks(0, measure.versions, self.noise_batch))

        def versions(z: Tensor, name: int, number: int, requested: slice) -> Tensor:
            batch = self._empty_pass(z.device, z.shape)
            start = number * self.noise_batch
            batch[requested].copy_(measure.version(z, torch.arange(start, start + requested.stop, device=z.device)))
            return batch

        return self._vote(versions, x, index, passes)

    def _vote(self, make: MakePass, x: Tensor, index: Tensor, passes: Sequence[tuple[int, slice]]) -> Tensor:
        """Count the predicted classes of some passes for each input."""
        classes = torch.arange(self.num_classes, device=x.device)
        votes = torch.zeros(len(x), self.num_classes, dtype=torch.long, device=x.device)
        finite = torch.ones(len(x), dtype=torch.bool, device=x.device)
        lock = Lock()

        def work(jobs: slice) -> None:
            row, position = divmod(jobs.start, len(passes))
            number, requested = passes[position]
            with torch.no_grad():
                logits = self._logits(make(x[row], where[row], number, requested))[requested]
            won = (logits.argmax(1, keepdim=True) == classes).sum(0)
            sane = logits.isfinite().all()
            with lock:
                votes[row] += won
                finite[row] &= sane

        where = index.tolist()
        with as_stated(x.device):
            self._try(x)
            spread(work, len(x) * len(passes), 1, x.device)
        if not finite.all():
            lost = where[int(finite.long().argmin())]
            raise ValueError(f"example {lost}: the network's logits are NaN or infinite; must be finite")
        return votes.cpu()

    def _noisy(self, measure: SmoothingMeasure, z: Tensor, key: Sequence[int], number: int, requested: slice) -> Tensor:
        """Return one pass of noisy versions, ``(noise_batch, ...)``. Blocks without a requested row are zero."""
        batch = self._empty_pass(z.device, z.shape)
        places = batch.split(NOISE_BLOCK)
        for place in range(requested.start // NOISE_BLOCK, -(-requested.stop // NOISE_BLOCK)):
            source = generator((*key, number * len(places) + place), z.device)
            places[place].copy_(measure.sample_many(z, NOISE_BLOCK, source))
        return batch

    def _empty_pass(self, device: torch.device, shape: Sequence[int]) -> Tensor:
        batch = torch.zeros(self.noise_batch, *shape, dtype=self._dtype, device=device)
        return batch.contiguous(memory_format=torch.channels_last) if batch.ndim == 4 else batch

    def _try(self, x: Tensor) -> None:
        """Move, compile and check the network before the first pass on a device with inputs of a shape."""
        kind = x.device, x.shape[1:]
        if kind in self._tried:
            return
        self._network.to(x.device)
        if self.compile and not self._tried:
            self._network.compile(dynamic=False)
        warn_if_emulated(self._dtype, x.device)
        rows = torch.rand(self.noise_batch // 2, *x.shape[1:], generator=generator((0,), x.device), device=x.device)
        with one_thread(), torch.no_grad(), self._frozen():
            try:
                self._logits(self._empty_pass(*kind))
                check_rowwise(
                    "NetworkVotes: network", self._network, lambda batch: self._logits(self._laid_out(batch)), rows
                )
            except RuntimeError as error:
                raise ValueError(f"NetworkVotes: inputs of shape {list(x.shape[1:])} do not fit: {error}") from error
        self._tried.add(kind)

    def _laid_out(self, batch: Tensor) -> Tensor:
        """Return a pass of given inputs, in the type and memory format of all passes."""
        return self._empty_pass(batch.device, batch.shape[1:]).copy_(batch)

    def _logits(self, batch: Tensor) -> Tensor:
        """Return the network's logits ``(noise_batch, num_classes)`` of a pass."""
        logits, wanted = logits_of(self._network(batch), "NetworkVotes: network"), (len(batch), self.num_classes)
        if logits.shape != wanted:
            raise ValueError(f"NetworkVotes: logits of shape {list(logits.shape)}; must be {list(wanted)}")
        return logits

    def _frozen(self) -> AbstractContextManager[None]:
        """Let the compiler treat weights as constants, so that it can choose their memory layout."""
        return torch._inductor.config.patch(freezing=True) if self.compile else nullcontext()


@contextmanager
def as_stated(device: torch.device) -> Iterator[None]:
    """Compute in the stated precision with deterministic kernels, regardless of global settings."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with (
            torch.autocast(device.type, enabled=False),
            torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False),
        ):
            yield
    finally:
        torch.set_float32_matmul_precision(before)
