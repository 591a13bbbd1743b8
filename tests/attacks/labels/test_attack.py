"""Attacks and their results have types of their own, so that neither can pass for a certificate."""

import numpy as np
import pytest
import torch

from smoothing.attacks import Attack, BestAttack, HeadAttack
from smoothing.certificates import Attacked, Certificates, Table, rows
from smoothing.certificates.curves import certified_curve
from smoothing.certifiers import Certifier, Evaluator
from smoothing.measures import LabelFlip
from smoothing.votes import Ballots, Ridge


@pytest.fixture
def ballots() -> Ballots:
    generator = torch.Generator().manual_seed(0)
    votes = Ridge()
    votes.fit(torch.randn(20, 3, generator=generator), torch.arange(20) % 2, 2)
    return Ballots(LabelFlip("0.1", 2), votes, torch.randn(4, 3, generator=generator), torch.arange(4), 0)


def test_no_attack_is_a_certifier() -> None:
    for attack in (BestAttack, HeadAttack):
        assert issubclass(attack, Attack)
        assert issubclass(attack, Evaluator)
        assert not issubclass(attack, Certifier)
    assert not issubclass(Attacked, Certificates)


def test_the_result_is_an_upper_bound_by_its_type(ballots: Ballots) -> None:
    result = BestAttack().attack(ballots)
    assert isinstance(result, Attacked)
    assert not hasattr(result, "radius")
    assert BestAttack().evaluate(ballots).classifier == "attacked mean"


def test_rows_of_an_attack_are_marked_in_the_table(ballots: Ballots) -> None:
    result = BestAttack().attack(ballots)
    table = Table(rows("best", result, np.arange(4), result.prediction))
    assert set(table["classifier"]) == {"attacked mean"}
    assert table["radius"].tolist() == result.upper_bound.tolist()
    assert table["deterministic"].all()
    assert table["alpha"].mask.all()
    assert certified_curve(table, ballots.measure.distance).attacks == {"best"}


@pytest.mark.parametrize("classifier", ["attacked mean", "attacked base", "median"])
def test_a_certificate_cannot_name_the_classifier_of_an_attack(classifier: str) -> None:
    with pytest.raises(ValueError, match=f"^Certificates: classifier = {classifier}; must be one of mean, majority, "):
        Certificates(np.zeros(1, np.int64), np.zeros(1), classifier, True, True)  # type: ignore[arg-type]


@pytest.mark.parametrize("classifier", ["mean", "majority", "run-off"])
def test_an_attack_cannot_name_the_classifier_of_a_certificate(classifier: str) -> None:
    with pytest.raises(ValueError, match=f"^Attacked: classifier = {classifier}; must be one of attacked mean, "):
        Attacked(np.zeros(1, np.int64), np.zeros(1), classifier, True)  # type: ignore[arg-type]
