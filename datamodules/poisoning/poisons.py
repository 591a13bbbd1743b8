"""Crafted poisons, and their files."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from datamodules.base import DataModule
from datamodules.poisoning.budget import Budget
from datamodules.poisoning.setup import Setup
from datamodules.poisoning.trigger import Trigger
from smoothing.data_folder import data_file

ARRAYS, MANIFEST = "poisons.npz", "manifest.json"
"""Files of a folder with poisons."""


@dataclass(frozen=True, eq=False)
class Poisons:
    """Changed training images of one attack on one target. Their labels stay the same.

    Attributes:
        images: ``(count, ...)`` float32 within [0, 1].
        positions: Their positions in the training set, ``count`` of the bases of the setup.
        setup: Target, intended class and bases.
        budget: Number of poisons and size of their changes.
        attack: Constructor call of the attack, as text.
        seed: Seed of the attack.
        data: Fingerprint of the clean data.
        networks: Class and identity of each network that they were crafted on, and whether it was trained on examples
            of the training set (``null``: not stated).
        loss_before: Objective of the attack at the clean images, averaged over images if it has one value per image.
        loss_after: Objective at the poisons.
        trigger: Patch on the target at test time; None if the target is attacked unchanged.
    """

    images: Tensor
    positions: tuple[int, ...]
    setup: Setup
    budget: Budget
    attack: str
    seed: int
    data: str
    networks: Sequence[Mapping[str, Any]]
    loss_before: float
    loss_after: float
    trigger: Trigger | None = None

    def digest(self) -> str:
        """Return the SHA-256 of arrays and manifest, in hexadecimal."""
        made = hashlib.sha256(json.dumps(self._described(), sort_keys=True).encode())
        for name, array in self._arrays().items():
            made.update(f"{name} {array.shape} {array.dtype.str};".encode())
            made.update(np.ascontiguousarray(array).tobytes())
        return made.hexdigest()

    def check(self, data: DataModule) -> None:
        """Raise unless the poisons were crafted for these data and are within their budget, exactly.

        Args:
            data: The clean data, of which `setup` was called.

        Raises:
            ValueError: Naming what differs.
        """
        if (found := data.fingerprint()) != self.data:
            raise ValueError(
                f"Poisons: data have the fingerprint {found[:12]}; must be {self.data[:12]}, as when they were crafted"
            )
        self.setup.check(data)
        if not set(self.positions) <= set(self.setup.bases) or len(set(self.positions)) < len(self.positions):
            raise ValueError("Poisons: positions; must be bases of the setup, each once")
        self.budget.check(self.images, data.training_set()[0][list(self.positions)])

    def save(self, folder: str) -> None:
        """Write ``poisons.npz`` and ``manifest.json`` to a folder, which is created if it is absent.

        Args:
            folder: The folder.
        """
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path / ARRAYS, allow_pickle=False, **self._arrays())
        content = {**self._described(), "sha256": self.digest()}
        (path / MANIFEST).write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: str) -> "Poisons":
        """Read poisons and verify their hash.

        Args:
            folder: Folder that `save` wrote. A relative path is looked for in the working directory, then in the folder
                that the environment variable ``SMOOTHING_DATA`` names.

        Raises:
            ValueError: If a file cannot be read, or the content differs from what was saved.
        """
        path = data_file(folder)
        try:
            content = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
            with np.load(path / ARRAYS, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            saved = content.pop("sha256")
            place = content.pop("trigger")
            poisons = cls(
                images=torch.from_numpy(arrays["images"]),
                positions=tuple(arrays["positions"].tolist()),
                setup=Setup(**{**content.pop("setup"), "bases": tuple(arrays["bases"].tolist())}),
                budget=Budget(**content.pop("budget")),
                trigger=None if place is None else Trigger(torch.from_numpy(arrays["pattern"]), **place),
                **content,
            )
            if poisons.digest() != saved:
                raise ValueError("its SHA-256 differs from the manifest")
        except OSError as error:
            reason = error.strerror or error
            raise ValueError(f"Poisons: folder = {folder}; must hold {ARRAYS} and {MANIFEST}: {reason}") from error
        except Exception as error:  # damaged files raise many types of exceptions
            reason = " ".join(str(error).split())
            raise ValueError(f"Poisons: folder = {folder}; must hold poisons that were saved: {reason}") from error
        return poisons

    def _arrays(self) -> dict[str, np.ndarray]:
        arrays = {
            "images": self.images.cpu().numpy(),
            "positions": np.array(self.positions, np.int64),
            "bases": np.array(self.setup.bases, np.int64),
        }
        return arrays | ({"pattern": self.trigger.pattern.cpu().numpy()} if self.trigger else {})

    def _described(self) -> dict[str, Any]:
        """Return everything but the arrays, as JSON can represent it."""
        setup = {name: value for name, value in asdict(self.setup).items() if name != "bases"}
        place = {"row": self.trigger.row, "column": self.trigger.column} if self.trigger else None
        plain = ("attack", "seed", "data", "loss_before", "loss_after")
        return {name: getattr(self, name) for name in plain} | {
            "setup": setup,
            "budget": asdict(self.budget),
            "networks": [dict(network) for network in self.networks],
            "trigger": place,
        }
