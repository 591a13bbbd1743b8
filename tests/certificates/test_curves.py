import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoothing.certificates import FIELD_DISTANCE, Table, certified_curve, read_tsv, summary
from smoothing.certificates.curves import MAX_RADII, Curve, common_distance, upper_envelope
from smoothing.distance import Distance
from tests.samples import FLIPS, L2, row, table

DATA = Path(__file__).parents[1] / "data"


def accuracy(curve: Curve) -> list[float]:
    (values,) = curve.accuracy.values()
    return values.tolist()


def test_the_denominator_is_every_example_asked():
    answers = table((1, 5.0), (1, 2.0), (1, 0.0), (-1, 0.0), (0, 9.0))
    assert accuracy(certified_curve(answers, FLIPS, [0, 1, 2, 3, 5, 6])) == [3 / 5, 2 / 5, 2 / 5, 1 / 5, 1 / 5, 0]


def test_a_radius_covers_changes_of_its_own_size_unless_strict():
    answers = table((1, 2.0), (1, 3.0))
    assert accuracy(certified_curve(answers, FLIPS, [2, 3])) == [1.0, 0.5]
    assert accuracy(certified_curve(answers, L2, [2, math.nextafter(3, 0), 3])) == [0.5, 0.5, 0.0]


def test_no_change_at_all_is_covered_even_where_nothing_is_certified():
    answers = table((1, 0.0), (-1, 0.0))
    for distance in (FLIPS, L2):
        assert accuracy(certified_curve(answers, distance, [0])) == [0.5]


@given(
    answers=st.lists(st.tuples(st.sampled_from([1, 0]), st.integers(0, 12).map(float)), min_size=1, max_size=12),
    strict=st.booleans(),
)
def test_a_curve_is_what_counting_gives(answers: list[tuple[int, float]], strict: bool):
    distance = Distance("l0", "flips", integer=True, strict=strict)
    curve = certified_curve(table(*answers), distance)
    for r, value in zip(curve.radii, accuracy(curve), strict=True):
        held = [label == 1 and (radius > r or (radius == r and (not strict or r == 0))) for label, radius in answers]
        assert value == sum(held) / len(answers)
    assert (np.diff(accuracy(curve)) <= 0).all()
    assert accuracy(curve)[-1] == 0


@pytest.mark.parametrize("top", [0, 1, 5, 198, 199, 13_007, 10**9])
def test_whole_distances_get_whole_radii_down_to_nothing(top: int):
    curve = certified_curve(table((1, float(top)), (1, 0.0)), FLIPS)
    assert curve.radii[0] == 0
    assert curve.radii[-1] == top + 1
    assert len(curve.radii) == min(top + 2, MAX_RADII)
    assert (curve.radii == np.floor(curve.radii)).all()
    assert (np.diff(curve.radii) > 0).all()
    assert accuracy(curve)[-1] == 0


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("top", [0.0, 0.3, 4.7])
def test_real_distances_reach_down_to_nothing(top: float, strict: bool):
    distance = Distance("l2", "pixels", integer=False, strict=strict)
    curve = certified_curve(table((1, top), (1, top / 2)), distance)
    assert len(curve.radii) == MAX_RADII
    assert accuracy(curve)[0] == 1
    assert accuracy(curve)[-1] == 0


def test_a_certificate_against_every_change_never_ends():
    curve = certified_curve(table((1, math.inf), (1, 3.0)), FLIPS)
    assert curve.radii.tolist() == [0, 1, 2, 3, 4]
    assert accuracy(curve) == [1, 1, 1, 1, 0.5]


@pytest.mark.parametrize(
    ("radii", "message"),
    [
        ([-1], "radii: -1.0; must be at least 0 and finite"),
        ([math.inf], "radii: inf; must be at least 0 and finite"),
        ([math.nan], "radii: nan; must be at least 0 and finite"),
        ([1, 2.5], "radii: 2.5; must be a whole number of flips"),
        ([], r"radii: 0 different radii; must be 1 \.\. 200"),
        (range(201), r"radii: 201 different radii; must be 1 \.\. 200"),
        ([1, 2, 1.0], "radii: 1.0 is given 2 times; must be given once"),
        (1.0, "radii: 1.0; must be a list of numbers"),
        ("12", "radii: '12'; must be a list of numbers"),
        ([[1, 2]], r"radii: \[\[1, 2\]\]; must be a list of numbers"),
        ([True], r"radii: \[True\]; must be a list of numbers"),
    ],
)
def test_radii_that_are_not_allowed(radii: list[float], message: str):
    with pytest.raises(ValueError, match=message):
        certified_curve(table((1, 1.0)), FLIPS, radii)


