"""What every learner must do, whatever it trains."""

import random
from copy import deepcopy

import numpy as np
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
        """Return predictions ``(group, m)`` of models with consecutive numbers.

        Args:
            learner: The learner.
            x: Training inputs, to which noise is added that depends on the number of the model.
            labels: Their labels.
            tests: Inputs to predict.
            first: Number of the first model.
        """
        numbers = range(first, first + learner.group)
        noise = [torch.randn(x.shape, generator=torch.Generator().manual_seed(number)) for number in numbers]
        group = torch.stack([x + 0.1 * some for some in noise])
        expanded = tests.expand(learner.group, *tests.shape)
        keys = [(7, number) for number in numbers]
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
        """Neither the other models of its group, nor its place, nor global seeds change its predictions."""
        first = self.predictions(learner, x, labels, tests, 0)
        torch.manual_seed(99)
        random.seed(99)
        np.random.seed(99)  # the global generator is what must not be used
        shifted = self.predictions(learner, x, labels, tests, 1)
        assert torch.equal(shifted[: learner.group - 1], first[1:])
        assert torch.equal(self.predictions(learner, x, labels, tests, 0), first)

    def test_a_model_learns_nothing_from_other_draws(
        self, learner: Learner, x: Tensor, labels: Tensor, tests: Tensor
    ) -> None:
        """Other training sets, keys and test inputs in its group or in earlier calls leave a model as it is.

        The others are far from its own: mirrored, scaled and shuffled, with inputs of other classes.
        """
        classes, key = int(labels.max()) + 1, (7, 0)
        shuffled = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
        strange = 5 - 3 * x[shuffled]

        def predicted(by: Learner, place: int) -> Tensor:
            """The model's predictions at some place among strange ones."""
            sets, asked = [strange] * by.group, [5 - 3 * tests.flip(0)] * by.group
            keys = [(9, 9 + number) for number in range(by.group)]
            sets[place], asked[place], keys[place] = x, tests, key
            return by.train_and_predict(torch.stack(sets), labels, classes, torch.stack(asked), keys)[place]

        fresh = deepcopy(learner)
        same = x.expand(learner.group, *x.shape)
        expanded = tests.expand(learner.group, *tests.shape)
        alone = learner.train_and_predict(same, labels, classes, expanded, [key] * learner.group)
        assert (alone == alone[0]).all(), "at another place"
        for place in {0, learner.group - 1}:
            assert torch.equal(predicted(learner, place), alone[place]), "beside other draws"
        strangers = [(9, number) for number in range(fresh.group)]
        fresh.train_and_predict(strange.expand(fresh.group, *x.shape), labels, classes, expanded, strangers)
        assert torch.equal(predicted(fresh, 0), alone[0]), "after other draws"

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
