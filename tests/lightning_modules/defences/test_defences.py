"""Each defence does what it says. Every test fails for a defence that does nothing."""

import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lightning_modules.defences import (
    DPSGD,
    EPIC,
    AdversarialTraining,
    CertifiedClassifier,
    CertifiedVote,
    DeepKNN,
    Defence,
    DenoiseTrainingImages,
    FriendlyNoise,
    Intervention,
    Majority,
    NoDefence,
    TrainedNetwork,
    Training,
    TrainingState,
)
from lightning_modules.learners import RidgeHead
from smoothing.certifiers import Chernoff, ExactVote, Plurality, RunOff
from smoothing.measures import Gaussian, LabelFlip, UnchangedExamples
from smoothing.numerics.random import generator
from smoothing.provenance.origin import Origin
from smoothing.votes import Ballots, ByHash, Centre, Centroids, Partitions, RetrainedVotes, Ridge, TrainedPartitions
from tests.lightning_modules.defences.bodies import Flat, Given, Tiny, blobs
from tests.votes.parts.test_trained_partitions import NearestMean

TRAINING = Training(Flat(), epochs=20, learning_rate=0.5, batch_size=8, milestones=[])


def head(defended: object) -> Tensor:
    assert isinstance(defended, TrainedNetwork)
    return torch.cat([value.detach().flatten() for value in defended.network.parameters()])


def defend(defence: Defence, x: Tensor, labels: Tensor, training: Training = TRAINING) -> Tensor:
    return head(defence.defend(Given(x, labels), training, (0, 3)))


@pytest.mark.parametrize(
    "defence",
    [
        NoDefence(),
        DeepKNN(5),
        DenoiseTrainingImages(Gaussian(0.1)),
        EPIC(0.5, begin=1),
        FriendlyNoise(begin=1),
        AdversarialTraining(0.05),
        DPSGD(8.0),
    ],
    ids=lambda defence: type(defence).__name__,
)
@pytest.mark.parametrize("training", [TRAINING, Training(network=Tiny(), epochs=20, learning_rate=0.1, milestones=[])])
def test_defended_training_learns_and_is_a_function_of_its_key(defence: Defence, training: Training) -> None:
    x, labels = blobs()
    first = defence.defend(Given(x, labels), training, (0, 3))
    torch.manual_seed(9)
    again = defence.defend(Given(x, labels), training, (0, 3))
    assert torch.equal(head(first), head(again))
    assert (first.predict(blobs(seed=1)[0]) == labels).float().mean() > 0.9
    assert first.radius(x) is None


def mislabelled() -> tuple[Tensor, Tensor, Tensor]:
    """Two classes, and which examples are of the other class than their label says."""
    x, labels = blobs()
    wrong = torch.zeros(len(labels), dtype=torch.bool)
    wrong[[3, 8, 25]] = True
    return x, torch.where(wrong, 1 - labels, labels), wrong


def test_deep_knn_removes_what_neighbours_contradict() -> None:
    x, labels, wrong = mislabelled()
    assert torch.equal(DeepKNN(7).kept(x.flatten(1), labels, 2), ~wrong)
    kept, of_kept = DeepKNN(7).filtered(x, labels, 2, TRAINING, (0,))
    assert torch.equal(kept, x[~wrong])
    assert torch.equal(of_kept, labels[~wrong])
    assert torch.equal(defend(DeepKNN(7), x, labels), defend(NoDefence(), x[~wrong], labels[~wrong]))


def test_an_example_is_no_neighbour_of_itself() -> None:
    features = torch.tensor([[0.0], [0.1], [5.0], [5.1]])
    assert DeepKNN(1).kept(features, torch.tensor([0, 1, 1, 1]), 2).tolist() == [False, False, True, True]


def test_ties_of_neighbours_keep_an_example() -> None:
    features = torch.tensor([[0.0], [0.1], [-0.1], [9.0]])
    assert DeepKNN(2).kept(features, torch.tensor([0, 0, 1, 1]), 2)[0]


