"""What a probe measures, on a clock that only the measured work moves."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from datamodules import Digits
from lightning_modules import Certification, Trainer
from lightning_modules.certifying import collective_pass
from lightning_modules.certifying import probe as probing
from lightning_modules.certifying.probe import Excerpt, Stopwatch, Watched, probe
from smoothing.certificates import Certificates
from smoothing.certifiers import ClopperPearson, ExactVote
from smoothing.collective import CollectiveVote
from smoothing.collective.linear import LinearExamples
from smoothing.collective.run import Plan
from smoothing.measures import LabelFlip, SmoothingMeasure, Subsample
from smoothing.votes import Bagging, Ballots, Centroids, Ridge

QUIET: dict[str, Any] = {
    "accelerator": "cpu",
    "devices": 1,
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}
MEASURE = LabelFlip(0.1, 2)

TRIAL = 5
"""Seconds of the first example, which is tried by itself before the first batch."""


class Clock:
    """A clock that stands still unless it is moved."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class SlowRidge(Ridge):
    """Takes ten seconds to fit."""

    clock = Clock()

    def fit(self, x: Any, labels: Any, num_classes: int) -> None:
        self.clock.seconds += 10
        super().fit(x, labels, num_classes)


class SlowVote(ExactVote):
    """Takes two seconds an example, and three more for the first."""

    clock = Clock()
    warm = False
    stop = -1

    def certify(self, ballots: Ballots) -> Certificates:
        if self.stop in ballots.index:
            raise ValueError("defect")
        self.clock.seconds += 2 * len(ballots.x) + (0 if self.warm else 3)
        self.warm = True
        return super().certify(ballots)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(SlowRidge, "clock", made)
    monkeypatch.setattr(SlowVote, "clock", made)
    return made


def slow() -> tuple[Certification, Digits]:
    data = Digits(classes=[1, 7], batch_size=4)
    return Certification(MEASURE, SlowRidge(), {"exact": SlowVote()}), data


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_rest_of_a_run_is_extrapolated(clock: Clock, tmp_path: Path) -> None:
    model, data = slow()
    probed = probe(Trainer(**QUIET), model, data, tmp_path / "run", {}, [], start=3, budget=20, clock=clock)
    examples = len(data.requested)
    pace = probed.cost.paces["examples"]
    # The budget of 20 seconds is used up after three batches of 8 seconds.
    assert pace.batches == ((4, 8.0), (4, 8.0), (4, 8.0))
    assert (pace.remaining, probed.requested) == (examples, examples)
    assert (probed.cost.start, probed.cost.fixed, probed.cost.report) == (3, 10 + TRIAL, 0)
    assert probed.cost.seconds() == 3 + 10 + TRIAL + 2 * examples
    assert list(tmp_path.iterdir()) == []


def test_an_estimate_is_what_the_run_takes(clock: Clock, tmp_path: Path) -> None:
    model, data = slow()
    probed = probe(Trainer(**QUIET), model, data, tmp_path / "run", {}, [], budget=20, clock=clock)
    begin = clock()
    model, data = slow()
    Trainer(**QUIET).certify(model, data, tmp_path / "run", {}, [])
    assert clock() - begin == probed.cost.seconds()


class SlowTogether(CollectiveVote):
    """Takes a second an example each time, and four seconds to search."""

    clock = Clock()

    def examples(self, ballots: Ballots) -> LinearExamples:
        self.clock.seconds += len(ballots.x)
        return super().examples(ballots)


def test_the_collective_pass_is_extrapolated(clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SlowTogether, "clock", clock)
    monkeypatch.setattr(probing, "PARTIAL", (8, 24))
    monkeypatch.setattr(collective_pass, "BLOCK", 8)
    multipliers = Plan.multipliers

    def search(*given: Any) -> Any:
        clock.seconds += 4
        return multipliers(*given)

    monkeypatch.setattr(Plan, "multipliers", search)
    data = Digits(classes=[1, 7], batch_size=4)
    model = Certification(MEASURE, SlowRidge(), {"exact": SlowVote()}, collective={"together": SlowTogether([1, 5])})
    probed = probe(Trainer(**QUIET), model, data, tmp_path / "run", {}, [], budget=20, clock=clock)
    m, cost = len(data.requested), probed.cost
    # All examples are answered twice, the first block once more.
    assert cost.paces["answers"].batches == ((8, 24.0), (16, 32.0))
    assert (cost.paces["answers"].seconds(), cost.search) == (2 * m + 8, 4)
    assert list(tmp_path.iterdir()) == []
    begin = clock()
    Trainer(**QUIET).certify(model, data, tmp_path / "run", {"any": "config"}, [])
    assert clock() - begin == pytest.approx(probed.cost.seconds(), abs=8)
    probed = probe(Trainer(**QUIET), model, data, tmp_path / "run", {"any": "config"}, [], budget=20, clock=clock)
    assert "answers" not in probed.cost.paces


