"""Witches' Brew: gradients of poisons that point where the target's do."""

from torch import Tensor

from datamodules.poisoning.gradient_matching import GradientMatching
from datamodules.poisoning.problem import Problem


class WitchesBrew(GradientMatching):
    """Aligns the gradient of the poisons with that of the target at its intended class (Geiping et al. 2021).

    See `GradientMatching` for objective and networks. The paper's learning rate of 0.1 is for images divided by their
    standard deviation, about 0.25 on CIFAR-10.

    Args:
        steps: Number of steps of Adam on signed gradients, at least 0.
        learning_rate: Initial learning rate, above 0, on the scale of the images.
        restarts: Number of runs from random images within the budget, at least 1, of which the best one counts.
        augmented: Whether poisons are augmented like training images.
        batch_size: Number of poisons per gradient, at least 1.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        steps: int = 250,
        learning_rate: float = 0.025,
        restarts: int = 8,
        augmented: bool = True,
        batch_size: int = 512,
    ) -> None:
        super().__init__(steps, learning_rate, restarts, augmented, batch_size)

    def aims(self, problem: Problem) -> Tensor:
        """Return the target."""
        return problem.target
