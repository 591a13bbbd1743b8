"""Deep k-NN: remove training examples that most of their neighbours contradict."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from lightning_modules.defences.defence import Filter
from lightning_modules.defences.features import BATCH
from lightning_modules.defences.training import Training
from smoothing.arguments import at_least, refuse


class DeepKNN(Filter):
    """Removes examples with another label than most of their nearest neighbours in feature space (Peri et al. 2020).

    Features are those of the frozen body, or of a network that is trained on the poisoned set first. In a tie of
    classes, an example with one of their labels is kept.

    Args:
        neighbours: Number of neighbours of an example, without itself, at least 1. The authors recommend more than the
            number of poisons per class.

    Raises:
        ValueError: If it is out of its range.
    """

    def __init__(self, neighbours: int = 500) -> None:
        at_least(self, 1, neighbours=neighbours)
        self.neighbours = neighbours

    def check(self, examples: int, training: Training) -> None:
        """Raise unless there are more examples than neighbours; see `Defence.check`."""
        if examples <= self.neighbours:
            most = f"below {examples}, the number of training examples"
            refuse(self, "neighbours", self.neighbours, most)

    def filtered(
        self, x: Tensor, labels: Tensor, num_classes: int, training: Training, key: Sequence[int]
    ) -> tuple[Tensor, Tensor]:
        """Return the kept examples; see `Filter.filtered`.

        Raises:
            ValueError: If nothing is kept.
        """
        kept = self.kept(training.features(x, labels, num_classes, key), labels, num_classes)
        if not kept.any():
            raise ValueError("DeepKNN: no training example has the label of most of its neighbours; must be at least 1")
        return x[kept], labels[kept]

    def kept(self, features: Tensor, labels: Tensor, num_classes: int) -> Tensor:
        """Return which examples are kept, ``(n,)`` bool.

        Args:
            features: Features of all training examples, ``(n, k)``.
            labels: Their labels, ``(n,)``.
            num_classes: Number of classes K.
        """
        rows = torch.arange(len(features), device=features.device)
        votes = []
        for own in rows.split(BATCH):
            distances = torch.cdist(features[own], features)
            distances[torch.arange(len(own)), own] = torch.inf
            nearest = distances.topk(self.neighbours, largest=False).indices
            votes.append(one_hot(labels[nearest], num_classes).sum(1))
        tally = torch.cat(votes)
        return tally[rows, labels] == tally.amax(1)
