"""Budget of a poisoning attack: how many training images it changes, and by how much."""

from dataclasses import dataclass

import torch
from torch import Tensor

from smoothing.arguments import at_least, positive, refuse
from smoothing.attacks import Ball, L2Ball, LinfBall

NORMS: dict[str, Ball] = {"linf": LinfBall(), "l2": L2Ball()}
"""Ball of each norm in which changes of an image are measured."""

WITHIN = 1 - 2.0**-40
"""Factor of the radius of projections, so that rounding in float64 cannot exceed the budget."""


@dataclass(frozen=True)
class Budget:
    """Number of poisons, and the largest change of each of them.

    Attributes:
        count: Number of changed training images, at least 1.
        eps: Largest change of an image on the scale [0, 1], above 0, for example ``8 / 255``.
        norm: Norm of a change: ``"linf"`` or ``"l2"``.

    Raises:
        ValueError: If a value is out of its range.
    """

    count: int
    eps: float
    norm: str = "linf"

    def __post_init__(self) -> None:
        at_least(self, 1, count=self.count)
        positive(self, eps=self.eps)
        if self.norm not in [*NORMS]:
            refuse(self, "norm", self.norm, f"one of {', '.join(NORMS)}")

    @property
    def ball(self) -> Ball:
        """Ball of the norm."""
        return NORMS[self.norm]

    def project(self, images: Tensor, bases: Tensor) -> Tensor:
        """Return images within the budget and within [0, 1], near the given ones.

        Changes are projected onto the ball in float64. The images are then rounded to float32 towards the bases, so
        that no rounding makes a change larger.

        Args:
            images: Any finite images, ``(count, ...)`` float32.
            bases: Clean images like ``images``, within [0, 1].
        """
        with torch.no_grad():
            clean = bases.double()
            radius = clean.new_full((len(clean),), self.eps * WITHIN)
            moved = clean + self.ball.project(images.double().clamp(0, 1) - clean, radius)
            rounded = moved.float()
            further = (rounded.double() - clean).abs() > (moved - clean).abs()
            return torch.where(further, torch.nextafter(rounded, bases), rounded)

    def sizes(self, images: Tensor, bases: Tensor) -> Tensor:
        """Return the sizes of the changes of images ``(count, ...)`` float32 from their bases, ``(count,)`` float64."""
        return self.ball.size(images.double() - bases.double())

    def check(self, images: Tensor, bases: Tensor) -> None:
        """Raise unless there are ``count`` images within [0, 1] that differ from their bases by at most ``eps``.

        Args:
            images: Poisons, ``(count, ...)`` float32.
            bases: Clean images.

        Raises:
            ValueError: Naming the largest change, or what else is wrong.
        """
        if images.dtype != torch.float32 or images.shape != bases.shape or len(images) != self.count:
            found = f"{images.dtype} of shape {list(images.shape)}"
            wanted = f"float32 of shape {[self.count, *bases.shape[1:]]}"
            raise ValueError(f"Budget: images are {found}; must be {wanted}")
        # A comparison with NaN is false.
        if not ((images >= 0) & (images <= 1)).all():
            raise ValueError("Budget: images have pixels outside [0, 1]; must be within")
        largest = float(self.sizes(images, bases).max())
        if not largest <= self.eps:
            raise ValueError(f"Budget: largest change = {largest:.9g} in {self.norm}; must be at most {self.eps:.9g}")