def test_more_neighbours_than_examples_are_refused() -> None:
    x, labels = blobs()
    with pytest.raises(ValueError, match=r"^DeepKNN: neighbours = 40; must be below 40"):
        DeepKNN(40).defend(Given(x, labels), TRAINING, (0,))


def test_training_images_are_sampled_once_per_model() -> None:
    x, labels = blobs()
    measure = Gaussian(0.3)
    key = (0, 3, 0xDEF, 0)
    expected = TRAINING.train(measure.sample(x, generator(key)), labels, 2, key)
    assert torch.equal(defend(DenoiseTrainingImages(measure), x, labels), head(TrainedNetwork(expected)))
    several = DenoiseTrainingImages(measure, models=3).defend(Given(x, labels), TRAINING, (0, 3))
    assert isinstance(several, Majority)
    heads = [tuple(head(one).tolist()) for one in several.classifiers]
    assert len(set(heads)) == 3


def test_the_majority_wins() -> None:
    class Always(nn.Module):
        def __init__(self, label: int) -> None:
            super().__init__()
            self.label = label

        def forward(self, x: Tensor) -> Tensor:
            return torch.eye(3)[self.label].expand(len(x), 3)

    made = [TrainedNetwork(Always(label)) for label in (2, 1, 2)]
    assert Majority(made, 3).predict(torch.zeros(2, 1)).tolist() == [2, 2]
    assert Majority(made[:2], 3).predict(torch.zeros(2, 1)).tolist() == [1, 1]


def test_epic_finds_isolated_examples() -> None:
    near = torch.linspace(0, 0.1, 18)[:, None].repeat(1, 2)
    gradients = torch.cat([near, torch.tensor([[5.0, 0.0], [0.0, -7.0]])])
    assert EPIC(0.2).isolated(gradients).nonzero().flatten().tolist() == [18, 19]
    assert not EPIC(0.2).isolated(torch.zeros(10, 2)).any()


def test_epic_drops_mislabelled_examples_for_good() -> None:
    x, labels, wrong = mislabelled()
    intervention = EPIC(0.2, begin=3, every=2).intervention()
    kept = []

    class Watched(Intervention):
        def kept(self, state: TrainingState, epoch: int) -> Tensor:
            kept.append(intervention.kept(state, epoch))
            return kept[-1]

    TRAINING.train(x, labels, 2, (0,), Watched())
    assert [len(some) for some in kept[:3]] == [40, 40, 40]
    assert all(set(after.tolist()) <= set(before.tolist()) for before, after in pairwise(kept))
    assert torch.equal(kept[3], kept[4])
    assert not set(wrong.nonzero().flatten().tolist()) & set(kept[-1].tolist())
    assert len(kept[-1]) > 10


def test_friendly_noise_is_large_where_the_network_does_not_look() -> None:
    x, labels = blobs()
    state = TrainingState(nn.Linear(16, 2), Flat(), x, labels, 2)
    with torch.no_grad():
        state.trained.weight.zero_()[:, 0] = torch.tensor([5.0, -5.0])  # type: ignore[union-attr,operator]
        state.trained.bias.copy_(torch.tensor([-2.5, 2.5]))  # type: ignore[operator,arg-type]
    defence = FriendlyNoise(size=0.1, learning_rate=0.1, steps=60)
    noise = defence.noise(state, torch.Generator().manual_seed(0)).flatten(1).abs()
    assert noise.max() <= 0.1
    assert noise[:, 1:].mean() > 0.06
    assert noise[:, 0].mean() < 0.01


def test_friendly_and_random_noise_are_added_after_the_first_epochs() -> None:
    x, labels = blobs()
    intervention = FriendlyNoise(size=0.1, random=0.05, begin=1).intervention()
    state = TrainingState(nn.Linear(16, 2), Flat(), x, labels, 2)
    every = torch.arange(len(x))
    before, first, second = (
        intervention.inputs(state, every, epoch, lambda given: given, generator((epoch,))) - x for epoch in (0, 1, 2)
    )
    assert not before.any()
    assert 0.05 < first.abs().max() <= 0.1500001
    # The friendly noise is the same, the random one is new.
    assert {0, 100} == set((first - second).abs().mul(1000).round().int().flatten().tolist())
    with pytest.raises(ValueError, match=r"^FriendlyNoise: begin = 20; must be below 20"):
        FriendlyNoise(begin=20).defend(Given(x, labels), TRAINING, (0,))


