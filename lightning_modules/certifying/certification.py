"""Certification of every requested example of a data set, as a Lightning predict run."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from traceback import extract_tb
from typing import Any, Protocol, cast

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from lightning_modules.encoders import Encoder
from lightning_modules.encoders.feature_store import FeatureStore
from smoothing.arguments import at_least, instance, refuse, text
from smoothing.certificates import Attacked, Certificates
from smoothing.certifiers import Certifier, Evaluator
from smoothing.collective import CollectiveEvaluator
from smoothing.collective.run import check_number, check_once
from smoothing.measures import SmoothingMeasure
from smoothing.numerics.padding import filled
from smoothing.numerics.rowwise import ROWS, check_rowwise
from smoothing.numerics.threads import one_thread
from smoothing.provenance.checkpoints import joined
from smoothing.provenance.identity import state_hashes
from smoothing.provenance.origin import Origin
from smoothing.runs.progress import Progress
from smoothing.votes import Ballots, Votes
from smoothing.votes.reads import leak, moves
from smoothing.votes.votes import LABELS

BLOCK = 64
"""Number of training inputs per encoded block. One shape makes features bit-identical on any number of ranks."""

NAME = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)
"""Names of certifiers. They become keys of loggers, which give "/" a meaning of its own."""

Batch = tuple[Tensor, Tensor, Tensor]
"""Index ``(batch,)`` int64, inputs ``(batch, ...)`` float32, labels ``(batch,)`` int64."""


class Examples(Protocol):
    """Interface of a data module for certification.

    Attributes:
        num_classes: Number of classes K.
        assumptions: Assumptions of certificates on these data, one phrase each.
    """

    num_classes: int
    assumptions: tuple[str, ...]

    @property
    def origin(self) -> Origin:
        """Origin of the training set."""

    @property
    def requested(self) -> Sequence[int]:
        """Positions of the requested examples in the test set."""

    def training_set(self) -> tuple[Tensor, Tensor]:
        """Return training inputs ``(n, ...)`` and labels ``(n,)``."""

    def test_set(self) -> "TestSet":
        """Return the test set."""

    def fingerprint(self) -> str:
        """Return the SHA-256 of training and test data."""

    def batches(self, positions: Sequence[int], rank: int, ranks: int) -> DataLoader[Any]:
        """Return batches of one rank's share of the examples at some positions."""


class TestSet(Protocol):
    """Test examples by position."""

    def __getitem__(self, index: int) -> tuple[int, Tensor, int]:
        """Return position, input and label."""


