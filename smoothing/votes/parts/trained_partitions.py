"""Votes of networks that are each trained on parts of the training set, in a pass of their own."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from smoothing.measures.measure import SmoothingMeasure
from smoothing.numerics.threads import spread as over_cores
from smoothing.votes.parts.part_votes import PartVotes, Poll, check_repeats
from smoothing.votes.parts.partition_rules import Partition
from smoothing.votes.retrained.draws import Draw, Predictions
from smoothing.votes.retrained.kept_votes import KeptVotes
from smoothing.votes.retrained.learner import Learner

PARTS = 0
"""Stream of the draws of a run. Their number is the place of a learner in the order in which they are trained."""


class TrainedPartitions(PartVotes, KeptVotes):
    """Votes of networks, or of other models of a `Learner`, that are each trained on some parts of the training set.

    It is `Partitions` for learners that train many models at a time. Each learner is a draw: the ranks share them, and
    finished ones are stored, so that an interrupted run resumes. Learners with equally many examples are trained
    together. A learner depends on its own examples, the seed of the run and its number alone, so that one changed
    example moves only the learners of its part. The number also determines its place in a group, since the place can
    change the last bits of a model.

    Certificates hold if training a learner again gives the same predictions. It does on a CPU. On an accelerator,
    convolutions use deterministic kernels; other operations of a network may not have them.

    Learners are known by their predictions. In a run-off, a learner that predicts neither finalist therefore votes for
    the smaller class.

    Args:
        learner: The learner, which starts from weights that are random or were trained on other examples.
        parts: Number of parts and of learners, from 1 to n.
        spread: Number of learners that use each part, from 1 to ``parts``; see `Partitions`.
        partition: Rule that partitions the training set; `ByContent` by default. `ByHash` serves inserted and deleted
            examples.
        seed: Seed of the assignment of parts to learners, at least 0.

    Raises:
        ValueError: If an argument is out of its range. In `fit`, if a learner has no example, or has randomness besides
            that of its key.
    """

    def __init__(
        self, learner: Learner, parts: int, spread: int = 1, partition: Partition | None = None, seed: int = 0
    ) -> None:
        super().__init__(parts, spread, partition, seed)
        self.learner = learner
        self.checkpoint = learner.checkpoint

    @property
    def assumptions(self) -> tuple[str, ...]:  # type: ignore[override]  # depends on the learner
        """Assumptions of partition and learner, and that training examples of initial weights do not change."""
        apart = tuple(f"the learner, trained on {seen}, does not change" for seen in self.learner.trained_on)
        return (*self.partition.assumptions, *self.learner.assumptions, *apart)

    def train(self, x: Tensor) -> None:
        """Store the training inputs, and check that the learner of the smallest part repeats its result."""
        self._x = x.float()
        self._order = [number for group in self._groups(range(self.parts)) for number in group]
        if not self.learner.warm_start:
            smallest = self._order[:1]
            tests = self._x[self.seen[smallest[0]]]
            check_repeats(self, self.learner, lambda: self._predictions(smallest, 0, self._x, tests))

    def supports(self, measure: SmoothingMeasure) -> str | None:
        """Return why ``measure`` is not supported, or None; see `PartVotes.supports`."""
        if self.learner.warm_start:
            return (
                f"warm_start of {type(self.learner).__name__}: models start from the whole training set; must be false"
            )
        return super().supports(measure) or self.overlap("learner", self.learner.trained_on)

    def draw(
        self, measure: SmoothingMeasure, draws: Sequence[Draw], seed: int, device: torch.device | str = "cpu"
    ) -> list[Predictions]:
        """Train some learners; see `KeptVotes.draw`."""
        x, tests = self._x.to(device), self._tests.float().to(device)
        learners = [self._order[draw.number] for draw in draws]
        groups = self._groups(learners)
        predicted: dict[int, Predictions] = {}

        def work(some: slice) -> None:
            for group in groups[some]:
                rows = self._predictions(group, seed, x, tests).cpu().numpy().astype(np.int16)
                predicted.update(zip(group, rows, strict=True))

        over_cores(work, len(groups), 1, x.device)
        return [predicted[number] for number in learners]

    @property
    def together(self) -> int:
        """See `KeptVotes.together`. Consecutive learners have different places in a group."""
        return self.learner.group

    def _slot(self, number: int) -> int:
        """Return the place of a learner in its group."""
        return number % self.learner.group

    def _groups(self, learners: Iterable[int]) -> list[list[int]]:
        """Return groups of learners with equally many examples and different places, ordered by size."""
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        earlier: Counter[tuple[int, int]] = Counter()
        for number in sorted(learners, key=self._slot):
            size = len(self.seen[number])
            groups[size, earlier[size, self._slot(number)]].append(number)
            earlier[size, self._slot(number)] += 1
        return [groups[key] for key in sorted(groups)]

    def _predictions(self, learners: Sequence[int], seed: int, x: Tensor, tests: Tensor) -> Tensor:
        """Return the predictions ``(learners, m)`` of learners of a group, each at its place."""
        places = [self._slot(number) for number in learners]
        filled = [learners[0]] * self.learner.group
        for place, number in zip(places, learners, strict=True):
            filled[place] = number
        examples = torch.stack([self.seen[number] for number in filled]).to(x.device)
        repeatable = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True)
        with torch.enable_grad(), repeatable:
            return self.learner.train_and_predict(
                x[examples],
                self.labels.to(x.device)[examples],
                self.num_classes,
                tests.expand(len(filled), *tests.shape),
                [(seed, PARTS, number) for number in filled],
            )[places]

    def poll(self, x: Tensor, index: Tensor) -> Poll:
        """Return 1 for the class that each learner predicts and 0 for the others; see `PartVotes.poll`.

        Raises:
            MissingDrawsError: If a learner is not trained.
        """
        found = self.predictions([Draw(PARTS, number) for number in range(self.parts)], index)
        predicted = np.empty_like(found)
        predicted[self._order] = found
        return Poll(one_hot(torch.from_numpy(predicted.T).long(), self.num_classes).double().numpy(), self.reached)