def test_what_is_no_table_is_refused():
    with pytest.raises(ValueError, match=r"^certified_curve: table = \[\]; must be a Table$"):
        certified_curve([], FLIPS)  # type: ignore[arg-type]


def test_csv_keeps_every_bit(tmp_path: Path):
    curve = certified_curve(table((1, 1 / 3), (1, 1 / 7), (0, 1.0), certifiers=("kl, tight", "exact")), L2)
    curve.write_csv(tmp_path / "curve.csv")
    again = Curve.read_csv(tmp_path / "curve.csv", L2)
    assert again.radii.tobytes() == curve.radii.tobytes()
    assert list(again.accuracy) == ["kl, tight", "exact"]
    assert all(again.accuracy[name].tobytes() == values.tobytes() for name, values in curve.accuracy.items())


def test_summary_is_over_all_examples():
    numbers = summary(table((1, 8.0), (1, 4.0), (-1, 0.0), (0, 100.0)))
    assert numbers["exact"] == {
        "accuracy": 0.5,
        "abstention": 0.25,
        "median_radius": 4.0,
        "average_certified_radius": 3.0,
    }


def test_half_of_the_examples_reach_the_median_radius():
    assert summary(table((1, 8.0), (1, 4.0), (1, 2.0), (0, 9.0)))["exact"]["median_radius"] == 4.0
    assert summary(table((1, 8.0), (1, 4.0), (1, 3.0)))["exact"]["median_radius"] == 4.0


@given(answers=st.lists(st.tuples(st.sampled_from([1, 0]), st.sampled_from([0.0, 1.0, 2.0, math.inf])), min_size=1))
def test_the_median_radius_is_the_largest_that_half_of_the_examples_reach(answers: list[tuple[int, float]]):
    median = summary(table(*answers))["exact"]["median_radius"]
    reached = sorted(radius if label == 1 else 0.0 for label, radius in answers)
    assert median == max(r for r in reached if 2 * sum(other >= r for other in reached) >= len(reached))


def test_published_average_radius_of_a_released_log():
    answers, _ = read_tsv(DATA / "mnist_lenet_gaussian_0.50.tsv")
    assert summary(answers)["clopper_pearson"]["average_certified_radius"] == pytest.approx(1.558, abs=0.002)


def test_runs_must_share_a_distance():
    assert common_distance({"a": L2, "b": FIELD_DISTANCE}) == L2
    with pytest.raises(ValueError, match=r"^b: l0 radii \(flips\); must be l2 radii \(input units\), as in a$"):
        common_distance({"a": L2, "b": FLIPS})


def test_there_must_be_something_to_share() -> None:
    with pytest.raises(ValueError, match="common distance: no run; must be at least one"):
        common_distance({})
    with pytest.raises(ValueError, match="upper envelope: no curve; must be at least one"):
        upper_envelope([])


def test_the_upper_envelope_is_the_best_at_every_radius():
    curves = [
        certified_curve(table((1, 9.0), (0, 9.0), (0, 9.0)), FLIPS, [0, 2, 5]),
        certified_curve(table((1, 3.0), (1, 3.0), (1, 0.0), certifiers=("kl", "exact")), FLIPS, [0, 2, 5]),
    ]
    envelope = upper_envelope(curves)
    assert envelope.radii.tolist() == [0, 2, 5]
    assert accuracy(envelope) == [1, 2 / 3, 1 / 3]
    with pytest.raises(ValueError, match="upper envelope: curves at different radii; must be the same"):
        upper_envelope([*curves, certified_curve(table((1, 1.0)), FLIPS, [0, 2, 4])])


def test_attacks_have_no_part_in_the_upper_envelope():
    rows = [row(radius=1.0), row(radius=5.0, certifier="attack", classifier="attacked base")]
    curve = certified_curve(Table(rows), FLIPS, [0, 1, 2, 5, 6])
    assert curve.attacks == {"attack"}
    assert curve.accuracy["attack"].tolist() == [1, 1, 1, 1, 0]
    assert accuracy(upper_envelope([curve])) == [1, 1, 0, 0, 0]
    with pytest.raises(ValueError, match="upper envelope: no curve of certificates; must be at least one"):
        upper_envelope([certified_curve(Table(rows[1:]), FLIPS)])


def test_attacks_are_still_attacks_when_read_again(tmp_path: Path):
    rows = [row(radius=1.0), row(radius=5.0, certifier="attack", classifier="attacked base")]
    curve = certified_curve(Table(rows), FLIPS)
    curve.write_csv(tmp_path / "curve.csv")
    again = Curve.read_csv(tmp_path / "curve.csv", FLIPS)
    assert (list(again.accuracy), again.attacks) == (["exact", "attack"], {"attack"})
    assert (tmp_path / "curve.csv").read_text().startswith('radius,exact,"attack, upper bound"\n')