def test_two_batches_are_measured_whatever_the_budget(clock: Clock, tmp_path: Path) -> None:
    model, data = slow()
    probed = probe(Trainer(**QUIET), model, data, tmp_path / "run", {}, [], budget=0.1, clock=clock)
    assert probed.cost.paces["examples"].batches == ((4, 8.0), (4, 8.0))


def test_only_missing_examples_count(clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"any": "config"}
    model, data = slow()
    monkeypatch.setattr(SlowVote, "stop", 80)
    with pytest.raises(RuntimeError, match="stopped by an error"):
        Trainer(**QUIET).certify(model, data, tmp_path / "run", config, [])
    before = files(tmp_path)
    monkeypatch.setattr(SlowVote, "stop", -1)
    model, data = slow()
    probed = probe(Trainer(**QUIET), model, data, tmp_path / "run", config, [], budget=20, clock=clock)
    assert probed.cost.paces["examples"].remaining == len(data.requested) - 80
    assert files(tmp_path) == before


def test_draws_are_counted_in_part_and_votes_are_left_as_they_were(tmp_path: Path) -> None:
    votes = Bagging(learner=Centroids())
    model = Certification(Subsample(20), votes, {"bagging": ClopperPearson(n0=10, n=90, alpha=0.01)})
    data = Digits(classes=[1, 7], batch_size=8)
    probed = probe(Trainer(**QUIET), model, data, tmp_path / "run", {}, [], budget=0.1)
    assert probed.draws == 100
    assert "counts" not in vars(votes)
    assert len(probed.shape) == 1
    assert list(tmp_path.iterdir()) == []


class Coin:
    """Votes for class 1 in every third draw; a call takes a second, and a millisecond for each draw."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.counted: list[tuple[int, int]] = []

    def __call__(
        self, measure: SmoothingMeasure, x: Tensor, index: Tensor, draws: int, seed: Any, first: int = 0
    ) -> Tensor:
        self.clock.seconds += draws / 1024
        self.counted.append((first, draws))
        ones = sum(draw % 3 == 0 for draw in range(first, first + draws))
        return torch.tensor([[draws - ones, ones, 0]]).expand(len(x), 3)


def test_an_excerpt_stands_for_all_draws(clock: Clock) -> None:
    coin, watch = Coin(clock), Stopwatch(clock)
    excerpt = Excerpt(coin, 256, watch, budget=1.0)
    counts = excerpt(MEASURE, torch.zeros(2, 1), torch.arange(2), 10240, (0, 1), first=300)
    assert coin.counted == [(300, 256), (556, 512), (1068, 1024)]
    assert watch.now() == 10.0
    assert watch.extrapolated == (10240 - 1792) / 1024
    assert counts.sum(1).tolist() == [10240, 10240]
    assert counts[:, 1].tolist() == pytest.approx([10240 / 3] * 2, abs=10)
    assert counts[:, 2].tolist() == [0, 0]
    assert excerpt.draws == 2 * 10240


def test_few_draws_are_counted_as_they_are(clock: Clock) -> None:
    coin, watch = Coin(clock), Stopwatch(clock)
    counts = Excerpt(coin, 256, watch, budget=1.0)(MEASURE, torch.zeros(1, 1), torch.arange(1), 600, (0, 1))
    assert counts.tolist() == [[400, 200, 0]]
    assert watch.extrapolated == 0


def test_batches_are_watched_to_the_last(clock: Clock) -> None:
    batches: list[tuple[int, float]] = []
    loader: DataLoader[Any] = DataLoader(list(range(5)), batch_size=2)  # type: ignore[arg-type]
    watched = Watched(loader, len, Stopwatch(clock), 100.0, batches)
    for batch in watched:
        clock.seconds += float(batch.sum()) + 1
    assert batches == [(2, 2.0), (2, 6.0), (1, 5.0)]
