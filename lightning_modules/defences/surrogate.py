"""Networks that attacks are crafted on."""

from collections.abc import Sequence
from types import NoneType

import torch
from torch import nn

from lightning_modules.defences.classifiers import TrainedNetwork
from lightning_modules.defences.defence import Defence, NoDefence
from lightning_modules.defences.features import Features
from lightning_modules.defences.training import Training
from lightning_modules.defences.trial_data import Attacks
from smoothing.arguments import instance, refuse, sequence, text
from smoothing.provenance.origin import Origin
from smoothing.representation import Represented

VICTIM, SURROGATE = range(2)
"""Keys of independent random streams: trainings of victims and of surrogates."""


class Surrogate(Represented):
    """A network that the attacker trains on the clean training set, to craft attacks on.

    Args:
        training: Training recipe. Default: that of the victim (white box).
        defence: Defence that trains it, which must train one network: for example `AdversarialTraining` for the attack
            `LabelConsistent`. Default: ordinary training.
        attacks: Names of the attacks that are crafted on it, at least one. Default: all attacks that no surrogate
            names.

    Raises:
        ValueError: If an argument is of another type, or the defence trains several networks or none.
    """

    def __init__(
        self,
        training: Training | None = None,
        defence: Defence | None = None,
        attacks: Sequence[str] | None = None,
    ) -> None:
        instance(self, (Training, NoneType), training=training)
        instance(self, (Defence, NoneType), defence=defence)
        if defence is not None and not defence.trains_one_network:
            refuse(self, "defence", type(defence).__name__, "a defence that trains one network")
        if attacks is not None:
            sequence(self, attacks=attacks)
            for name in attacks:
                text(self, attacks=name)
            if not attacks:
                refuse(self, "attacks", [], "at least one name, or unset")
        self.training = training
        self.defence = defence
        self.attacks = None if attacks is None else list(attacks)


class Surrogates:
    """All networks that the attacks of a run are crafted on.

    Args:
        given: Surrogates. If each of them names attacks, one of the recipe of the victim is added for other attacks.
        victim: Training recipe of the victim.
        seed: Root seed of the trainings, at least 0.
    """

    def __init__(self, given: Sequence[Surrogate], victim: Training, seed: int) -> None:
        # First, so that its key does not depend on the surrogates of other attacks.
        added = [] if any(one.attacks is None for one in given) else [Surrogate()]
        self._all = [*added, *given]
        self._victim = victim
        self._seed = seed
        self._trained: dict[int, nn.Module] = {}

    @property
    def parts(self) -> dict[str, object]:
        """Recipes, defences and names of attacks by name."""
        parts: dict[str, object] = {}
        for number, one in enumerate(self._all):
            parts[f"surrogates.{number}"] = self._recipe(one)
            parts[f"surrogates.{number}.defence"] = one.defence
            parts[f"surrogates.{number}.attacks"] = one.attacks
        return parts

    def check(self, data: Attacks) -> None:
        """Raise if a surrogate names an attack that the data do not have, or its defence does not fit.

        Args:
            data: The data, of which `setup` was called.

        Raises:
            ValueError: Naming the attack, or what does not fit.
        """
        examples = len(data.training_set()[1])
        for one in self._all:
            for name in one.attacks or ():
                if name not in data.attacks:
                    refuse(one, "attacks", name, f"one of {', '.join(data.attacks)}")
            try:
                if one.defence is not None:
                    one.defence.check(examples, self._recipe(one))
            except ValueError as error:
                raise ValueError(f"surrogates: {error}") from error

    def trained_on(self, attack: str) -> list[Origin]:
        """Return the origins of the examples that bodies and defences of an attack's surrogates were trained on before.

        Args:
            attack: Name of the attack.
        """
        chosen = [self._all[number] for number in self._of(attack)]
        parts = [part for one in chosen for part in (self._recipe(one).body, one.defence) if part is not None]
        return [origin for part in parts for origin in part.trained_on]

    def networks(self, data: Attacks, attack: str, device: torch.device | str = "cpu") -> list[nn.Module]:
        """Return the networks that an attack is crafted on. Each is trained once.

        They are maps from images to features or to logits, as the attack requires; see `PoisoningAttack.crafts_on`.

        Args:
            data: The data.
            attack: Name of the attack.
            device: Device of the networks.
        """
        kind = data.attacks[attack].crafts_on
        return [self._network(data, number, kind, device) for number in self._of(attack)]

    def _of(self, attack: str) -> list[int]:
        """Return the numbers of the surrogates of an attack."""
        naming = [number for number, one in enumerate(self._all) if attack in (one.attacks or ())]
        return naming or [number for number, one in enumerate(self._all) if one.attacks is None]

    def _recipe(self, surrogate: Surrogate) -> Training:
        return surrogate.training or self._victim

    def _network(self, data: Attacks, number: int, kind: str, device: torch.device | str) -> nn.Module:
        recipe = self._recipe(self._all[number])
        if kind == "bodies" and recipe.body is not None:
            return recipe.body.to(device).eval()
        if number not in self._trained:
            x, labels = data.training_set()
            defence = self._all[number].defence or NoDefence()
            key = (self._seed, SURROGATE, number)
            made = defence.classifier(x.to(device), labels.to(device), data.num_classes, recipe, key)
            if not isinstance(made, TrainedNetwork):
                refuse(self._all[number], "defence", type(defence).__name__, "a defence that trains one network")
            # The attacker trains on the training set itself.
            made.network.trained_on = data.origins[:1]  # type: ignore[assignment]
            self._trained[number] = made.network
        trained = self._trained[number]
        return trained if kind == "classifiers" else Features(trained)
