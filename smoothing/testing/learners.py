"""Conformance suite of learners."""

import random
from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import Tensor

from smoothing.votes.retrained.learner import Learner


class LearnerConformance:
    """Tests of a learner. Subclass it, name the class ``Test...`` and define the fixtures."""

    @pytest.fixture
    def learner(self) -> Learner:
        """The learner, with a group of at least 2 if possible."""
        raise NotImplementedError("define a fixture `learner`")

    @pytest.fixture
    def x(self) -> Tensor:
        """Training inputs, ``(n, ...)`` float32."""
        raise NotImplementedError("define a fixture `x`")

    @pytest.fixture
    def labels(self, x: Tensor) -> Tensor:
        """Training labels, ``(n,)`` int64."""
        raise NotImplementedError("define a fixture `labels`")

    @pytest.fixture
    def tests(self, x: Tensor) -> Tensor:
        """Inputs to predict, ``(m, ...)``; the training inputs by default."""
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
        """Predictions are classes, one per model and input."""
        predicted = self.predictions(learner, x, labels, tests, 0)
        assert predicted.shape == (learner.group, len(tests))
        assert predicted.dtype == torch.int64
        assert 0 <= predicted.min() <= predicted.max() <= labels.max()

    def test_a_model_is_a_function_of_its_training_set_and_key(
        self, learner: Learner, x: Tensor, labels: Tensor, tests: Tensor
    ) -> None:
        """Predictions do not depend on other models of the group, the position in it, or global seeds."""
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
        """Predictions do not depend on the training sets, keys and test inputs of other models or of earlier calls.

        The other training sets are mirrored, scaled and shuffled, so that any influence on predictions is large.
        """
        classes, key = int(labels.max()) + 1, (7, 0)
        shuffled = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
        strange = 5 - 3 * x[shuffled]

        def predicted(by: Learner, place: int) -> Tensor:
            """Return the predictions of the model at a position among strange ones."""
            sets, inputs = [strange] * by.group, [5 - 3 * tests.flip(0)] * by.group
            keys = [(9, 9 + number) for number in range(by.group)]
            sets[place], inputs[place], keys[place] = x, tests, key
            return by.train_and_predict(torch.stack(sets), labels, classes, torch.stack(inputs), keys)[place]

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

    def test_each_model_may_have_its_own_labels(
        self, learner: Learner, x: Tensor, labels: Tensor, tests: Tensor
    ) -> None:
        """Labels by model give the predictions of shared labels, and those of a model depend on its own labels only."""
        classes, expanded = int(labels.max()) + 1, tests.expand(learner.group, *tests.shape)
        keys = [(7, number) for number in range(learner.group)]
        same = x.expand(learner.group, *x.shape)

        def predicted(given: Tensor) -> Tensor:
            return learner.train_and_predict(same, given, classes, expanded, keys)

        shared = predicted(labels)
        own = labels.repeat(learner.group, 1)
        assert torch.equal(predicted(own), shared)
        own[-1] = (own[-1] + 1) % classes
        other = predicted(own)
        assert torch.equal(other[:-1], shared[:-1])
        assert not torch.equal(other[-1], shared[-1])

    def test_it_learns(self, learner: Learner, x: Tensor, labels: Tensor) -> None:
        """Most training examples are predicted correctly after training with little noise."""
        predicted = self.predictions(learner, x, labels, x, 0)
        assert (predicted == labels).float().mean() > 0.7

    def test_a_model_that_diverges_predicts_classes(
        self, learner: Learner, x: Tensor, labels: Tensor, tests: Tensor
    ) -> None:
        """Predictions of a diverged model are reproducible classes. Leaving out its draw would void the bound."""
        predicted = self.predictions(learner, x * float("inf"), labels, tests, 0)
        assert 0 <= predicted.min() <= predicted.max() <= labels.max()
        assert torch.equal(self.predictions(learner, x * float("inf"), labels, tests, 0), predicted)
