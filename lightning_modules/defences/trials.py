"""Trials of attacks against defences, as a Lightning predict run."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, cast

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from lightning_modules.defences.defence import Defence
from lightning_modules.defences.training import Features, Training
from smoothing.arguments import at_least, instance, refuse
from smoothing.provenance.origin import Origin
from smoothing.runs.trials import Trial, TrialKey

VICTIM, SURROGATE = range(2)
"""Keys of independent random streams."""


class Attempt(NamedTuple):
    """One attack on one target, against every defence that is not finished.

    Attributes:
        attack: Name of the attack.
        number: Number of the setup, from 0.
        defences: Names of the defences.
    """

    attack: str
    number: int
    defences: tuple[str, ...]


class Poisoned(Protocol):
    """Interface of a data module with poisons."""

    num_classes: int
    poisons: Any

    def training_set(self) -> tuple[Tensor, Tensor]:
        """Return training images with the poisons, and labels."""

    @property
    def target(self) -> tuple[int, Tensor, int]:
        """Position, image and label of the target."""


class Attacks(Protocol):
    """Interface of a data module with attacks and targets."""

    num_classes: int
    attacks: Mapping[str, Any]
    targets: Sequence[Any]

    @property
    def requested(self) -> Sequence[int]:
        """Positions of the clean test examples."""

    @property
    def origins(self) -> Sequence[Origin]:
        """Examples that the attacker sees."""

    def training_set(self) -> tuple[Tensor, Tensor]:
        """Return the clean training set."""

    def test_set(self) -> Any:
        """Return the clean test set."""

    def fingerprint(self) -> str:
        """Return the SHA-256 of the data, in hexadecimal."""

    def poisoned(self, attack: str, number: int, networks: Sequence[nn.Module]) -> Poisoned:
        """Return the data with the poisons of one attack on one target."""


class TrialsOfTarget(NamedTuple):
    """Outcomes of one attempt.

    Attributes:
        poisons: The poisons, with a method `save`.
        clean: Clean images at their positions, like ``poisons.images``.
        trials: One trial per defence.
    """

    poisons: Any
    clean: Tensor
    trials: list[Trial]


class DefenceTrials(pl.LightningModule):
    """Lightning module that tries every attack on every target against every defence.

    Poisons are crafted once per attack and target. Each defence trains on the poisoned training set, then predicts the
    target and all requested clean test examples. All defences of a target share the key of their random numbers.

    Attacks are crafted on networks that the attacker trains on the clean training set by the recipes ``surrogates``; if
    a body is frozen, on that body. By default the attacker knows the recipe of the victim (white box).

    Args:
        training: Training recipe of the victim.
        defences: Defences by name, at least one.
        surrogates: Recipes of the networks to craft on. Default: that of the victim, with another key.
        seed: Root seed of all trainings, at least 0.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        training: Training,
        defences: dict[str, Defence],
        surrogates: list[Training] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        instance(self, Training, training=training)
        instance(self, Mapping, defences=defences)
        for defence in defences.values():
            instance(self, Defence, defences=defence)
        if not defences:
            refuse(self, "defences", {}, "at least one defence")
        instance(self, (list, tuple, type(None)), surrogates=surrogates)
        for surrogate in surrogates or ():
            instance(self, Training, surrogates=surrogate)
        if surrogates is not None and not surrogates:
            refuse(self, "surrogates", [], "at least one recipe, or unset")
        at_least(self, 0, seed=seed)
        self.training_recipe = training
        self.defences = dict(defences)
        self.surrogates = list(surrogates or [training])
        self.seed = seed
        self._clean: list[nn.Module] = []
        # On the instance, since the base class sets its own when it is constructed.
        self.allow_zero_length_dataloader_with_multiple_devices = True

    @property
    def data(self) -> Attacks:
        """Data of the run."""
        return cast(Attacks, self.trainer.datamodule.examples)  # type: ignore[attr-defined]  # a to-do list

    @property
    def parts(self) -> dict[str, object]:
        """Recipes and defences by name."""
        surrogates = {f"surrogates.{number}": one for number, one in enumerate(self.surrogates)}
        return {
            "training": self.training_recipe,
            **surrogates,
            **{f"defences.{k}": v for k, v in self.defences.items()},
        }

    def check(self, data: Attacks) -> None:
        """Raise if a defence does not fit the data or the recipe.

        Args:
            data: The data, of which `setup` was called.

        Raises:
            ValueError: Naming the defence.
        """
        examples = len(data.training_set()[1])
        for name, defence in self.defences.items():
            try:
                defence.check(examples, self.training_recipe)
            except ValueError as error:
                raise ValueError(f"defences.{name}: {error}") from error

    def keys(self, data: Attacks) -> list[TrialKey]:
        """Return all trials: by target, by attack, by defence."""
        return [
            TrialKey(attack, number, defence)
            for number in range(len(data.targets))
            for attack in data.attacks
            for defence in self.defences
        ]

    def predict_step(self, batch: Sequence[Attempt], batch_idx: int) -> list[TrialsOfTarget]:
        """Craft the poisons of each attempt and try its defences."""
        # Lightning predicts in inference mode, in which training is impossible.
        with torch.inference_mode(False), torch.enable_grad():
            return [self._tried(attempt) for attempt in batch]

    def networks(self, data: Attacks, kind: str) -> list[nn.Module]:
        """Return the networks that attacks are crafted on, on the device of the module.

        Args:
            data: The data.
            kind: ``"bodies"`` for maps from images to features, ``"classifiers"`` for maps to logits.
        """
        frozen = [recipe.body for recipe in self.surrogates]
        if kind == "bodies" and None not in frozen:
            return [body.to(self.device).eval() for body in frozen if body is not None]
        if not self._clean:
            x, labels = data.training_set()
            for number, recipe in enumerate(self.surrogates):
                key = (self.seed, SURROGATE, number)
                made = recipe.train(x.to(self.device), labels.to(self.device), data.num_classes, key)
                # The attacker trains on the training set itself.
                made.trained_on = data.origins[:1]  # type: ignore[assignment]
                self._clean.append(made)
        if kind == "classifiers":
            return self._clean
        return [body or Features(made) for body, made in zip(frozen, self._clean, strict=True)]

    def _tried(self, attempt: Attempt) -> TrialsOfTarget:
        data = self.data
        networks = self.networks(data, data.attacks[attempt.attack].crafts_on)
        poisoned = data.poisoned(attempt.attack, attempt.number, networks)
        poisons = poisoned.poisons
        _, target, _ = poisoned.target
        tests = data.test_set()
        clean = [tests[position] for position in data.requested]
        x, labels = torch.stack([image for _, image, _ in clean]), torch.tensor([label for *_, label in clean])
        body = self.training_recipe.body
        frozen = [one for one in (body, *(recipe.body for recipe in self.surrogates)) if one is not None]
        seen = any(origin.overlaps(other) for one in frozen for origin in one.trained_on for other in data.origins)
        digest = poisons.digest()
        trials = []
        for name in attempt.defences:
            key = (self.seed, VICTIM, attempt.number)
            defended = self.defences[name].defend(poisoned, self.training_recipe, key, self.device)
            prediction = int(defended.predict(target[None].to(self.device))[0])
            radius = defended.radius(target[None].to(self.device))
            right = int((defended.predict(x.to(self.device)).cpu() == labels).sum())
            trials.append(
                Trial(
                    attack=attempt.attack,
                    number=attempt.number,
                    defence=name,
                    target=poisons.setup.target,
                    target_class=poisons.setup.target_class,
                    intended=poisons.setup.intended,
                    count=poisons.budget.count,
                    eps=float(poisons.budget.eps),
                    norm=poisons.budget.norm,
                    prediction=prediction,
                    success=prediction == poisons.setup.intended,
                    right=right,
                    tests=len(labels),
                    radius=None if radius is None else float(radius[0]),
                    loss_before=float(poisons.loss_before),
                    loss_after=float(poisons.loss_after),
                    poisons=digest,
                    seen=seen,
                )
            )
        return TrialsOfTarget(poisons, data.training_set()[0][list(poisons.positions)], trials)
