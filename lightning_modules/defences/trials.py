"""Trials of attacks against defences, as a Lightning predict run."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from lightning_modules.defences.classifiers import TrainedNetwork
from lightning_modules.defences.defence import Defence, NoDefence
from lightning_modules.defences.features import Features
from lightning_modules.defences.surrogate import Surrogate
from lightning_modules.defences.training import Training
from lightning_modules.defences.trial_data import Attacks
from smoothing.arguments import at_least, instance, refuse
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

    Attacks are crafted on ``surrogates``: networks that the attacker trains on the clean training set. Attacks on
    features are crafted on the body of a recipe if it is frozen. An attack that no surrogate names is crafted on those
    that name no attack; if there are none, on a network trained by the recipe of the victim, with another key.

    Args:
        training: Training recipe of the victim.
        defences: Defences by name, at least one.
        surrogates: Networks to craft on. Default: one of the recipe of the victim (white box).
        seed: Root seed of all trainings, at least 0.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        training: Training,
        defences: dict[str, Defence],
        surrogates: list[Surrogate] | None = None,
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
            instance(self, Surrogate, surrogates=surrogate)
        if surrogates is not None and not surrogates:
            refuse(self, "surrogates", [], "at least one surrogate, or unset")
        at_least(self, 0, seed=seed)
        self.training_recipe = training
        self.defences = dict(defences)
        given = list(surrogates or ())
        # First, so that its key does not depend on the surrogates of other attacks.
        self.surrogates = given if any(one.attacks is None for one in given) else [Surrogate(), *given]
        self.seed = seed
        self._clean: dict[int, nn.Module] = {}
        # On the instance, since the base class sets its own when it is constructed.
        self.allow_zero_length_dataloader_with_multiple_devices = True

    @property
    def data(self) -> Attacks:
        """Data of the run."""
        return cast(Attacks, self.trainer.datamodule.examples)  # type: ignore[attr-defined]  # a to-do list

    @property
    def parts(self) -> dict[str, object]:
        """Recipes and defences by name."""
        parts: dict[str, object] = {"training": self.training_recipe}
        for number, surrogate in enumerate(self.surrogates):
            parts[f"surrogates.{number}"] = self._recipe(surrogate)
            parts[f"surrogates.{number}.defence"] = surrogate.defence
            parts[f"surrogates.{number}.attacks"] = surrogate.attacks
        return parts | {f"defences.{name}": defence for name, defence in self.defences.items()}

    def check(self, data: Attacks) -> None:
        """Raise if a defence or a surrogate does not fit the data or the recipe.

        Args:
            data: The data, of which `setup` was called.

        Raises:
            ValueError: Naming the defence, or the attack that a surrogate names and the data do not have.
        """
        examples = len(data.training_set()[1])
        checks = [(f"defences.{name}", one, self.training_recipe) for name, one in self.defences.items()]
        for surrogate in self.surrogates:
            for name in surrogate.attacks or ():
                if name not in data.attacks:
                    refuse(surrogate, "attacks", name, f"one of {', '.join(data.attacks)}")
            if surrogate.defence is not None:
                checks.append(("surrogates", surrogate.defence, self._recipe(surrogate)))
        for name, defence, recipe in checks:
            try:
                defence.check(examples, recipe)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error

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

    def networks(self, data: Attacks, attack: str) -> list[nn.Module]:
        """Return the networks that an attack is crafted on, on the device of the module.

        They are maps from images to features or to logits, as the attack requires; see `PoisoningAttack.crafts_on`.

        Args:
            data: The data.
            attack: Name of the attack.
        """
        kind = data.attacks[attack].crafts_on
        return [self._network(data, number, kind) for number in self._crafted_on(attack)]

    def _crafted_on(self, attack: str) -> list[int]:
        """Return the numbers of the surrogates of an attack."""
        naming = [number for number, one in enumerate(self.surrogates) if attack in (one.attacks or ())]
        return naming or [number for number, one in enumerate(self.surrogates) if one.attacks is None]

    def _recipe(self, surrogate: Surrogate) -> Training:
        return surrogate.training or self.training_recipe

    def _network(self, data: Attacks, number: int, kind: str) -> nn.Module:
        """Return the body or the classifier of a surrogate. A classifier is trained once."""
        recipe = self._recipe(self.surrogates[number])
        if kind == "bodies" and recipe.body is not None:
            return recipe.body.to(self.device).eval()
        if number not in self._clean:
            x, labels = data.training_set()
            defence = self.surrogates[number].defence or NoDefence()
            key = (self.seed, SURROGATE, number)
            made = defence.classifier(x.to(self.device), labels.to(self.device), data.num_classes, recipe, key)
            if not isinstance(made, TrainedNetwork):
                refuse(self.surrogates[number], "defence", type(defence).__name__, "a defence that trains one network")
            # The attacker trains on the training set itself.
            made.network.trained_on = data.origins[:1]  # type: ignore[assignment]
            self._clean[number] = made.network
        trained = self._clean[number]
        return trained if kind == "classifiers" else Features(trained)

    def _tried(self, attempt: Attempt) -> TrialsOfTarget:
        data = self.data
        poisoned = data.poisoned(attempt.attack, attempt.number, self.networks(data, attempt.attack))
        poisons = poisoned.poisons
        _, target, _ = poisoned.target
        tests = data.test_set()
        clean = [tests[position] for position in data.requested]
        x, labels = torch.stack([image for _, image, _ in clean]), torch.tensor([label for *_, label in clean])
        recipes = [self.training_recipe, *(self._recipe(self.surrogates[k]) for k in self._crafted_on(attempt.attack))]
        frozen = [recipe.body for recipe in recipes if recipe.body is not None]
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
