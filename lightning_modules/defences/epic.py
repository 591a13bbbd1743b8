"""EPIC: drop training examples that are isolated in gradient space."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from lightning_modules.defences.defence import Defence
from lightning_modules.defences.intervention import Intervention, TrainingState
from smoothing.arguments import at_least, inside


class EPIC(Defence):
    """Drops training examples that are isolated in gradient space, repeatedly (Yang et al. 2022).

    Gradients are those of the loss in the logits. In each class, a fraction of the examples is selected as medoids, by
    the greedy algorithm for facility location. A medoid that no other example is nearest to is dropped for good.

    Args:
        subset: Fraction of the examples of a class that are medoids, within (0, 1).
        begin: Number of epochs before the first selection, at least 0.
        every: Number of epochs between two selections, at least 1.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self, subset: float = 0.2, begin: int = 10, every: int = 1) -> None:
        inside(self, 0, 1, subset=subset)
        at_least(self, 0, begin=begin)
        at_least(self, 1, every=every)
        self.subset = subset
        self.begin = begin
        self.every = every

    def intervention(self) -> Intervention:
        """Return the selections."""
        return _Dropping(self)

    def isolated(self, gradients: Tensor) -> Tensor:
        """Return which examples of one class are medoids without another example, ``(n,)`` bool.

        Args:
            gradients: ``(n, k)``.
        """
        number = max(1, round(self.subset * len(gradients)))
        distances = torch.cdist(gradients, gradients, compute_mode="donot_use_mm_for_euclid_dist")
        similarity = distances.max() - distances
        best = torch.zeros(len(gradients), device=gradients.device)
        chosen: list[int] = []
        for _ in range(number):
            gains = (similarity - best[:, None]).clamp(min=0).sum(0)
            gains[chosen] = -1
            chosen.append(int(gains.argmax()))
            best = torch.maximum(best, similarity[:, chosen[-1]])
        medoids = torch.tensor(chosen, device=gradients.device)
        nearest = similarity[:, medoids].argmax(1)
        alone = nearest.bincount(minlength=number) == 1
        # Of several equal medoids, only the first is nearest to itself.
        alone &= nearest[medoids] == torch.arange(number, device=gradients.device)
        found = torch.zeros(len(gradients), dtype=torch.bool, device=gradients.device)
        found[medoids[alone]] = True
        return found


class _Dropping(Intervention):
    def __init__(self, defence: EPIC) -> None:
        self._defence = defence
        self._kept: Tensor | None = None

    def kept(self, state: TrainingState, epoch: int) -> Tensor:
        kept = torch.arange(len(state.labels)) if self._kept is None else self._kept
        own = self._defence
        if epoch >= own.begin and (epoch - own.begin) % own.every == 0:
            errors = state.all_logits().softmax(1) - one_hot(state.labels, state.num_classes)
            dropped = torch.zeros(len(state.labels), dtype=torch.bool)
            for label in range(state.num_classes):
                members = kept[state.labels[kept].cpu() == label]
                # A class keeps at least two examples.
                if len(members) > 2:
                    dropped[members] = own.isolated(errors[members]).cpu()
            kept = kept[~dropped[kept]]
        self._kept = kept
        return kept
