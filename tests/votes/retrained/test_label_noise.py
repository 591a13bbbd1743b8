"""Retrained votes with noise on labels: agreement with exact votes, and refusals."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from lightning_modules.certifying.certification import Certification
from lightning_modules.learners import Networks, Perceptrons, RidgeHead
from smoothing.certifiers import ClopperPearson
from smoothing.guarantees import JointNeymanPearson
from smoothing.measures import (
    CategoricalMeasure,
    Discrete,
    Gaussian,
    LabelFlip,
    Part,
    Product,
    SmoothingMeasure,
    Subsample,
)
from smoothing.measures.measure import Channel
from smoothing.privacy_loss import PrivacyLoss, RepeatedLoss
from smoothing.testing.brute_force import all_labels, noise
from smoothing.votes import Ballots, Learner
from tests.finishing import finishing, some_draws

LABELS, K, DRAWS = torch.tensor([0, 1, 2, 0, 1, 2]), 3, 3000
ON_LABELS, ON_INPUTS = "training labels", "training inputs"


def flip(q: str) -> Product:
    return Product([Part(LabelFlip(q, K), ON_LABELS)])


class Skewed(CategoricalMeasure):
    """Class 0 becomes class 1 more often than the reverse."""

    num_classes = 3
    _rows = np.array([[0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.05, 0.15, 0.8]])

    def randomise(self, z: Tensor, generator: torch.Generator) -> Tensor:
        chances = torch.from_numpy(self._rows)[z]
        return torch.multinomial(chances, 1, generator=generator)[:, 0]

    def privacy_loss(self, radius: float, shape: Sequence[int]) -> list[PrivacyLoss]:
        rows = [tuple(row) for row in self._rows]
        return [RepeatedLoss(a, b, int(radius)) for a in rows for b in rows if a is not b]

    @property
    def channel(self) -> Channel:
        return self._rows


class ClassSums(Learner):
    """Predicts the class with the largest sum of products of its inputs with the test input."""

    group = 4

    def __init__(self) -> None:
        self.inputs: list[Tensor] = []

    def train_and_predict(
        self, x: Tensor, labels: Tensor, num_classes: int, tests: Tensor, keys: Sequence[Sequence[int]]
    ) -> Tensor:
        self.inputs.append(x)
        members = torch.nn.functional.one_hot(labels.expand(x.shape[:2]), num_classes).to(x)
        return (tests @ (x.mT @ members)).argmax(2)


def inputs(number: int, seed: int) -> Tensor:
    # Means apart, so that no two sums tie.
    return torch.randn(number, 2, generator=torch.Generator().manual_seed(seed)) + 0.5


@pytest.mark.parametrize(
    "measure",
    [flip("0.3"), Product([Part(Discrete("0.5", K), ON_LABELS)]), Product([Part(Skewed(), ON_LABELS)])],
)
def test_votes_agree_with_the_sum_over_all_label_vectors(measure: SmoothingMeasure) -> None:
    x, tests, learner = inputs(6, 1), inputs(5, 2), ClassSums()
    votes = finishing(learner, x, LABELS, tests)
    assert votes.supports(measure) is None
    vectors = torch.from_numpy(all_labels(6, K))
    every = ClassSums().train_and_predict(
        x.expand(len(vectors), *x.shape), vectors, K, tests.expand(len(vectors), *tests.shape), []
    )
    on_labels = measure.on(ON_LABELS)
    assert on_labels is not None
    assert on_labels.channel is not None
    mass = noise(on_labels.channel, LABELS.tolist())
    exact = np.stack([((every == c).numpy() * mass[:, None]).sum(0) for c in range(K)], 1)
    share = votes.counts(measure, tests, torch.arange(5), DRAWS, (0, 1)).numpy() / DRAWS
    assert (np.abs(share - exact) <= 5 * np.sqrt(exact * (1 - exact) / DRAWS) + 1e-12).all()
    assert exact.max() < 0.999, "the votes do not vary"
    assert all(torch.equal(seen, x.expand_as(seen)) for seen in learner.inputs)


def test_both_are_randomised_with_streams_of_their_own() -> None:
    """Noise on inputs has the bits that it has alone, and so has noise on labels."""
    x, tests = inputs(6, 1), inputs(5, 2)
    both = Product([Part(LabelFlip("0.3", K), ON_LABELS), Part(Gaussian(0.5), ON_INPUTS)])
    seen = {}
    for name, measure in (("both", both), ("inputs", Gaussian(0.5)), ("labels", flip("0.3"))):
        learner = ClassSums()
        seen[name] = finishing(learner, x, LABELS, tests).draw(measure, some_draws(8), 3), learner.inputs
    for together, alone in zip(seen["both"][1], seen["inputs"][1], strict=True):
        assert torch.equal(together, alone)
    assert any((a != b).any() for a, b in zip(seen["both"][0], seen["inputs"][0], strict=True))
    assert any((a != b).any() for a, b in zip(seen["both"][0], seen["labels"][0], strict=True))


def test_a_draw_does_not_depend_on_other_draws() -> None:
    votes = finishing(ClassSums(), inputs(6, 1), LABELS, inputs(5, 2))
    measure = flip("0.3")
    whole = votes.draw(measure, some_draws(7), 5)
    for number in (6, 0, 3):
        np.testing.assert_array_equal(votes.draw(measure, some_draws(7)[number : number + 1], 5)[0], whole[number])


def test_a_frontier_of_flips_and_norms() -> None:
    x = torch.cat([inputs(20, 1) + torch.tensor([4.0, 0.0]), inputs(20, 3) - torch.tensor([4.0, 0.0])])
    labels, tests = torch.arange(40) // 20, torch.tensor([[1.0, 0.0], [-1.0, 0.3]])
    votes = finishing(ClassSums(), x, labels, tests)
    measure = Product([Part(LabelFlip("0.2", 2), ON_LABELS), Part(Gaussian(1.0), ON_INPUTS)])
    ballots = Ballots(measure, votes, tests, torch.arange(2), 0)
    radii = []
    for flips in range(4):
        certifier = ClopperPearson(JointNeymanPearson([flips]), n0=20, n=200)
        assert certifier.supports(measure, votes) is None
        radii.append(certifier.certify(ballots).radius)
    assert (np.diff(radii, axis=0) < 0).all() or (radii[-1] == 0).all()
    assert (radii[0] > radii[1]).all()
    assert (radii[1] > 0).all()


@pytest.mark.parametrize(
    "learner", [RidgeHead(group=3), Perceptrons(group=3), Networks(torch.nn.Linear(2, K), group=3)]
)
def test_learners_train_each_model_on_its_own_labels(learner: Learner) -> None:
    """Models with equal labels predict as with shared labels, and others do not change them."""
    x, tests = inputs(30, 1).expand(3, 30, 2), inputs(5, 2).expand(3, 5, 2)
    labels, keys = torch.arange(30) % K, [(0, i) for i in range(3)]
    shared = learner.train_and_predict(x, labels, K, tests, keys)
    assert torch.equal(learner.train_and_predict(x, labels.expand(3, 30), K, tests, keys), shared)
    own = torch.stack([labels, labels.roll(1), labels])
    changed = learner.train_and_predict(x, own, K, tests, keys)
    assert torch.equal(changed[[0, 2]], shared[[0, 2]])


class Warm(ClassSums):
    warm_start = True


@pytest.mark.parametrize(
    ("learner", "measure", "reason"),
    [
        (Warm(), flip("0.1"), "warm_start of Warm: models start from the training"),
        (ClassSums(), Product([Part(LabelFlip("0.1", 2), ON_LABELS)]), "has 2 classes, the data has 3"),
        (ClassSums(), Product([Part(Subsample(3), ON_LABELS)]), "all are needed"),
        (ClassSums(), Product([Part(Gaussian(1.0), ON_LABELS)]), "not for labels"),
        (
            ClassSums(),
            Product([Part(Gaussian(1.0))]),
            "the test input alone; must have a part on the training set",
        ),
        (
            ClassSums(),
            Product([Part(Discrete("0.1", 2), ON_INPUTS, [0]), Part(Gaussian(1.0), ON_INPUTS, [1])]),
            "several parts on columns",
        ),
    ],
)
def test_what_voids_certificates_is_refused(learner: Learner, measure: SmoothingMeasure, reason: str) -> None:
    votes = finishing(learner, inputs(6, 1), LABELS, inputs(2, 2))
    assert reason in str(votes.supports(measure))


@pytest.mark.parametrize(
    ("parts", "randomised", "number"),
    [
        ([ON_LABELS, ON_INPUTS], ON_INPUTS, 6),
        ([ON_LABELS], ON_LABELS, 1),
        ([ON_INPUTS, ON_LABELS], ON_LABELS, 1),
        ([ON_INPUTS, "test input"], "test input", 1),
        (None, ON_INPUTS, 6),
    ],
)
def test_the_object_of_the_radius_is_that_of_the_last_part(
    parts: list[str] | None, randomised: str, number: int
) -> None:
    """Radii of another object are not divided among the training inputs."""
    votes = finishing(ClassSums(), inputs(6, 1), LABELS, inputs(2, 2))
    kinds = {ON_LABELS: LabelFlip("0.3", K), ON_INPUTS: Gaussian(0.5), "test input": Gaussian(0.2)}
    measure = Product([Part(kinds[name], name) for name in parts]) if parts else Gaussian(0.5)
    model = Certification(measure, votes, {"sampled": ClopperPearson(n=20)})
    assert (model.randomised, model.inputs) == (randomised, number)
