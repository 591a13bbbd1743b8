"""Data of trials: one clean data set, several attacks, many targets."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from torch import Tensor, nn
from torch.utils.data import Dataset

from datamodules.base import DataModule, Examples, Numbered
from datamodules.poisoning.attack import PoisoningAttack
from datamodules.poisoning.benchmark import read_setups
from datamodules.poisoning.budget import Budget
from datamodules.poisoning.poisoned import PoisonedDataModule
from datamodules.poisoning.setup import Setup, draw_setups
from smoothing.arguments import at_least, instance, refuse
from smoothing.provenance.origin import Origin


class PoisoningTrials(DataModule):
    """A clean data set, with the attacks and the targets that defences are tried against.

    Args:
        data: The clean data, with images on the scale [0, 1].
        attacks: Attacks by name, at least one.
        budget: Number of poisons and size of their changes.
        setups: Number of random setups, at least 1, or a file of setups of the benchmark; see `read_setups`.
        bases: Number of candidates for poisons in a random setup, at least ``budget.count``, which is the default.
        seed: Seed of random setups and of the attacks, at least 0.

    Raises:
        ValueError: If an argument is out of its range. `setup` raises it if a setup does not fit the data.

    Attributes:
        targets: The setups, after `setup`.
    """

    targets: Sequence[Setup]

    def __init__(
        self,
        data: DataModule,
        attacks: dict[str, PoisoningAttack],
        budget: Budget,
        setups: int | str = 10,
        bases: int | None = None,
        seed: int = 0,
    ) -> None:
        instance(self, DataModule, data=data)
        instance(self, Mapping, attacks=attacks)
        instance(self, Budget, budget=budget)
        for attack in attacks.values():
            instance(self, PoisoningAttack, attacks=attack)
        if not attacks:
            refuse(self, "attacks", {}, "at least one attack")
        if not isinstance(setups, str):
            at_least(self, 1, setups=setups)
        elif not setups:
            refuse(self, "setups", setups, "a number, or the path of a file")
        at_least(self, 0, seed=seed)
        if bases is not None:
            at_least(self, budget.count, bases=bases)
        # Name and classes are those of the clean data.
        self.source = data.source  # type: ignore[misc]
        self.available = data.available  # type: ignore[misc]
        super().__init__(data.classes, data.batch_size, data.num_workers, data.every)
        self.assumptions = data.assumptions
        self.data = data
        self.attacks = dict(attacks)
        self.budget = budget
        self.setups = setups
        self.bases = bases
        self.seed = seed

    def prepare_data(self) -> None:
        """See `DataModule.prepare_data`."""
        self.data.prepare_data()

    def load(self, train: bool) -> Examples:
        """See `DataModule.load`."""
        return self.data.load(train)

    def setup(self, stage: str | None = None) -> None:
        """Read the clean data, and draw or read the setups."""
        self.data.setup(stage)
        if isinstance(self.setups, str):
            found = read_setups(self.setups)
        else:
            found = draw_setups(self.data, self.setups, self.bases or self.budget.count, self.seed)
        for one in found:
            one.check(self.data)
            if len(one.bases) < self.budget.count:
                refuse(self.budget, "count", self.budget.count, f"at most {len(one.bases)}, the number of bases")
        self.targets = found

    def training_set(self) -> tuple[Tensor, Tensor]:
        """Return the clean training set; see `DataModule.training_set`."""
        return self.data.training_set()

    def test_set(self) -> Dataset[Numbered]:
        """Return the clean test set; see `DataModule.test_set`."""
        return self.data.test_set()

    @property
    def origins(self) -> tuple[Origin, Origin]:
        """Examples of training and test set, both of which the attacker sees."""
        return self.data.origin, self.data.tests

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of one input."""
        return self.data.image_shape

    def poisoned(self, attack: str, number: int, networks: Sequence[nn.Module]) -> PoisonedDataModule:
        """Return the data with the poisons of one attack on one target.

        Args:
            attack: Name of the attack.
            number: Number of the setup, from 0.
            networks: Networks to craft on.
        """
        setup = self.targets[number]
        return self.attacks[attack].poison(self.data, setup, self.budget, networks, self.seed + number)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the fingerprint of the clean data, budget and setups, in hexadecimal."""
        described = json.dumps([asdict(self.budget), [asdict(one) for one in self.targets]])
        return hashlib.sha256(f"{self.data.fingerprint()} {described}".encode()).hexdigest()