def test_adversarial_training_trains_on_worse_inputs() -> None:
    x, labels = blobs(gap=0.1)
    state = TrainingState(nn.Linear(16, 2), Flat(), x, labels, 2)
    with torch.no_grad():
        state.trained.weight.copy_(torch.tensor([[-1.0], [1.0]]).expand(2, 16))  # type: ignore[operator,arg-type]
    every = torch.arange(len(x))
    moved = AdversarialTraining(0.05).intervention().inputs(state, every, 0, lambda given: given, generator((0,)))
    assert (moved - x).abs().max() <= 0.05 + 1e-6
    # The worst change of a linear network has a closed form.
    worst = x - 0.05 * (2 * labels - 1)[:, None, None, None]
    with torch.no_grad():
        found, largest = (float(cross_entropy(state.logits(some), labels)) for some in (moved, worst))
    assert found == pytest.approx(largest, rel=1e-4)


def test_one_example_moves_a_private_step_little() -> None:
    x, labels = blobs()
    training = Training(Flat(), epochs=1, batch_size=40, learning_rate=1.0, momentum=0.0, weight_decay=0.0)
    outlier = x.clone()
    outlier[0] = 1000.0

    def moved(defence: Defence) -> float:
        return float((defend(defence, x, labels, training) - defend(defence, outlier, labels, training)).norm())

    assert moved(DPSGD(5.0, clip=0.5)) <= 2 * 0.5 / 40 + 1e-5
    assert moved(NoDefence()) > 10


def test_private_noise_grows_as_the_privacy_loss_falls() -> None:
    x, labels = blobs()
    little, much = (DPSGD(epsilon).noise_multiplier(len(x), TRAINING) for epsilon in (8.0, 1.0))
    assert 0 < little < much
    training = Training(Flat(), epochs=1, batch_size=40, learning_rate=1.0, momentum=0.0, weight_decay=0.0)
    multiplier = DPSGD(1.0, clip=0.5).noise_multiplier(len(x), training)
    heads = [head(DPSGD(1.0, clip=0.5).defend(Given(x, labels), training, (0, key))) for key in range(30)]
    starts = [head(TrainedNetwork(training._start(x, 2, (0, key)))) for key in range(30)]
    steps = torch.stack(heads) - torch.stack(starts)
    # Without the gradients, which are clipped, a step is noise of this size.
    assert float(steps.std()) == pytest.approx(multiplier * 0.5 / 40, rel=0.5)


def test_networks_that_mix_examples_are_not_private() -> None:
    x, labels = blobs()
    with pytest.raises(ValueError, match=r"^DPSGD: network; must have no layer that mixes the examples of a batch"):
        DPSGD().defend(Given(x, labels), Training(network=Tiny(norm=True), epochs=1), (0,))


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    x, labels = blobs()
    monkeypatch.setitem(sys.modules, "opacus", None)
    monkeypatch.setitem(sys.modules, "opacus.accountants.utils", None)
    with pytest.raises(ValueError, match=r"must have Opacus installed: pip install 'smoothing-certificates\[arena\]'"):
        DPSGD().defend(Given(x, labels), TRAINING, (0,))


@pytest.mark.parametrize("certifier", [Plurality(), RunOff()])
def test_certified_votes_predict_and_state_their_radius(certifier: Plurality | RunOff) -> None:
    x, labels = blobs()
    defence = CertifiedVote(
        Partitions(Ridge(transforms=[Centre()]), parts=7, partition=ByHash()), certifier, UnchangedExamples()
    )
    defended = defence.defend(Given(x, labels), TRAINING, (0,))
    tests = blobs(seed=1)[0]
    assert (defended.predict(tests) == labels).all()
    radius = defended.radius(tests)
    assert radius is not None
    assert (radius >= 1).all()
    # Labels of one part and more are wrong: radii fall.
    fewer = defence.defend(Given(x, torch.where(torch.arange(40) % 4 == 0, 1 - labels, labels)), TRAINING, (0,))
    assert (fewer.radius(tests) <= radius).all()  # type: ignore[operator]