class Certification(pl.LightningModule):
    """Lightning module that computes certificates of examples by every certifier.

    The votes are fitted in `setup` to the training set. All certifiers of a batch share its ballots. Encoder and votes
    get inputs on the device of the trainer, and training features on the CPU.

    Args:
        measure: Smoothing measure, which randomises the object.
        votes: The base function.
        certifiers: Certifiers and attacks by name, at least one. The names are used in tables and curves. A certifier
            with budgets becomes one for each of them, such as ``sampled-3_flips``; see `JointNeymanPearson`.
        encoder: Map from inputs to the features that the votes use, fitted in `setup` to the training inputs without
            their labels. None if the votes use inputs.
        seed: Root seed of all draws, at least 0.
        collective: Collective certifiers and attacks by name, which bound how many answers one attacker can change.
            They are computed after the certificates of all examples. The names must differ from those of certifiers.
        keep_features: Whether to keep the features of the encoder on disk for later runs, in
            ``$XDG_CACHE_HOME/smoothing/features``; or the folder to keep them in. Results do not change.

    Raises:
        ValueError: If an argument is out of its range.

    Attributes:
        fitted: SHA-256 of the fitted votes and encoder by name; empty if nothing was fitted.
    """

    def __init__(
        self,
        measure: SmoothingMeasure,
        votes: Votes,
        certifiers: dict[str, Evaluator],
        encoder: Encoder | None = None,
        seed: int = 0,
        collective: dict[str, CollectiveEvaluator] | None = None,
        keep_features: bool | str = False,
    ) -> None:
        super().__init__()
        if not certifiers:
            raise ValueError("Certification: certifiers = {}; must name at least one")
        for argument, names in (("certifiers", list(certifiers)), ("collective", list(collective or {}))):
            for name in names:
                if not NAME.fullmatch(str(name)):
                    raise ValueError(
                        f"Certification: {argument} = {{{name!r}: ...}}; names must consist of letters, digits, "
                        '"_", "-" and ".", and begin with a letter or a digit'
                    )
        split = {
            name: {f"{name}-{part}" if part else name: one for part, one in certifier.split(measure).items()}
            for name, certifier in certifiers.items()
        }
        every = {name: one for parts in split.values() for name, one in parts.items()}
        if len(every) < sum(map(len, split.values())):
            refuse(self, "certifiers", list(certifiers), "names that differ from those of the budgets of others")
        if twice := [name for name in collective or {} if name in every]:
            raise ValueError(
                f"Certification: collective = {{{twice[0]!r}: ...}}; must differ from the names of certifiers"
            )
        # Only then the inputs are not randomised. Otherwise, radii would be distances of features.
        if encoder is not None and votes.object != LABELS:
            raise ValueError(
                f"Certification: encoder = {type(encoder).__name__}; must be none for votes on the {votes.object}, "
                "since radii would be distances of features"
            )
        at_least(self, 0, seed=seed)
        instance(self, (bool, str), keep_features=keep_features)
        if isinstance(keep_features, str):
            text(self, keep_features=keep_features)
        if keep_features and encoder is None:
            refuse(self, "keep_features", keep_features, "false without an encoder")
        self.measure = measure
        self.votes = votes
        self.certifiers = every
        self.collective = collective or {}
        self.encoder = encoder
        self.seed = seed
        self.keep_features = keep_features
        self.fitted: dict[str, str] = {}
        self._store: FeatureStore | None = None
        self._encoded: dict[int, Tensor] = {}
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
        """Data of the run, or else the data module of the trainer."""
        return self._data or cast(Examples, self.trainer.datamodule)  # type: ignore[attr-defined]

    def begin(self, data: Examples, progress: Progress) -> None:
        """Begin a run. Later passes certify its remaining examples.

        Args:
            data: Training set and examples.
            progress: Progress of the run.
        """
        self._data = data
        self._progress = progress
        self._prepared = False
        self._encoded = {}

    def end(self) -> None:
        """End the run. State that it has left in votes or encoder does not change their identity in the next run."""
        self._after = state_hashes(self.parts)

    @property
    def parts(self) -> dict[str, object]:
        """Measure, votes, encoder, certifiers and collective certifiers, by name."""
        certifiers = {f"certifiers.{name}": certifier for name, certifier in self.certifiers.items()}
        collective = {f"collective.{name}": certifier for name, certifier in self.collective.items()}
        return {"measure": self.measure, "votes": self.votes, "encoder": self.encoder, **certifiers, **collective}

    def identity(self, data: str) -> dict[str, str]:
        """Hash measure, votes, encoder and certifiers in their state before the first run; see `state_hashes`.

        Args:
            data: SHA-256 of the data that votes and encoder will be fitted to.
        """
        now = state_hashes(self.parts)
        if now != self._after:
            self._before = now
        if now != self._after or data != self._fitted_to:
            self.fitted, self._fitted_to = {}, data
        return self._before

    @property
    def randomised(self) -> str:
        """Object whose changes the radii bound; see `Votes.object`."""
        return self.measure.objects[-1] if self.measure.objects else self.votes.object

    @property
    def inputs(self) -> int:
        """Number of inputs in that object; 1 beside the training inputs."""
        return self.votes.inputs if self.randomised == self.votes.object else 1

    @property
    def checkpoint(self) -> str | None:
        """SHA-256 of the checkpoints of measure, encoder and votes, in hexadecimal; None if there is none."""
        return joined(self.measure.checkpoint, self.encoder.identity() if self.encoder else self.votes.checkpoint)

    @property
    def remaining(self) -> Sequence[int]:
        """Positions of the requested examples that are not finished."""
        return self.data.requested if self._progress is None else self._progress.remaining

    @property
    def collective_remains(self) -> bool:
        """Whether collective certificates are not finished."""
        return bool(self.collective) and self._progress is not None and not self._progress.collective_finished

    def requested_inputs(self) -> tuple[Tensor, Tensor]:
        """Return all requested examples ``(m, ...)`` and their positions ``(m,)``."""
        examples, positions = self.data.test_set(), self.data.requested
        return torch.stack([examples[position][1] for position in positions]), torch.tensor(positions)

    @property
    def seen(self) -> dict[str, list[str]]:
        """Origins of the data and of the labels that the encoder was trained on; both empty if it is fitted here."""
        encoder = self.encoder
        origins = {"trained_on": encoder.trained_on, "labels_of": encoder.labels_of} if encoder else {}
        return {name: list(map(str, seen)) for name, seen in origins.items()}

    def setup(self, stage: str) -> None:
        """Check the examples, fit encoder and votes, and check that every certifier supports them.

        Within a run of several passes, this is done once.

        Raises:
            ValueError: If the data are invalid, or a certifier does not support measure and votes, with the reason.
        """
        if self._prepared or not (self.remaining or self.collective_remains):
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
            if reason := self.encoder.leak(self.measure.distance, self.data.origin):
                raise ValueError(f"Certification: {reason}")
        # The length of a row of padded texts is that of the longest one.
        elif reason := leak("data", self.data, getattr(self.data, "reads", "nothing"), self.measure.distance):
            raise ValueError(f"Certification: {reason}")
        self.votes.fit(*self._training_set(), self.data.num_classes)
        if not self.votes.trained and not self.fitted:
            self.fitted = state_hashes({"votes": self.votes, "encoder": self.encoder})
        if self.votes.kept:
            tests, positions = self.requested_inputs()
            finished = self._progress.draws if self._progress else {}
            self.votes.serve(self.data.origin, self._features(tests), positions, finished)
        for name, certifier in self.certifiers.items():
            kind = type(certifier).__name__
            if reason := certifier.refuses(len(self.data.requested)):
                raise ValueError(f"certifiers.{name}: {kind}: {reason}")
            if reason := certifier.supports(self.measure, self.votes):
                raise ValueError(f"certifiers.{name}: {kind} cannot be used: {reason}")
        for name, together in self.collective.items():
            kind = type(together).__name__
            check_number(together, len(self.data.requested))
            check_once(together, self.data.requested)
            if reason := together.supports(self.measure, self.votes):
                raise ValueError(f"collective.{name}: {kind} cannot be used: {reason}")
        if self.remaining:
            self._try_first_example()
        self._prepared = self._data is not None

    def predict_step(self, batch: Batch, batch_idx: int) -> dict[str, Certificates | Attacked]:
        """Return the certificates of one batch by name of the certifier."""
        index, x, _ = batch
        assumptions = self.assumptions
        # Lightning predicts in inference mode, which holds for one thread only; certifiers can use several.
        with torch.inference_mode(False), torch.no_grad():
            features = self._features(x)
            if self.collective and self.encoder is not None:
                self._encoded |= dict(zip(index.tolist(), features, strict=True))
            ballots = Ballots(self.measure, self.votes, features, index, self.seed)
            answers = {name: certifier.evaluate(ballots) for name, certifier in self.certifiers.items()}
        return {
            name: replace(answer, assumptions=(*answer.assumptions, *assumptions)) for name, answer in answers.items()
        }

    @property
    def assumptions(self) -> tuple[str, ...]:
        """Assumptions of certificates on the data and the encoder, one phrase each."""
        return (*self.data.assumptions, *(self.encoder.assumptions if self.encoder else ()))

    def features(self, x: Tensor) -> Tensor:
        """Return what the votes get of some inputs, ``(batch, ...)``. Each input is encoded by itself."""
        return self._features(x.to(self.device))

    def features_of(self, inputs: Mapping[int, Tensor]) -> Tensor:
        """Return the features of test examples, by position. Those of certified examples are not computed again."""
        if self.encoder is None:
            return self.features(torch.stack([*inputs.values()]))
        return torch.cat(
            [
                self._encoded[position][None] if position in self._encoded else self.features(x[None])
                for position, x in inputs.items()
            ]
        )

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
        """Return training features and labels; for trained votes, empty ones of the right shape."""
        if self.votes.trained:
            _, example, _ = self.data.test_set()[self.data.requested[0]]
            return self._features(example[None])[:0], torch.empty(0, dtype=torch.long)
        x, labels = self.data.training_set()
        if self.encoder is not None:
            self.encoder.fit(x)
            # In training mode, norms would collect statistics of the training set while they encode it.
            self.encoder.eval()
            self._check_encoder(x)
            if self.keep_features:
                folder = self.keep_features if isinstance(self.keep_features, str) else None
                self._store = FeatureStore(self.encoder, folder)
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
        """Encode examples one by one, so that features do not depend on the batch."""
        if self.encoder is None:
            return x
        encode = self._store or self.encoder
        with one_thread():
            # Copies: the place of an example in memory may change how it is rounded.
            return torch.cat([encode(example.clone()) for example in x.split(1)])

    def _training_features(self, x: Tensor) -> Tensor:
        """Encode the training inputs. Each rank encodes its share of the blocks and gets all features."""
        if self.encoder is None:
            return x
        encode = self._store or self.encoder
        rank, ranks = self.trainer.global_rank, self.trainer.world_size
        # Not in blocks if examples are inserted: the last bits of features may depend on the place in a block.
        size = 1 if moves("all inputs", self.measure.distance) else BLOCK
        rounds = -(-len(x) // (size * ranks))
        self.encoder.to(self.device)
        with one_thread():
            first = encode(_block(x, rank, size).to(self.device))
            # One tensor for all blocks avoids fragmented memory.
            share = first.new_empty(rounds, *first.shape)
            share[0] = first
            for place in range(1, rounds):
                share[place] = encode(_block(x, rank + place * ranks, size).to(self.device))
        gathered = cast(Tensor, self.all_gather(share)).reshape(ranks, rounds, size, -1)
        return gathered.transpose(0, 1).flatten(0, 2)[: len(x)].cpu()


def _block(x: Tensor, number: int, size: int) -> Tensor:
    return filled(x[number * size : (number + 1) * size], size)
