"""Trials of attacks against defences, as a Lightning predict run."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import pytorch_lightning as pl
import torch
from torch import Tensor

from lightning_modules.defences.defence import Defence
from lightning_modules.defences.surrogate import VICTIM, Surrogate, Surrogates
from lightning_modules.defences.training import Training
from lightning_modules.defences.trial_data import Attacks
from smoothing.arguments import at_least, instance, refuse
from smoothing.numerics.threads import one_thread
from smoothing.provenance.origin import Origin
from smoothing.runs.trials import Trial, TrialKey


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
        self.surrogates = Surrogates(surrogates or (), training, seed)
        self.seed = seed
        # On the instance, since the base class sets its own when it is constructed.
        self.allow_zero_length_dataloader_with_multiple_devices = True

    @property
    def data(self) -> Attacks:
        """Data of the run."""
        return cast(Attacks, self.trainer.datamodule.examples)  # type: ignore[attr-defined]  # a to-do list

    @property
    def parts(self) -> dict[str, object]:
        """Recipes and defences by name."""
        defences = {f"defences.{name}": defence for name, defence in self.defences.items()}
        return {"training": self.training_recipe, **self.surrogates.parts, **defences}

    def check(self, data: Attacks) -> None:
        """Raise if a defence or a surrogate does not fit the data or the recipe.

        Args:
            data: The data, of which `setup` was called.

        Raises:
            ValueError: Naming the defence, or the attack that a surrogate names and the data do not have.
        """
        examples = len(data.training_set()[1])
        for name, defence in self.defences.items():
            try:
                defence.check(examples, self.training_recipe)
            except ValueError as error:
                raise ValueError(f"defences.{name}: {error}") from error
        self.surrogates.check(data)

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
        # Lightning predicts in inference mode, in which training is impossible. Sums depend on the number of threads,
        # which differs between one rank and several.
        with one_thread(), torch.inference_mode(False), torch.enable_grad():
            return [self._tried(attempt) for attempt in batch]

    def _tried(self, attempt: Attempt) -> TrialsOfTarget:
        data = self.data
        networks = self.surrogates.networks(data, attempt.attack, self.device)
        poisoned = data.poisoned(attempt.attack, attempt.number, networks)
        poisons = poisoned.poisons
        _, target, _ = poisoned.target
        tests = data.test_set()
        clean = [tests[position] for position in data.requested]
        x, labels = torch.stack([image for _, image, _ in clean]), torch.tensor([label for *_, label in clean])
        every = torch.cat([target[None], x]).to(self.device)
        body = self.training_recipe.body
        of_body = () if body is None else body.trained_on
        # A body that depends on the training set is not covered by a certificate.
        covered = not _overlap(of_body, data.origins[:1])
        earlier = (*of_body, *self.surrogates.trained_on(attempt.attack))
        digest = poisons.digest()
        trials = []
        for name in attempt.defences:
            key = (self.seed, VICTIM, attempt.number)
            defended = self.defences[name].defend(poisoned, self.training_recipe, key, self.device)
            # Together, since votes may be trained for the images that they predict.
            predictions = defended.predict(every).cpu()
            radius = defended.radius(every) if covered else None
            prediction, right = int(predictions[0]), int((predictions[1:] == labels).sum())
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
                    seen=_overlap([*earlier, *self.defences[name].trained_on], data.origins),
                )
            )
        return TrialsOfTarget(poisons, data.training_set()[0][list(poisons.positions)], trials)


def _overlap(some: Sequence[Origin], others: Sequence[Origin]) -> bool:
    return any(one.overlaps(other) for one in some for other in others)
