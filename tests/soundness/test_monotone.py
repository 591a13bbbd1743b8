"""Radii decrease with the bounds and do not depend on the length of a table."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoothing.guarantees import KL, Guarantee, NeymanPearson, VoteBound, thresholds
from smoothing.measures import LabelFlip
from smoothing.privacy_loss.random_walk import random_walk

GUARANTEES = st.sampled_from([NeymanPearson(), KL()])
LOGS = st.floats(-400, -1e-6)


@st.composite
def measures(draw: st.DrawFn) -> LabelFlip:
    num_classes = draw(st.sampled_from([2, 3, 10]))
    return LabelFlip(draw(st.floats(1e-6, 0.98)) * (num_classes - 1) / num_classes, num_classes)


@given(GUARANTEES, measures(), st.lists(LOGS, min_size=2, max_size=5))
def test_radius_falls_as_the_bound_rises(guarantee: Guarantee, measure: LabelFlip, logs: list[float]) -> None:
    radius = guarantee.radius(measure, VoteBound.one_sided(np.sort(logs)), (200,))
    assert (np.diff(radius) <= 0).all()


@given(GUARANTEES, measures(), LOGS, st.lists(st.floats(0, 50), min_size=2, max_size=5))
def test_radius_falls_as_the_rivals_bound_rises(
    guarantee: Guarantee, measure: LabelFlip, log_fail: float, less: list[float]
) -> None:
    fail = np.full(len(less), log_fail)
    radius = guarantee.radius(measure, VoteBound(fail, np.sort(log_fail - np.array(less))), (200,))
    assert (np.diff(radius) <= 0).all()


@given(GUARANTEES, measures(), LOGS, st.integers(1, 100), st.integers(0, 200))
def test_more_labels_never_certify_less(
    guarantee: Guarantee, measure: LabelFlip, log_fail: float, few: int, more: int
) -> None:
    bound = VoteBound.one_sided(np.array([log_fail]))
    small, large = (guarantee.radius(measure, bound, (n,))[0] for n in (few, few + more))
    assert small == min(few, large)


@given(measures(), st.integers(1, 40), st.integers(1, 160))
def test_a_longer_table_begins_with_the_shorter_one(measure: LabelFlip, short: int, more: int) -> None:
    random_walk.cache_clear()
    alone = thresholds(measure, short)
    random_walk.cache_clear()
    longer = thresholds(measure, short + more)
    assert longer[: short + 1].tolist() == alone.tolist()
    assert (np.diff(longer) < 0).all()


@pytest.mark.parametrize("guarantee", [NeymanPearson(), KL()], ids=["tight", "KL"])
def test_radii_do_not_depend_on_earlier_calls(guarantee: Guarantee) -> None:
    measure = LabelFlip("0.3", 2)
    bounds = [VoteBound.one_sided(np.array([log])) for log in (-300.0, -0.8, -40.0, -3.0)]
    answers = []
    for order in (bounds, bounds[::-1]):
        random_walk.cache_clear()
        answers.append({b.log_fail[0]: guarantee.radius(measure, b, (5000,))[0] for b in order})
    assert answers[0] == answers[1]
