"""Retrained votes pass the suite; keys, checks and assumptions of draws."""

import re
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from smoothing.certifiers import ClopperPearson, Empirical, RandomisedClopperPearson, Sequential, Staged
from smoothing.guarantees import JointNeymanPearson, NeymanPearson, VoteBound
from smoothing.measures import AnisotropicGaussian, Gaussian, Part, Product, Rounded, SmoothingMeasure
from smoothing.provenance.origin import Origin
from smoothing.testing import VotesConformance
from smoothing.votes import Ballots, Body, Draw, Learner, MissingDrawsError, RetrainedVotes, Votes
from tests.finishing import HERE, Finishing, finishing, some_draws

LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 0])


class Sums(Learner):
    """Predicts the class with the largest mean product of its inputs with the test input."""

    group = 3

    def __init__(self) -> None:
        self.seen: list[tuple[int, ...]] = []
        self.keys: list[tuple[int, ...]] = []

    def train_and_predict(
        self, x: Tensor, labels: Tensor, num_classes: int, tests: Tensor, keys: Sequence[Sequence[int]]
    ) -> Tensor:
        self.seen.append(tuple(x.shape))
        self.keys += [tuple(key) for key in keys]
        sums = torch.stack([x[:, labels == c].mean(1) for c in range(num_classes)], 1)
        return (tests.flatten(2) @ sums.flatten(2).mT).argmax(2)


class Double(Body):
    """Doubles the pixels."""

    trained_on = (Origin("Elsewhere"),)
    batch_size = 4

    def __init__(self) -> None:
        super().__init__()
        self.shapes: set[tuple[int, ...]] = set()

    def forward(self, x: Tensor) -> Tensor:
        self.shapes.add(tuple(x.shape))
        return 2 * x.flatten(1)

    def identity(self) -> str:
        return "double"


def images(number: int, seed: int = 0) -> Tensor:
    return torch.rand(number, 1, 2, 3, generator=torch.Generator().manual_seed(seed))


class TestConformance(VotesConformance):
    @pytest.fixture(params=[{}, {"body": Double()}], ids=["plain", "body"])
    def votes(self, request: pytest.FixtureRequest, x: Tensor, index: Tensor) -> Votes:
        return finishing(Sums(), images(7), LABELS, x, index.tolist(), **request.param)

    @pytest.fixture(params=["inputs", "backdoor"])
    def measure(self, request: pytest.FixtureRequest) -> SmoothingMeasure:
        return Gaussian(0.2) if request.param == "inputs" else backdoor(Gaussian(0.1), Gaussian(0.2))

    @pytest.fixture
    def x(self) -> Tensor:
        return images(4, seed=1)


def test_the_noise_of_a_draw_does_not_depend_on_other_draws() -> None:
    votes = finishing(Sums(), images(7), LABELS, images(4, 1))
    whole = votes.draw(Gaussian(0.4), some_draws(7), seed=5)
    for part in ([0], [3], [6, 2], [5, 0, 1, 4]):
        for draw, predictions in zip(part, votes.draw(Gaussian(0.4), [Draw(1, i) for i in part], 5), strict=True):
            np.testing.assert_array_equal(predictions, whole[draw])
    other = votes.draw(Gaussian(0.4), some_draws(7, stream=0), seed=5)
    assert any((a != b).any() for a, b in zip(whole, other, strict=True))


def test_groups_have_one_size_and_each_draw_its_own_key() -> None:
    learner = Sums()
    votes = finishing(learner, images(7), LABELS, images(4, 1))
    votes.draw(Gaussian(0.4), some_draws(4), seed=5)
    assert set(learner.seen) == {(3, 7, 1, 2, 3)}
    assert {key[:3] for key in learner.keys} == {(5, 1, i) for i in range(4)}


def test_the_body_sees_batches_of_one_size() -> None:
    body = Double()
    votes = finishing(Sums(), images(7), LABELS, images(3, 1), body=body)
    plain = finishing(Sums(), images(7), LABELS, images(3, 1))
    draws = [v.draw(Gaussian(0.4), some_draws(4), seed=5) for v in (votes, plain)]
    np.testing.assert_array_equal(*draws)
    assert body.shapes == {(4, 1, 2, 3)}
    assert votes.checkpoint == "double"
    assert votes.assumptions == ("the body, trained on Elsewhere, does not change",)


