"""A data set with poisons in its training set."""

import hashlib

from torch import Tensor
from torch.utils.data import Dataset

from datamodules.base import DataModule, Examples, Numbered
from datamodules.poisoning.poisons import Poisons
from smoothing.arguments import instance, text


class PoisonedDataModule(DataModule):
    """A data set with some training images replaced by poisons. Labels stay the same.

    If the attack is a backdoor, the target in the test set has the trigger. All other test examples are clean.

    Args:
        data: The clean data.
        poisons: The poisons, or the folder that they were saved to; see `Poisons.load`.

    Raises:
        ValueError: If an argument is of another type, or the folder holds no poisons. `setup` raises it if the poisons
            were crafted for other data or exceed their budget.

    Attributes:
        data: The clean data.
        poisons: The poisons.
    """

    def __init__(self, data: DataModule, poisons: Poisons | str) -> None:
        instance(self, DataModule, data=data)
        if isinstance(poisons, str):
            text(self, poisons=poisons)
        else:
            instance(self, (Poisons, str), poisons=poisons)
        # Name and classes are those of the clean data.
        self.source = data.source  # type: ignore[misc]
        self.available = data.available  # type: ignore[misc]
        self.layout = data.layout  # type: ignore[misc]
        self.sorted_by_label = data.sorted_by_label  # type: ignore[misc]
        parts = (f"{part.part}{part.range}" for part in (data.training, data.tests))
        super().__init__(data.classes, data.batch_size, data.num_workers, data.every, *parts)
        self.assumptions = data.assumptions
        self.data = data
        self.poisons = Poisons.load(poisons) if isinstance(poisons, str) else poisons

    def prepare_data(self) -> None:
        """See `DataModule.prepare_data`."""
        self.data.prepare_data()

    def load(self, train: bool) -> Examples:
        """See `DataModule.load`. The result has no poisons."""
        return self.data.load(train)

    def augment(self, x: Tensor) -> Tensor:
        """See `DataModule.augment`."""
        return self.data.augment(x)

    def setup(self, stage: str | None = None) -> None:
        """Read the clean data and verify that the poisons belong to them."""
        self.data.setup(stage)
        self.poisons.check(self.data)

    def training_set(self) -> Examples:
        """Return the training set with the poisons; see `DataModule.training_set`."""
        x, labels = self.data.training_set()
        poisoned = x.clone()
        poisoned[list(self.poisons.positions)] = self.poisons.images
        return poisoned, labels

    def test_set(self) -> Dataset[Numbered]:
        """Return the test set, in which the target of a backdoor has the trigger; see `DataModule.test_set`."""
        tests = self.data.test_set()
        return tests if self.poisons.trigger is None else _Triggered(tests, self.poisons)

    @property
    def target(self) -> Numbered:
        """Position, input and label of the target; the input has the trigger if the attack is a backdoor.

        The attack succeeds if ``poisons.setup.intended`` is predicted for it.
        """
        return self.test_set()[self.poisons.setup.target]

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of one input."""
        return self.data.image_shape

    def fingerprint(self) -> str:
        """Return the SHA-256 of the fingerprint of the clean data and the poisons, in hexadecimal."""
        return hashlib.sha256(f"{self.data.fingerprint()} {self.poisons.digest()}".encode()).hexdigest()


class _Triggered(Dataset[Numbered]):
    def __init__(self, tests: Dataset[Numbered], poisons: Poisons) -> None:
        self._tests = tests
        self._poisons = poisons

    def __len__(self) -> int:
        return len(self._tests)  # type: ignore[arg-type]  # every test set has a length

    def __getitem__(self, index: int) -> Numbered:
        position, x, label = self._tests[index]
        trigger = self._poisons.trigger
        if position != self._poisons.setup.target or trigger is None:
            return position, x, label
        return position, trigger(x[None])[0], label