@pytest.mark.parametrize("certifier", [Plurality(), RunOff()])
def test_trained_partitions_are_trained_once_for_the_images_that_they_predict(certifier: Plurality | RunOff) -> None:
    x, labels = blobs()
    x, tests = x.flatten(1), blobs(seed=1, gap=0.02)[0].flatten(1)
    trained = TrainedPartitions(NearestMean(), 7, 1, ByHash())
    defended = CertifiedVote(trained, certifier, UnchangedExamples()).defend(Given(x, labels), TRAINING, (0,))
    assert isinstance(defended, CertifiedClassifier)
    assert isinstance(defended.votes, TrainedPartitions)
    learner = defended.votes.learner
    assert isinstance(learner, NearestMean)
    predicted = defended.predict(tests)
    calls = learner.calls
    radius = defended.radius(tests.clone())
    assert learner.calls == calls
    # Answers are the caller's own.
    defended.predict(tests).add_(1)
    defended.radius(tests).__iadd__(5)
    assert torch.equal(defended.predict(tests), predicted)
    np.testing.assert_array_equal(defended.radius(tests), radius)
    # Other images are predicted by models that are trained again, also if they are in the same tensor.
    changed = tests.clone()
    assert torch.equal(defended.predict(changed), predicted)
    assert torch.equal(defended.predict(changed.copy_(tests.flip(0))), predicted.flip(0))
    assert learner.calls > calls
    at_once = CertifiedVote(Partitions(Centroids(), 7, 1, ByHash()), certifier, UnchangedExamples())
    reference = at_once.defend(Given(x, labels), TRAINING, (0,))
    assert torch.equal(predicted, reference.predict(tests))
    if isinstance(certifier, Plurality):
        np.testing.assert_array_equal(radius, reference.radius(tests))
    assert radius.min() < radius.max()


def test_a_changed_example_counts_as_a_deleted_and_an_inserted_one() -> None:
    x, labels = blobs()
    votes = Partitions(Ridge(transforms=[Centre()]), parts=7, partition=ByHash())
    tests = blobs(seed=1)[0]
    radii = [
        CertifiedVote(votes, Plurality(), UnchangedExamples(change))
        .defend(Given(x, labels), TRAINING, (0,))
        .radius(tests)
        for change in ("changed examples", "inserted or deleted examples")
    ]
    # Seven equal votes bear three changed parts. A changed example moves from one part to another.
    assert [set(some) for some in radii] == [{1.0}, {1.0}]
    votes.fit(x, labels, 2)
    raw = Plurality().certify(Ballots(UnchangedExamples(), votes, tests, torch.arange(len(tests)), 0))
    assert set(raw.radius) == {3.0}


def test_radii_in_other_units_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^CertifiedVote: measure = 'LabelFlip'; must be a measure in changed examples"
    ):
        CertifiedVote(Ridge(), Chernoff(), LabelFlip(0.1, 2))


def test_partitions_of_models_with_trained_weights_are_refused() -> None:
    learner = NearestMean()
    learner.trained_on = (Origin("A"),)
    with pytest.raises(ValueError, match=r"^CertifiedVote: votes = models .* trained on A; must be models that start"):
        CertifiedVote(TrainedPartitions(learner, 7), Plurality(), UnchangedExamples())


def test_votes_that_cannot_be_certified_are_refused() -> None:
    x, labels = blobs()
    with pytest.raises(ValueError, match=r"^CertifiedVote: votes = 'RetrainedVotes'"):
        CertifiedVote(RetrainedVotes(RidgeHead()), Plurality(), UnchangedExamples())
    votes = Partitions(Ridge(transforms=[Centre()]), parts=7, partition=ByHash())
    with pytest.raises(ValueError, match=r"^CertifiedVote: ExactVote cannot be used: "):
        CertifiedVote(votes, ExactVote(), UnchangedExamples()).defend(Given(x, labels), TRAINING, (0,))
