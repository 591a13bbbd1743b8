"""The estimators have the habits of scikit-learn, and their certificates are those of the certifiers."""

import warnings
from itertools import combinations

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from smoothing import LabelFlipClassifier, PartitionClassifier, SmoothedClassifier
from smoothing.certifiers import ExactVote
from smoothing.measures import Gaussian, LabelFlip
from smoothing.votes import Ballots, ByPosition, NearestNeighbours, Ridge, SklearnLearner

IRIS = load_iris()
X, Y = IRIS.data, IRIS.target_names[IRIS.target]


@parametrize_with_checks(
    [
        LabelFlipClassifier(),
        PartitionClassifier(parts=2),
        SmoothedClassifier(n=100, n0=20),
    ]
)
def test_habits_of_scikit_learn(estimator, check) -> None:
    check(estimator)


def test_flips_are_those_of_the_exact_vote() -> None:
    classifier = LabelFlipClassifier(q=0.2).fit(X[::2], Y[::2])
    votes = Ridge()
    votes.fit(X[::2], IRIS.target[::2], 3)
    expected = ExactVote().certify(Ballots(LabelFlip(0.2, 3), votes, X[1::2], np.arange(75), seed=0))
    assert classifier.certify(X[1::2]).tolist() == expected.radius.tolist()
    assert classifier.predict(X[1::2]).tolist() == IRIS.target_names[expected.prediction].tolist()
    assert "label flips stay within the 3 classes in y" in classifier.assumptions


def test_certified_score_counts_correct_inputs_at_a_number_of_flips() -> None:
    classifier = LabelFlipClassifier(NearestNeighbours(9), q=0.1).fit(X[::2], Y[::2])
    right = classifier.predict(X[1::2]) == Y[1::2]
    flips = classifier.certify(X[1::2])
    for r in (0, 1, 3):
        assert classifier.certified_score(X[1::2], Y[1::2], r) == np.mean(right & (flips >= r))
    assert classifier.certified_score(X[1::2], Y[1::2]) == classifier.score(X[1::2], Y[1::2])
    with pytest.raises(ValueError, match=r"flips = 0\.5; must be a whole number"):
        classifier.certified_score(X, Y, 0.5)


def test_predicted_sets_are_those_of_the_exact_vote() -> None:
    classifier = LabelFlipClassifier(NearestNeighbours(9), q=0.1).fit(X[::2], Y[::2])
    predicted, certified = classifier.predict(X[1::2]), classifier.certify(X[1::2])
    for flips in (0, 2, 5):
        sets = classifier.predict_sets(X[1::2], flips)
        assert sets.shape == (75, 3)
        assert sets[np.arange(75), np.searchsorted(classifier.classes_, predicted)].all()
        assert ((sets.sum(1) == 1) == (certified >= flips)).all()
    with pytest.raises(ValueError, match=r"flips = -1; must be"):
        classifier.predict_sets(X, -1)


def test_a_set_contains_the_prediction_of_the_correct_labels() -> None:
    clean = LabelFlipClassifier(NearestNeighbours(9), q=0.1).fit(X[::2], Y[::2]).predict(X[1::2])
    attacked = Y[::2].copy()
    attacked[[1, 30, 40, 60]] = attacked[[60, 1, 30, 40]]
    changed = int((attacked != Y[::2]).sum())
    classifier = LabelFlipClassifier(NearestNeighbours(9), q=0.1).fit(X[::2], attacked)
    sets = classifier.predict_sets(X[1::2], changed)
    assert sets[np.arange(75), np.searchsorted(classifier.classes_, clean)].all()


@pytest.mark.parametrize("spread", [1, 2])
def test_no_attack_on_a_partition_beats_its_certificate(spread: int) -> None:
    """All label vectors within the radius are tried."""
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(9, 2)), generator.integers(0, 2, 9)
    y[:2] = 0, 1
    tests = generator.normal(size=(12, 2))

    def fitted(labels: np.ndarray) -> PartitionClassifier:
        return PartitionClassifier(DecisionTreeClassifier(max_depth=1), parts=9, spread=spread).fit(x, labels)

    predicted, flips = fitted(y).predict(tests), fitted(y).certify(tests)
    assert flips.max() >= 1
    for r in range(1, int(min(flips.max(), 3)) + 1):
        for places in combinations(range(9), r):
            attacked = y.copy()
            attacked[list(places)] = 1 - attacked[list(places)]
            if len(set(attacked)) == 2:
                held = fitted(attacked).predict(tests) == predicted
                assert held[flips >= r].all()


