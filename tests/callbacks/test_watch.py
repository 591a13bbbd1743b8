"""Progress of a run: lines, rate, time left, and what is logged."""

import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from callbacks.watch import BAR_SECONDS, LINE_SECONDS, Watch
from reporting.tally import Tally
from smoothing.runs.run_directory import RunDirectory
from tests.samples import FLIPS, row


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def started(path: Path, clock: Clock, log: Any, data: Any = None, examples: int = 10) -> tuple[Watch, RunDirectory]:
    directory = RunDirectory(path)
    watch = Watch(Tally(directory, FLIPS, 1), lambda: examples, True, log, clock)
    watch.on_predict_start(SimpleNamespace(is_global_zero=True, datamodule=data), None)  # type: ignore[arg-type]
    return watch, directory


def end_of_batch(watch: Watch) -> None:
    watch.on_predict_batch_end(None, None, None, None, 0)  # type: ignore[arg-type]


def test_lines_count_examples_of_all_ranks(tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    logged: list[tuple[int, float]] = []
    watch, directory = started(tmp_path, clock, lambda tally, rate: logged.append((tally.examples, rate)))
    with directory.shard(0) as first, directory.shard(1) as second:
        first.append([row(0, radius=1.0)])
        clock.now += 1
        end_of_batch(watch)
        assert logged == [(1, 1.0)], "the first row is logged at once"
        assert capsys.readouterr().out == "", "the first line appears after some seconds"
        second.append([row(1, radius=0.0)])
        clock.now += LINE_SECONDS - 2 + 1
        end_of_batch(watch)
    assert capsys.readouterr().out == "2 of 10 examples; certified at 1: exact 50.0%; 0.2/s, 0:00:40 left\n"
    watch.stop()
    watch.stop()
    assert capsys.readouterr().out == ""
    assert logged[-1] == (2, 0.2)


def test_the_state_moves_while_this_rank_waits_for_another(
    tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    """No batch of this rank ends between the two lines."""
    logged: list[int] = []
    watch, directory = started(tmp_path, clock, lambda tally, rate: logged.append(tally.examples))
    with directory.shard(0) as own, directory.shard(1) as other:
        own.append([row(0, radius=1.0)])
        clock.now += 1
        end_of_batch(watch)
        other.append([row(1, radius=1.0)])
        other.append([row(2, radius=1.0)])
        clock.now += LINE_SECONDS
        deadline = time.monotonic() + 30
        printed = ""
        while not printed and time.monotonic() < deadline:
            time.sleep(0.02)
            printed = capsys.readouterr().out
    assert printed.startswith("3 of 10 examples; certified at 1: exact 100.0%")
    assert logged == [1, 3]
    watch.stop()
    assert watch._thread is None


def test_loggers_are_opened_by_the_main_thread(tmp_path: Path, clock: Clock) -> None:
    opened: list[bool] = []
    main = threading.main_thread()
    watch, directory = started(tmp_path, clock, lambda tally, rate: opened.append(threading.current_thread() is main))
    with directory.shard(1) as other:
        other.append([row(1, radius=1.0)])
        clock.now += LINE_SECONDS
        time.sleep(3 * BAR_SECONDS)
    assert opened == []
    watch.stop()
    assert opened == [True]


def test_an_error_ends_the_thread_and_logs_nothing(tmp_path: Path, clock: Clock) -> None:
    watch, directory = started(tmp_path, clock, lambda *state: pytest.fail("logged"))
    with directory.shard(0) as shard:
        shard.append([row(0, radius=1.0)])
    thread = watch._thread
    assert thread is not None
    assert thread.is_alive()
    watch.close()
    assert not thread.is_alive()
    assert watch._bar is None


def test_finished_examples_do_not_count_for_the_rate(
    tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with RunDirectory(tmp_path).shard(0) as shard:
        for index in range(5):
            shard.append([row(index, radius=1.0)])
    watch, directory = started(tmp_path, clock, lambda tally, rate: None)
    with directory.shard(0) as shard:
        shard.append([row(5, radius=1.0)])
    clock.now += 2
    watch.stop()
    assert capsys.readouterr().out == "6 of 10 examples; certified at 1: exact 100.0%; 0.5/s, 0:00:08 left\n"


def test_models_are_counted_and_not_logged(tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    logged: list[Any] = []
    watch, directory = started(
        tmp_path, clock, lambda *state: logged.append(state), SimpleNamespace(missing=range(200))
    )
    directory.draws.mkdir()
    (directory.draws / "rank-0.jsonl").write_text("{}\n" * 50)
    clock.now += LINE_SECONDS
    end_of_batch(watch)
    assert capsys.readouterr().out == "50 of 200 models; 5/s, 0:00:30 left\n"
    assert not logged


def test_other_ranks_and_finished_runs_say_nothing(
    tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    watch, _ = started(tmp_path, clock, lambda *state: pytest.fail("logged"), examples=0)
    clock.now += 100
    end_of_batch(watch)
    watch.stop()
    other = Watch(Tally(RunDirectory(tmp_path), FLIPS, 1), lambda: 5, True, lambda *state: None, clock)
    other.on_predict_start(SimpleNamespace(is_global_zero=False), None)  # type: ignore[arg-type]
    end_of_batch(other)
    other.stop()
    assert capsys.readouterr().out == ""


def test_a_terminal_gets_one_bar(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    watch, directory = started(tmp_path, clock, lambda *state: None)
    with directory.shard(0) as shard:
        shard.append([row(0, radius=1.0)])
    clock.now += 1
    end_of_batch(watch)
    assert watch._bar is not None
    (task,) = watch._bar.tasks
    assert (task.completed, task.total) == (1, 10)
    assert task.description.startswith("1 of 10 examples; certified at 1: exact 100.0%")
    watch.stop()
    assert watch._bar is None
