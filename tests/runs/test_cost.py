import pytest

from smoothing.runs.cost import Cost, Pace


def test_the_first_batch_warms_up_and_the_others_set_the_rate() -> None:
    pace = Pace(100, ((4, 12.0), (4, 8.0), (2, 4.0)))
    assert (pace.rate, pace.warm_up) == (2.0, 4.0)
    assert pace.seconds() == 4.0 + 2.0 * 100


def test_all_batches_set_the_rate_if_the_first_was_not_slower() -> None:
    pace = Pace(100, ((4, 4.0), (4, 12.0)))
    assert (pace.rate, pace.warm_up, pace.seconds()) == (2.0, 0.0, 200.0)


def test_a_single_batch_sets_the_rate() -> None:
    assert Pace(6, ((4, 12.0),)).seconds() == 18.0


@pytest.mark.parametrize("batches", [((4, 12.0), (4, 8.0), (2, 4.0)), ((4, 4.0), (4, 12.0)), ((3, 7.0),)])
def test_measured_work_takes_what_was_measured(batches: tuple[tuple[int, float], ...]) -> None:
    pieces, seconds = (sum(column) for column in zip(*batches, strict=True))
    assert Pace(int(pieces), batches).seconds() == pytest.approx(seconds)


def test_nothing_remaining_takes_no_time() -> None:
    assert Pace(0, ()).seconds() == 0
    assert Pace(0, ((4, 12.0),)).seconds() == 0


def test_ranks_share_examples_and_models_and_nothing_else() -> None:
    paces = {"models": Pace(10, ((1, 5.0), (1, 3.0))), "examples": Pace(7, ((1, 1.0),))}
    cost = Cost(start=5.0, fixed=20.0, report=2.0, paces=paces)
    assert cost.seconds() == 27.0 + (2.0 + 30.0) + 7.0
    assert cost.seconds(4) == 27.0 + (2.0 + 9.0) + 2.0


def test_the_smallest_number_of_ranks_within_a_limit() -> None:
    cost = Cost(start=5.0, fixed=5.0, report=0.0, paces={"examples": Pace(100, ((1, 1.0),))})
    assert cost.ranks_within(110.0) == 1
    assert cost.ranks_within(109.9) == 2
    assert cost.ranks_within(20.0) == 10
    assert cost.ranks_within(11.0) == 100
    assert cost.ranks_within(10.9) is None


def test_a_finished_run_ends_on_one_rank_or_on_none() -> None:
    cost = Cost(start=5.0, fixed=5.0, report=0.0, paces={"examples": Pace(0, ())})
    assert (cost.ranks_within(10.0), cost.ranks_within(9.9)) == (1, None)