def test_a_learner_on_one_class_predicts_it() -> None:
    learner = SklearnLearner(LogisticRegression())
    learner.learn(torch.randn(4, 2), torch.tensor([1, 1, 1, 1]), 3)
    assert learner.class_scores(torch.randn(2, 2)).argmax(1).tolist() == [1, 1]


def test_random_training_is_seeded() -> None:
    x, labels = torch.from_numpy(X), torch.from_numpy(IRIS.target)
    scores = []
    for _ in range(2):
        learner = SklearnLearner(make_pipeline(StandardScaler(), DecisionTreeClassifier(splitter="random")))
        learner.learn(x, labels, 3)
        scores.append(learner.class_scores(x))
        assert learner.estimator.get_params()["decisiontreeclassifier__random_state"] is None
    assert torch.equal(*scores)


def test_a_smoothed_classifier_certifies_and_abstains_only_on_request() -> None:
    two = IRIS.target < 2
    classifier = SmoothedClassifier(LogisticRegression(), Gaussian(0.5), n=1000).fit(X[two], Y[two])
    assert classifier.certified_score(X[two], Y[two], 0.2) > 0.9
    assert classifier.certified_score(X[two], Y[two], 10) == 0
    between = (X[two][:50].mean(0) + X[two][50:].mean(0))[None] / 2
    close = np.repeat(between, 1, 0)
    for share in np.linspace(0.3, 0.7, 41):
        row = X[two][:50].mean(0) * share + X[two][50:].mean(0) * (1 - share)
        close = np.concatenate([close, row[None]])
    radii = classifier.certify(close)
    assert (radii == 0).any()
    assert set(classifier.predict(close)) <= {"setosa", "versicolor"}
    option = clone(classifier).set_params(abstain="unsure").fit(X[two], Y[two])
    assert ((option.predict(close) == "unsure") == (radii == 0)).all()
    # An abstention is wrong whatever the true class is.
    assert classifier.certified_score(close, option.predict(close)) == np.mean(radii > 0)
    with pytest.raises(ValueError, match="abstain = 'setosa'; must be no class label"):
        SmoothedClassifier(abstain="setosa").fit(X, Y)


@pytest.mark.parametrize("classifier", [LabelFlipClassifier(), PartitionClassifier(), SmoothedClassifier(n=50, n0=10)])
def test_they_work_in_a_pipeline(classifier) -> None:
    pipeline = make_pipeline(StandardScaler(), classifier).fit(X, Y)
    assert pipeline.score(X, Y) > 0.7
    assert len(pipeline[-1].certify(pipeline[:-1].transform(X))) == len(X)


@pytest.mark.parametrize(("inside", "jobs"), [(False, None), (True, None), (True, 2)])
def test_a_search_warns_that_it_voids_the_certificate(inside: bool, jobs: int | None) -> None:
    classifier = LabelFlipClassifier()
    model = make_pipeline(StandardScaler(), classifier) if inside else classifier
    grid = {"labelflipclassifier__q" if inside else "q": [0.1, 0.2]}
    with pytest.warns(UserWarning, match="hyperparameters are chosen by scores on training labels"):
        GridSearchCV(model, grid, cv=2, n_jobs=jobs).fit(X, Y)


def test_a_measurement_of_accuracy_does_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cross_val_score(LabelFlipClassifier(), X, Y, cv=2).mean() > 0.5


@pytest.mark.parametrize(
    ("classifier", "message"),
    [
        (LabelFlipClassifier(q=0.9), "LabelFlip: q = 0.9"),
        (LabelFlipClassifier(votes="ridge"), "LabelFlipClassifier: votes = str; must be LinearVotes"),
        (PartitionClassifier(parts=151), "Partitions: parts = 151; must be at most 150"),
        (PartitionClassifier(StandardScaler()), "SklearnLearner: estimator = StandardScaler; must be a scikit-learn"),
        (SmoothedClassifier(n=3), "ClopperPearson: n = 3"),
        (SmoothedClassifier(measure=1), "SmoothedClassifier: measure = 1; must be a SmoothingMeasure"),
    ],
)
def test_bad_parameters_are_refused_when_fitting(classifier, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        classifier.fit(X, Y)


def test_positions_can_determine_the_parts() -> None:
    classifier = PartitionClassifier(parts=5, partition=ByPosition()).fit(X, Y)
    assert "examples keep their places when labels flip" in classifier.assumptions