def test_missing_draws_are_reported() -> None:
    votes = RetrainedVotes(Sums())
    votes.fit(images(7), LABELS, 3)
    tests = images(4, 1)
    votes.serve(HERE, tests, torch.arange(4), {Draw(1, 0): np.zeros(4, np.int16)})
    with pytest.raises(MissingDrawsError) as stopped:
        votes.counts(Gaussian(0.1), tests, torch.arange(4), 3, (0, 1))
    assert stopped.value.draws == (Draw(1, 1), Draw(1, 2))


@pytest.mark.parametrize(
    "certifier",
    [
        ClopperPearson(n0=10, n=60, alpha=0.05),
        ClopperPearson(n0=10, n=60, alpha=0.05, two_sided=True),
        RandomisedClopperPearson(n0=10, n=60, alpha=0.05),
        Sequential([0.05], n0=10, max_draws=300, alpha=0.05),
        Staged(0.05, [30, 60], n0=10, alpha=0.05),
    ],
    ids=lambda certifier: type(certifier).__name__,
)
def test_every_certifier_of_sampled_votes_is_supported(certifier: ClopperPearson) -> None:
    tests = images(5, 1)
    votes = finishing(Sums(), images(7), LABELS, tests)
    measure = Gaussian(0.2)
    assert certifier.supports(measure, votes) is None
    answer = certifier.certify(Ballots(measure, votes, tests, torch.arange(5), 0))
    assert (answer.radius > 0).any()
    assert answer.classifier == "majority"


class WarmSums(Sums):
    warm_start = True

    def start(self, x: Tensor, labels: Tensor, num_classes: int, key: Sequence[int]) -> None:
        self.started = x


class Seen(Sums):
    trained_on = (Origin("Here", "train", 5, 9),)


class Learned(Gaussian):
    trained_on = (HERE,)


@pytest.mark.parametrize(
    ("votes", "measure", "said"),
    [
        (lambda x: finishing(WarmSums(), *x), Gaussian(0.2), "warm_start of WarmSums: models start from the training"),
        (
            lambda x: finishing(Seen(), *x),
            Gaussian(0.2),
            r"the learner was trained on Here train\[5:9\], and the adver",
        ),
        (
            lambda x: finishing(Sums(), *x),
            Learned(0.2),
            "the measure was trained on Here, and the adversary may change",
        ),
    ],
)
def test_certificates_that_do_not_hold_are_refused_unless_empirical(votes, measure, said) -> None:  # type: ignore[no-untyped-def]
    made: Finishing = votes((images(7), LABELS, images(4, 1)))
    reason = ClopperPearson(n0=5, n=20).supports(measure, made)
    assert reason is not None
    assert re.match(said, reason), reason
    empirical = Empirical(n=20)
    assert empirical.supports(measure, made) is None
    answer = empirical.certify(Ballots(measure, made, images(4, 1), torch.arange(4), 0))
    assert (answer.radius == 0).all()
    assert not answer.sound
    assert answer.alpha is None
    assert "empirical: nothing is certified" in answer.assumptions[0]


def test_a_warm_start_is_given_the_training_set_without_noise() -> None:
    learner = WarmSums()
    votes = finishing(learner, images(7), LABELS, images(4, 1))
    votes.draw(Gaussian(0.2), some_draws(1), 0)
    assert torch.equal(learner.started, images(7))


def test_a_learner_without_warm_start_is_given_only_noisy_inputs() -> None:

    class Curious(Sums):
        def start(self, x: Tensor, labels: Tensor, num_classes: int, key: Sequence[int]) -> None:
            raise AssertionError

        def train_and_predict(self, x, labels, num_classes, tests, keys):  # type: ignore[no-untyped-def]
            assert (x != images(7)).all()
            return super().train_and_predict(x, labels, num_classes, tests, keys)

    finishing(Curious(), images(7), LABELS, images(4, 1)).draw(Gaussian(0.2), some_draws(3), 0)


