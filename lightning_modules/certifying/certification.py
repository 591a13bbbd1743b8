"""Certifying every example of a data set, as a Lightning predict run."""

import re
from collections.abc import Sequence
from dataclasses import replace
from traceback import extract_tb
from typing import Any, Protocol, cast

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from lightning_modules.encoders import Encoder
from smoothing.arguments import at_least
from smoothing.certificates import Attacked, Certificates
from smoothing.certifiers import Certifier, Evaluator
from smoothing.measures import SmoothingMeasure
from smoothing.numerics.padding import filled
from smoothing.numerics.rowwise import ROWS, check_rowwise
from smoothing.numerics.threads import one_thread
from smoothing.provenance.checkpoints import joined
from smoothing.provenance.identity import state_hashes
from smoothing.provenance.origin import Origin
from smoothing.runs.progress import Progress
from smoothing.votes import Ballots, Votes
from smoothing.votes.votes import LABELS

BLOCK = 64
"""Training inputs are encoded in blocks of this many: one shape, so that features have the same bits on any ranks."""

NAME = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)
"""Names of certifiers. They become keys of loggers, which give "/" a meaning of its own."""

Batch = tuple[Tensor, Tensor, Tensor]
"""Index ``(batch,)`` int64, inputs ``(batch, ...)`` float32, labels ``(batch,)`` int64."""


class Examples(Protocol):
    """What certifying needs of a data module.

    Attributes:
        num_classes: Number of classes K.
        assumptions: What a certificate on these data takes for granted, one phrase each.
    """

    num_classes: int
    assumptions: tuple[str, ...]

    @property
    def origin(self) -> Origin:
        """Which examples the training set holds."""

    @property
    def requested(self) -> Sequence[int]:
        """Positions in the test set of the examples to certify."""

    def training_set(self) -> tuple[Tensor, Tensor]:
        """Training inputs ``(n, ...)`` and labels ``(n,)``."""

    def test_set(self) -> "TestSet":
        """The examples to certify."""

    def fingerprint(self) -> str:
        """sha256 of training and test data."""

    def batches(self, positions: Sequence[int], rank: int, ranks: int) -> DataLoader[Any]:
        """Batches of one rank's share of the examples at some positions."""


class TestSet(Protocol):
    """Examples by position."""

    def __getitem__(self, index: int) -> tuple[int, Tensor, int]:
        """Position, input and label."""


