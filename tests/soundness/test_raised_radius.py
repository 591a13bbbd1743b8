"""A radius raised by one is refuted: for every certifier and guarantee, on a problem where it reaches the truth."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from smoothing.certificates.certificates import Certificates
from smoothing.certifiers import (
    BerryEsseen,
    Certifier,
    Chernoff,
    ClopperPearson,
    ExactVote,
    JointNaming,
    Plurality,
    RunOff,
    WhiteBox,
)
from smoothing.guarantees import KL, Guarantee, JointNeymanPearson, NeymanPearson, VoteBound
from smoothing.measures import LabelFlip, Part, Product, SmoothingMeasure
from smoothing.testing import ballots_of, never_above_the_truth, random_ballots, true_radii
from smoothing.testing.brute_force import Float, noise
from smoothing.testing.guarantees import never_refuted
from smoothing.votes import Ballots
from tests.soundness.test_joint_naming import is_sound as jointly_named
from tests.soundness.test_partitions import is_dpa_attained, is_the_truth_for_two_classes, run_off_reaches_the_truth
from tests.soundness.test_poisoned_bags import bagging_reaches_the_truth
from tests.soundness.test_poisoned_parts import (
    plurality_is_attained_by_changes,
    plurality_is_attained_by_insertions,
    run_off_reaches_the_truth_of_insertions,
)


def unanimous(q: str, n: int) -> Ballots:
    """Return ballots with ``n`` votes of weight one for class 1: the true radius is n // 2. Class 0 has no weight."""
    return ballots_of(LabelFlip(q, 2), [[1.0] * n + [0.0]], [1] * n + [0])


def reaches_the_truth(certifier: Certifier, ballots: Ballots, radius: int) -> None:
    """Check that the certified radius is the given one and the true one."""
    certificates = certifier.certify(ballots)
    never_above_the_truth(ballots, certificates)
    assert certificates.radius.tolist() == [radius]
    assert true_radii(ballots, certificates).tolist() == [radius]


def test_exact_vote() -> None:
    for seed in range(3):
        ballots = random_ballots(LabelFlip("0.2", 3), 3, 7, 12, seed)
        certificates = ExactVote().certify(ballots)
        never_above_the_truth(ballots, certificates)
        assert certificates.radius.tolist() == true_radii(ballots, certificates).tolist()


@pytest.mark.parametrize(("q", "radius"), [("1e-3", 1), ("1e-6", 2), ("1e-6", 3), ("1e-9", 5)])
def test_chernoff(q: str, radius: int) -> None:
    reaches_the_truth(Chernoff(), unanimous(q, 2 * radius + 1), radius)


@pytest.mark.parametrize(("q", "radius"), [("1e-3", 1), ("1e-6", 3)])
def test_chernoff_of_the_majority(q: str, radius: int) -> None:
    reaches_the_truth(Chernoff(classifier="majority"), unanimous(q, 2 * radius + 1), radius)


def test_chernoff_with_kl() -> None:
    """KL loses half of the exponent, so that only a true radius of 0 is attained."""
    reaches_the_truth(Chernoff(KL()), unanimous("1e-6", 1), 0)


@pytest.mark.parametrize(("q", "radius"), [("1e-3", 1), ("1e-6", 3)])
def test_berry_esseen(q: str, radius: int) -> None:
    reaches_the_truth(BerryEsseen(), unanimous(q, 2 * radius + 1), radius)


@pytest.mark.parametrize(("two_sided", "q", "radius"), [(False, "0.05", 1), (True, "0.05", 1), (False, "0.03", 2)])
def test_clopper_pearson(two_sided: bool, q: str, radius: int) -> None:
    certifier = ClopperPearson(n0=20, n=200_000, alpha=1e-3, two_sided=two_sided)
    reaches_the_truth(certifier, unanimous(q, 2 * radius + 1), radius)


BOUNDS = VoteBound.one_sided(-np.linspace(0.7, 12, 300))
PLACES = 6


def guarantee_is_sound(guarantee: Guarantee) -> None:
    for q in ("0.1", "0.4"):
        measure = LabelFlip(q, 2)
        never_refuted(measure, BOUNDS, guarantee.radius(measure, BOUNDS, (PLACES,)), PLACES)


def test_neyman_pearson() -> None:
    guarantee_is_sound(NeymanPearson())


def test_kl() -> None:
    guarantee_is_sound(KL())


def test_joint_neyman_pearson() -> None:
    """Three labels have the budget, and the others the radius: all votes with noise on all labels."""
    first = 3
    before, last = list(range(first)), list(range(first, PLACES))
    measure = Product([Part(LabelFlip("0.3", 2), columns=before), Part(LabelFlip("0.3", 2), columns=last)])
    for budget in range(first + 1):

        def outcomes(_: SmoothingMeasure, changes: int, places: int, budget: int = budget) -> tuple[Float, Float]:
            changed = np.isin(np.arange(places), [*range(budget), *range(first, first + changes)]).astype(int)
            channel = LabelFlip("0.3", 2).channel
            return noise(channel, [0] * places), noise(channel, changed.tolist())

        guarantee = JointNeymanPearson([budget])
        radius = guarantee.radius(measure, BOUNDS, (PLACES,))
        never_refuted(measure, BOUNDS, radius, PLACES, outcomes)


NAMED: list[tuple[type, str, Callable[[], None]]] = [
    (ExactVote, "certify", test_exact_vote),
    (Chernoff, "certify", lambda: test_chernoff("1e-6", 2)),
    (Chernoff, "certify", lambda: test_chernoff_of_the_majority("1e-6", 3)),
    (Chernoff, "certify", test_chernoff_with_kl),
    (BerryEsseen, "certify", lambda: test_berry_esseen("1e-6", 3)),
    (ClopperPearson, "certify", lambda: test_clopper_pearson(False, "0.05", 1)),
    (ClopperPearson, "certify", lambda: test_clopper_pearson(True, "0.05", 1)),
    (Plurality, "certify", lambda: is_dpa_attained(Plurality())),
    (WhiteBox, "certify", lambda: is_dpa_attained(WhiteBox())),
    (WhiteBox, "certify", lambda: is_the_truth_for_two_classes("ridge")),
    (RunOff, "certify", run_off_reaches_the_truth),
    (Plurality, "certify", plurality_is_attained_by_insertions),
    (Plurality, "certify", plurality_is_attained_by_changes),
    (RunOff, "certify", run_off_reaches_the_truth_of_insertions),
    (NeymanPearson, "radius", bagging_reaches_the_truth),
    (JointNaming, "certify", jointly_named),
    (NeymanPearson, "radius", test_neyman_pearson),
    (KL, "radius", test_kl),
    (JointNeymanPearson, "radius", test_joint_neyman_pearson),
]


def one_more(answer: Certificates | np.ndarray) -> Certificates | np.ndarray:
    """Return the certificates with every radius raised by one."""
    if isinstance(answer, Certificates):
        return replace(answer, radius=answer.radius + 1)
    return answer + 1


@pytest.mark.parametrize(("owner", "method", "named_test"), NAMED)
def test_raising_the_radius_makes_the_named_test_fail(
    owner: type, method: str, named_test: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    named_test()
    honest = getattr(owner, method)
    monkeypatch.setattr(owner, method, lambda *arguments: one_more(honest(*arguments)))
    with pytest.raises(AssertionError, match=r"true radius is|refuted"):
        named_test()
