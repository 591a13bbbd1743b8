"""What every learner must do, whatever it trains."""

import pytest
import torch
from torch import Tensor

from smoothing.votes.retrained.learner import Learner


class LearnerConformance:
    """Tests of a learner; subclass it, name the class ``Test...`` and give the fixtures."""

    @pytest.fixture
    def learner(self) -> Learner:
        """The learner, with a group of at least 2 where it can."""
        raise NotImplementedError("give a fixture `learner`")

    @pytest.fixture
    def x(self) -> Tensor:
        """One training set, ``(n, ...)`` float32."""
        raise NotImplementedError("give a fixture `x`")

    @pytest.fixture
    def labels(self, x: Tensor) -> Tensor:
        """Its labels, ``(n,)`` int64."""
        raise NotImplementedError("give a fixture `labels`")

    @pytest.fixture
    def tests(self, x: Tensor) -> Tensor:
        """Inputs to predict, ``(m, ...)``; those of the training set unless given."""
        return x

    def predictions(self, learner: Learner, x: Tensor, labels: Tensor, tests: Tensor, first: int) -> Tensor:
        """What a group predicts whose training sets and keys are those from a number on, ``(group, m)``."""
        numbers = range(first, first + learner.group)
        noise = [torch.randn(x.shape, generator=torch.Generator().manual_seed(number)) for number in numbers]
        keys = [(7, number) for number in numbers]
        group = torch.stack([x + 0.1 * some for some in noise])
        expanded = tests.expand(learner.group, *tests.shape)
        return learner.train_and_predict(group, labels, int(labels.max()) + 1, expanded, keys)

    def test_every_model_predicts_every_input(self, learner: Learner, x: Tensor, labels: Tensor, tests: Tensor) -> None:
        """Whole numbers, each a class."""
        predicted = self.predictions(learner, x, labels, tests, 0)
        assert predicted.shape == (learner.group, len(tests))
        assert predicted.dtype == torch.int64
        assert 0 <= predicted.min() <= predicted.max() <= labels.max()

    def test_a_model_is_a_function_of_its_training_set_and_key(
        self, learner: Learner, x: Tensor, labels: Tensor, tests: Tensor
    ) -> None:
        """Neither the other models, nor its place among them, nor torch's own seed have a say in it."""
        first = self.predictions(learner, x, labels, tests, 0)
        torch.manual_seed(99)
        shifted = self.predictions(learner, x, labels, tests, 1)
        assert torch.equal(shifted[: learner.group - 1], first[1:])
        assert torch.equal(self.predictions(learner, x, labels, tests, 0), first)

    def test_it_learns(self, learner: Learner, x: Tensor, labels: Tensor) -> None:
        """Most of what it has seen, with a little noise, it knows."""
        predicted = self.predictions(learner, x, labels, x, 0)
        assert (predicted == labels).float().mean() > 0.7

    def test_a_model_that_diverges_has_an_opinion(
        self, learner: Learner, x: Tensor, labels: Tensor, tests: Tensor
    ) -> None:
        """It votes by a fixed rule, so that its draw counts; dropping it would void the bound."""
        predicted = self.predictions(learner, x * float("inf"), labels, tests, 0)
        assert 0 <= predicted.min() <= predicted.max() <= labels.max()
        assert torch.equal(self.predictions(learner, x * float("inf"), labels, tests, 0), predicted)
