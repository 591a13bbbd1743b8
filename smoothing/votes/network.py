"""Votes of a network on noisy versions of the test input."""

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
"""Noise is drawn in blocks of this many versions of one example, each block from its own key."""

Precision = Literal["float32", "bfloat16", "float16"]


def dtype_of(precision: Precision, owner: str) -> torch.dtype:
    """The type of tensors in a precision.

    Raises:
        ValueError: If there is no such precision, naming who was given it.
    """
    if precision not in get_args(Precision):
        raise ValueError(f"{owner}: precision = {precision}; must be one of {', '.join(get_args(Precision))}")
    dtype: torch.dtype = getattr(torch, precision)
    return dtype


def warn_if_emulated(dtype: torch.dtype, device: torch.device) -> None:
    """Warn if the processor emulates arithmetic in a type, which takes about ten times as long as in float32.

    Only Linux tells what a processor can do; there is no warning elsewhere.
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
"""Input, its position in the data set, number of a pass, versions asked for -> versions ``(noise_batch, ...)``."""


class NetworkVotes(CensusVotes):
    """A trained network, put to the vote on noisy versions of its input (Cohen et al. 2019).

    Noise is generated on the device of the inputs, keyed by example and block. A forward pass holds noisy versions of
    one example, always as many and in the same places, so that a draw's logits have the same bits whatever the batch,
    the number of ranks or of threads, or the point at which a run was taken up again. On a CPU every core runs passes
    of its own.

    The certified classifier is the network in the given precision, on the device that runs it.

    Args:
        network: Noisy inputs ``(batch, ...)`` to finite logits ``(batch, num_classes)``, row by row; ties go to the
            first class. Logits may be an attribute or a key ``logits`` of the output, as in transformers. It is copied,
            put in evaluation mode and cast.
        num_classes: Number of classes K, at least 2; the network's own ``num_classes`` unless given.
        noise_batch: Noisy versions in a forward pass, a multiple of `NOISE_BLOCK`. More serve a large device better.
        precision: Type of the network's weights and inputs. Noise is drawn in the type of the input and cast.
        compile: Whether to compile the network, with its weights as constants.

    Raises:
        ValueError: If an argument is not as described, a weight in that precision is NaN or infinite, or the network
            normalises by the batch that it is given. Before the first vote on inputs of a shape, if the output is not
            logits, or the logits of a row depend on anything but that row.
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
            raise ValueError("NetworkVotes: num_classes is not given; must be, for a network that does not know it")
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
                    f"NetworkVotes: {name} of the network normalises by the batch that it is given; must keep "
                    "statistics of training, so that a draw's vote is its own"
                )
        self._tried: set[tuple[torch.device, torch.Size]] = set()

    def supports(self, measure: SmoothingMeasure) -> str | None:
        """Why the network was not made for the measure, where it has a ``supports`` of its own that says so."""
        ask = getattr(self._network, "supports", None)
        return None if ask is None else ask(measure)

    def fit(self, x: Arrays, labels: Arrays, num_classes: int) -> None:
        """Check that the data have the network's classes and inputs of its shape; it comes trained.

        Args:
            x: ``(0, ...)``, no example of the shape that is to be voted on.
            labels: Not looked at.
            num_classes: Number of classes of the data.

        Raises:
            ValueError: If they have not.
        """
        if num_classes != self.num_classes:
            raise ValueError(
                f"NetworkVotes: the network tells {self.num_classes} classes apart; the data have {num_classes}"
            )
        x = as_tensor("inputs", x)
        with as_stated(x.device):
            self._try(x)

    def check(self, measure: SmoothingMeasure, x: Tensor) -> None:
        """Refuse an input that the measure cannot randomise; see `Votes.check`."""
        measure.check(x)

    def object_shape(self, x: Tensor) -> Sequence[int]:
        """Shape of one input."""
        return x.shape[1:]

    def counts(
        self, measure: SmoothingMeasure, x: Tensor, index: Tensor, draws: int, seed: Sequence[int], first: int = 0
    ) -> Tensor:
        """Votes on noisy inputs; see `Votes.counts`.

        Raises:
            ValueError: If a logit is NaN or infinite, naming the example, or logits or inputs have the wrong shape.
        """
        x, index = checked_batch(x, index)
        passes = list(blocks(first, draws, self.noise_batch))

        def noisy(z: Tensor, name: int, number: int, asked: slice) -> Tensor:
            return self._noisy(measure, z, (*seed, name), number, asked)

        return self._vote(noisy, x, index, passes)

    def census(self, measure: EnumerableMeasure, x: Tensor, index: Tensor) -> Tensor:
        """Votes on all versions of the inputs; see `CensusVotes.census`.

        Raises:
            ValueError: As `counts`.
        """
        x, index = checked_batch(x, index)
        passes = list(blocks(0, measure.versions, self.noise_batch))

        def versions(z: Tensor, name: int, number: int, asked: slice) -> Tensor:
            batch = self._empty_pass(z.device, z.shape)
            start = number * self.noise_batch
            batch[asked].copy_(measure.version(z, torch.arange(start, start + asked.stop, device=z.device)))
            return batch

        return self._vote(versions, x, index, passes)

    def _vote(self, make: MakePass, x: Tensor, index: Tensor, passes: Sequence[tuple[int, slice]]) -> Tensor:
        """Count what the network says of some passes for each input."""
        classes = torch.arange(self.num_classes, device=x.device)
        votes = torch.zeros(len(x), self.num_classes, dtype=torch.long, device=x.device)
        finite = torch.ones(len(x), dtype=torch.bool, device=x.device)
        lock = Lock()

        def work(jobs: slice) -> None:
            row, position = divmod(jobs.start, len(passes))
            number, asked = passes[position]
            with torch.no_grad():
                logits = self._logits(make(x[row], where[row], number, asked))[asked]
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

    def _noisy(self, measure: SmoothingMeasure, z: Tensor, key: Sequence[int], number: int, asked: slice) -> Tensor:
        """One pass of noisy versions, ``(noise_batch, ...)``; blocks of which none is asked for stay zero."""
        batch = self._empty_pass(z.device, z.shape)
        places = batch.split(NOISE_BLOCK)
        for place in range(asked.start // NOISE_BLOCK, -(-asked.stop // NOISE_BLOCK)):
            source = generator((*key, number * len(places) + place), z.device)
            places[place].copy_(measure.sample_many(z, NOISE_BLOCK, source))
        return batch

    def _empty_pass(self, device: torch.device, shape: Sequence[int]) -> Tensor:
        batch = torch.zeros(self.noise_batch, *shape, dtype=self._dtype, device=device)
        return batch.contiguous(memory_format=torch.channels_last) if batch.ndim == 4 else batch

    def _try(self, x: Tensor) -> None:
        """Before the first pass of its kind: move the network, compile it, and look at the shape of its logits."""
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
        """Let the compiler take weights for constants, so that it lays them out as the processor likes them best."""
        return torch._inductor.config.patch(freezing=True) if self.compile else nullcontext()


@contextmanager
def as_stated(device: torch.device) -> Iterator[None]:
    """Compute on a device in the stated precision, by the same kernels every time, whatever the process has set."""
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