class Certification(pl.LightningModule):
    """Puts examples to the vote under a measure and asks every certifier for certificates.

    The votes are fitted in `setup`, on the training set of the trainer's data module. All certifiers share one
    batch's ballots. Encoder and votes are given inputs on the trainer's device, training features on the CPU.

    Args:
        measure: How the object is randomised.
        votes: The base function.
        certifiers: Certifiers and attacks by their name in tables and curves, at least one.
        encoder: What turns inputs into the features that the votes see, fitted here on the training inputs without
            their labels; none where they see inputs.
        seed: Root seed of all draws, at least 0.

    Raises:
        ValueError: If an argument is out of its range.

    Attributes:
        fitted: SHA-256 of what was fitted to the training set, by name; empty if nothing was.
    """

    def __init__(
        self,
        measure: SmoothingMeasure,
        votes: Votes,
        certifiers: dict[str, Evaluator],
        encoder: Encoder | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if not certifiers:
            raise ValueError("Certification: certifiers = {}; must name at least one")
        for name in certifiers:
            if not NAME.fullmatch(str(name)):
                raise ValueError(
                    f"Certification: certifiers = {{{name!r}: ...}}; names must consist of letters, digits, "
                    '"_", "-" and ".", and begin with a letter or a digit'
                )
        # Inputs stay as they are there alone; wherever else, radii behind an encoder are of features.
        if encoder is not None and votes.object != LABELS:
            raise ValueError(
                f"Certification: encoder = {type(encoder).__name__}; must be none for votes on the {votes.object}, "
                "since radii would be those of features"
            )
        at_least(self, 0, seed=seed)
        self.measure = measure
        self.votes = votes
        self.certifiers = certifiers
        self.encoder = encoder
        self.seed = seed
        self.fitted: dict[str, str] = {}
        self._data: Examples | None = None
        self._progress: Progress | None = None
        self._prepared = False
        self._before: dict[str, str] = {}
        self._after: dict[str, str] = {}
        self._fitted_to = ""
        # On the instance, since the base class sets its own when it is constructed.
        self.allow_zero_length_dataloader_with_multiple_devices = True

    @property
    def data(self) -> Examples:
        """Training set and examples: those of the run, or else the trainer's data module."""
        return self._data or cast(Examples, self.trainer.datamodule)  # type: ignore[attr-defined]

    def begin(self, data: Examples, progress: Progress) -> None:
        """Begin a run: later passes certify what remains of it.

        Args:
            data: Training set and examples.
            progress: Progress of the run.
        """
        self._data = data
        self._progress = progress
        self._prepared = False

    def end(self) -> None:
        """End the run. What it left in votes and encoder, such as fitted arrays, does not change their identity."""
        self._after = state_hashes(self.parts)

    @property
    def parts(self) -> dict[str, object]:
        """Everything that rows are computed with, by name."""
        certifiers = {f"certifiers.{name}": certifier for name, certifier in self.certifiers.items()}
        return {"measure": self.measure, "votes": self.votes, "encoder": self.encoder, **certifiers}

    def identity(self, data: str) -> dict[str, str]:
        """SHA-256 of everything that rows are computed with, as it was before a run fitted it; see `state_hashes`.

        Args:
            data: Fingerprint of the data that it will be fitted to.
        """
        now = state_hashes(self.parts)
        if now != self._after:
            self._before = now
        if now != self._after or data != self._fitted_to:
            self.fitted, self._fitted_to = {}, data
        return self._before

    @property
    def checkpoint(self) -> str | None:
        """SHA-256 of the checkpoints that the votes go through, in hexadecimal; None where there is none."""
        return joined(self.measure.checkpoint, self.encoder.identity() if self.encoder else self.votes.checkpoint)

    @property
    def remaining(self) -> Sequence[int]:
        """Positions of the examples that are still to certify."""
        return self.data.requested if self._progress is None else self._progress.remaining

    def asked(self) -> tuple[Tensor, Tensor]:
        """All examples to certify, ``(m, ...)``, and their positions ``(m,)``."""
        examples = self.data.test_set()
        requested = self.data.requested
        return torch.stack([examples[position][1] for position in requested]), torch.tensor(requested)

    @property
    def seen(self) -> dict[str, list[str]]:
        """What the encoder was trained on, and of which of it the labels; both empty where it is fitted here."""
        encoder = self.encoder
        origins = {"trained_on": encoder.trained_on, "labels_of": encoder.labels_of} if encoder else {}
        return {name: list(map(str, seen)) for name, seen in origins.items()}

    def setup(self, stage: str) -> None:
        """Check the examples, fit the votes, and ask every certifier whether it can serve.

        Once for data that were set, however many passes they take.

        Raises:
            ValueError: If the data are bad, or a certifier cannot serve, saying why.
        """
        if self._prepared or not self.remaining:
            return
        examples = self.data.test_set()
        for position in self.remaining:
            _, example, _ = examples[position]
            if not torch.isfinite(example).all():
                raise ValueError(f"test example {position}: NaN or infinite value found; must be finite")
            try:
                self.votes.check(self.measure, example)
            except ValueError as error:
                raise ValueError(f"test example {position}: {error}") from error
        if self.encoder is not None:
            self.encoder.serve(self.data.origin)
        self.votes.fit(*self._training_set(), self.data.num_classes)
        if not self.votes.trained and not self.fitted:
            self.fitted = state_hashes({"votes": self.votes, "encoder": self.encoder})
        if self.votes.kept:
            self.votes.serve(self.data.origin, *self.asked(), self._progress.draws if self._progress else {})
        for name, certifier in self.certifiers.items():
            kind = type(certifier).__name__
            if reason := certifier.refuses(len(self.data.requested)):
                raise ValueError(f"certifiers.{name}: {kind}: {reason}")
            if reason := certifier.supports(self.measure, self.votes):
                raise ValueError(f"certifiers.{name}: {kind} cannot serve: {reason}")
        self._try_first_example()
        self._prepared = self._data is not None

    def predict_step(self, batch: Batch, batch_idx: int) -> dict[str, Certificates | Attacked]:
        """Certificates of one batch by name of the certifier."""
        index, x, _ = batch
        granted = (*self.data.assumptions, *(self.encoder.assumptions if self.encoder else ()))
        # Inference mode, which Lightning predicts in, is a thread's own; certifiers may work on several.
        with torch.inference_mode(False), torch.no_grad():
            ballots = Ballots(self.measure, self.votes, self._features(x), index, self.seed)
            answers = {name: certifier.evaluate(ballots) for name, certifier in self.certifiers.items()}
        return {name: replace(answer, assumptions=(*answer.assumptions, *granted)) for name, answer in answers.items()}

    @property
    def _certifiers(self) -> dict[str, Certifier]:
        """Certifiers by name, without attacks."""
        return {name: one for name, one in self.certifiers.items() if isinstance(one, Certifier)}

    def reach(self) -> dict[str, float]:
        """Return the largest radius that the draws of each sampling certifier can certify, by its name."""
        first = self.data.test_set()[self.data.requested[0]][1]
        shape = self.votes.object_shape(self._features(first[None].to(self.device)))
        reach = {name: one.reach(self.measure, shape, self.data.num_classes) for name, one in self._certifiers.items()}
        return {name: radius for name, radius in reach.items() if radius is not None}

    def _try_first_example(self) -> None:
        """Raise if measure, votes or a certifier fails on the first example, before anything is written.

        Sampling certifiers compute only their largest radius and one draw.

        Raises:
            ValueError: Naming the certifier, the error and the line that raised it.
        """
        if self.votes.kept:
            return
        index, x, _ = self.data.test_set()[self.remaining[0]]
        for name, certifier in self._certifiers.items():
            try:
                with torch.inference_mode(False), torch.no_grad():
                    features = self._features(x[None].to(self.device))
                    ballots = Ballots(self.measure, self.votes, features, torch.tensor([index]), self.seed)
                    if certifier.reach(self.measure, ballots.shape, self.data.num_classes) is None:
                        certifier.certify(ballots)
                    else:
                        ballots.counts(1, 0)
            except Exception as error:
                where = extract_tb(error.__traceback__)[-1]
                raise ValueError(
                    f"certifiers.{name}: {type(certifier).__name__} fails on test example {index}: "
                    f"{type(error).__name__}: {error} ({where.filename}, line {where.lineno})"
                ) from error

    def _training_set(self) -> tuple[Tensor, Tensor]:
        """Training features and labels; none, but of the shape of the others, for votes that come trained."""
        if self.votes.trained:
            _, example, _ = self.data.test_set()[self.data.requested[0]]
            return self._features(example[None])[:0], torch.empty(0, dtype=torch.long)
        x, labels = self.data.training_set()
        if self.encoder is not None:
            self.encoder.fit(x)
            self._check_encoder(x)
        return self._training_features(x), labels

    def _check_encoder(self, x: Tensor) -> None:
        """Refuse an encoder whose features of an input depend on other inputs of its batch."""
        encoder, half = cast(Encoder, self.encoder).to(self.device), min(ROWS, len(x) // 2)
        with one_thread():
            check_rowwise(
                type(encoder).__name__,
                encoder,
                lambda rows: encoder(filled(rows, BLOCK).to(self.device))[: len(rows)],
                x[:half],
                x[half : 2 * half],
            )

    def _features(self, x: Tensor) -> Tensor:
        """Encode one example at a time, so that its features do not depend on its neighbours."""
        if self.encoder is None:
            return x
        with one_thread():
            return torch.cat([self.encoder(example) for example in x.split(1)])

    def _training_features(self, x: Tensor) -> Tensor:
        """Encode the training inputs, each rank its share of the blocks; every rank gets all features."""
        if self.encoder is None:
            return x
        rank, ranks = self.trainer.global_rank, self.trainer.world_size
        rounds = -(-len(x) // (BLOCK * ranks))
        self.encoder.to(self.device)
        with one_thread():
            first = self.encoder(_block(x, rank).to(self.device))
            # One tensor for all: small ones kept between large ones that come and go would split memory up.
            share = first.new_empty(rounds, *first.shape)
            share[0] = first
            for place in range(1, rounds):
                share[place] = self.encoder(_block(x, rank + place * ranks).to(self.device))
        gathered = cast(Tensor, self.all_gather(share)).reshape(ranks, rounds, BLOCK, -1)
        return gathered.transpose(0, 1).flatten(0, 2)[: len(x)].cpu()


def _block(x: Tensor, number: int) -> Tensor:
    return filled(x[number * BLOCK : (number + 1) * BLOCK], BLOCK)
