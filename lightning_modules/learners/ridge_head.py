"""A learner that fits ridge regression."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from lightning_modules.learners.training_data import by_model, check_group
from smoothing.arguments import positive
from smoothing.votes import Learner, winner


class RidgeHead(Learner):
    """Ridge regression of the classes on standardised features, in closed form with a unique solution.

    Each model standardises the features by its own randomised training set.

    Args:
        penalty: Weight of the squared norm, relative to the mean squared error, above 0.
        group: Number of models to train at the same time, 1 to 10,000.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self, penalty: float = 0.1, group: int = 4) -> None:
        positive(self, penalty=penalty)
        check_group(self, group)
        self.penalty = penalty
        self.group = group

    def train_and_predict(
        self, x: Tensor, labels: Tensor, num_classes: int, tests: Tensor, keys: Sequence[Sequence[int]]
    ) -> Tensor:
        """See `Learner.train_and_predict`. Training has no randomness."""
        with torch.no_grad():
            targets = one_hot(by_model(labels, len(x)), num_classes).double() - 1 / num_classes
            # One model after the other: the products are large, and the bits of a model do not depend on the others.
            models = zip(x.flatten(2), targets, tests.flatten(2), strict=True)
            return torch.stack([self._predict(some.double(), own, inputs.double()) for some, own, inputs in models])

    def _predict(self, x: Tensor, targets: Tensor, tests: Tensor) -> Tensor:
        mean, scale = x.mean(0), x.std(0)
        scale = scale.masked_fill(scale == 0, 1)
        x, tests = (x - mean) / scale, (tests - mean) / scale
        gram = x.T @ x / len(x)
        gram.diagonal().add_(self.penalty)
        # A model that diverges gets NaN here, where `solve` may raise an error on a device.
        weights, _ = torch.linalg.solve_ex(gram, x.T @ (targets - targets.mean(0)) / len(x))
        return winner(tests @ weights + targets.mean(0))