@pytest.mark.parametrize(
    ("x", "labels", "said"),
    [
        (images(7) / 0, LABELS, "NaN or infinite"),
        (images(6), LABELS, "counts must be equal"),
        (images(7), LABELS.clamp(max=1), "class 2 has no example"),
    ],
)
def test_invalid_training_sets_are_refused(x: Tensor, labels: Tensor, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        RetrainedVotes(Sums()).fit(x, labels, 3)


def backdoor(on_tests: SmoothingMeasure, on_inputs: SmoothingMeasure) -> Product:
    return Product([Part(on_tests), Part(on_inputs, "training inputs")])


@pytest.mark.parametrize(("on_tests", "sound"), [(Gaussian(0.5), False), (Rounded(Gaussian(0.5), 9), True)])
def test_soundness_depends_on_the_noise_of_the_test_input_too(on_tests: SmoothingMeasure, sound: bool) -> None:
    tests, levels = ((images(number, seed) * 8).round() / 8 for number, seed in ((4, 1), (7, 0)))
    measure = backdoor(on_tests, Rounded(Gaussian(0.2), 9))
    votes = finishing(Sums(), levels, LABELS, tests)
    certifier = ClopperPearson(JointNeymanPearson([0]), n0=5, n=20)
    assert certifier.supports(measure, votes) is None
    assert certifier.certify(Ballots(measure, votes, tests, torch.arange(4), 0)).sound == sound


def test_test_inputs_that_the_measure_cannot_randomise_are_refused() -> None:
    votes = finishing(Sums(), images(7), LABELS, images(4, 1))
    votes.check(Gaussian(0.2), images(1)[0])
    with pytest.raises(ValueError, match=r"Rounded: pixel = 0.\d+; must be a multiple of 1/8"):
        votes.check(backdoor(Rounded(Gaussian(0.2), 9), Gaussian(0.2)), images(1)[0])


class Assuming(Gaussian):
    """Noise on the test input with an assumption and a checkpoint."""

    assumptions = ("the noise is as stated",)
    checkpoint = "noise"


def test_assumptions_and_origins_of_the_noise_on_the_test_input_are_kept() -> None:
    tests = images(4, 1)
    votes, measure = finishing(Sums(), images(7), LABELS, tests), backdoor(Assuming(0.5), Gaussian(0.2))
    assert "the noise is as stated" in Ballots(measure, votes, tests, torch.arange(4), 0).assumptions
    assert measure.checkpoint == "noise"
    reason = votes.supports(backdoor(Learned(0.5), Gaussian(0.2)))
    assert reason is not None
    assert reason.startswith("the measure was trained on Here")


@pytest.mark.parametrize(
    ("on_inputs", "sigma"),
    [(Gaussian(0.2), 0.2), (AnisotropicGaussian([[[0.05, 0.1, 0.2]]]), 1.0), (Rounded(Gaussian(0.3), 9), 0.3)],
)
def test_a_change_of_the_test_input_reduces_the_radius(on_inputs: SmoothingMeasure, sigma: float) -> None:
    """The radius has the units of the distance: for anisotropic noise, standard deviations with sigma = 1."""
    shape = finishing(Sums(), images(7), LABELS, images(4, 1)).object_shape(images(4, 1))
    measure, bound = backdoor(Gaussian(0.5), on_inputs), VoteBound.one_sided(np.log([1e-4]))
    whole = NeymanPearson().radius(on_inputs, bound, shape)
    assert JointNeymanPearson([0]).radius(measure, bound, shape) == whole
    left = np.sqrt(whole**2 - (0.7 * sigma / 0.5) ** 2)
    radius = JointNeymanPearson([0.7]).radius(measure, bound, shape)
    assert ((left * (1 - 1e-9) <= radius) & (radius <= left * (1 + 1e-15))).all()


class Normalising(Double):
    """Features relative to the mean of the batch."""

    def forward(self, x: Tensor) -> Tensor:
        features = super().forward(x)
        return features - features.mean(0)


@pytest.mark.parametrize("batch_size", [2, 4, 100])
def test_a_body_that_mixes_rows_is_refused(batch_size: int) -> None:
    body = Normalising()
    body.batch_size = batch_size
    with pytest.raises(ValueError, match=r"^Normalising: output of a row changes by .*; must depend on that row alone"):
        RetrainedVotes(Sums(), body).fit(images(7), LABELS, 3)


def test_training_inputs_that_the_measure_cannot_randomise_are_refused_beforehand() -> None:
    votes = finishing(Sums(), images(7), LABELS, images(4, 1))
    reason = ClopperPearson(n0=5, n=20).supports(Rounded(Gaussian(0.2), 9), votes)
    assert reason is not None
    assert re.match(r"Rounded: pixel = 0.\d+; must be a multiple of 1/8 within \[0, 1\]", reason)


def test_more_draws_than_can_be_listed_are_refused() -> None:
    with pytest.raises(MemoryError, match=r"^RetrainedVotes: draws = 10000001; must be at most 10000000$"):
        RetrainedVotes(Sums()).counts(Gaussian(1.0), images(1), torch.tensor([0]), 10**7 + 1, (0, 0))
