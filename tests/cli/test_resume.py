from copy import deepcopy
from functools import partial
from pathlib import Path

import pytest
import yaml

from tests.front_door import DIGITS, kill_after, launch, launch_on_two_ranks

CERTIFY = ["certify", "--config", "sampled.yaml"]
EXAMPLES = 123


def start(folder: Path) -> Path:
    """Write a config with a sampling certifier and return its run directory."""
    config = deepcopy(DIGITS)
    sampled = {"class_path": "ClopperPearson", "init_args": {"n0": 20, "n": 300}}
    config["model"]["init_args"]["certifiers"]["sampled"] = sampled
    (folder / "sampled.yaml").write_text(yaml.safe_dump(config))
    return folder / "runs" / "sampled"


def shards(run: Path) -> dict[str, bytes]:
    return {shard.name: shard.read_bytes() for shard in run.glob("certificates/*")}


def assert_continued(run: Path, begun: dict[str, bytes], uninterrupted: bytes) -> None:
    """Check that finished lines are unchanged, exactly the missing ones were added, and the table is the same."""
    now = shards(run)
    assert all(now[name].startswith(content) for name, content in begun.items())
    assert sum(content.count(b"\n") for content in now.values()) == EXAMPLES
    assert (run / "certificates.csv").read_bytes() == uninterrupted


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Table of an uninterrupted run."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    run = start(folder)
    assert launch(CERTIFY, folder).status == 0
    return (run / "certificates.csv").read_bytes()


@pytest.mark.parametrize("lines", [1, 2, 15, 16, 17, 40, 64, 100, EXAMPLES - 1, EXAMPLES])
def test_a_killed_run_resumes_from_the_last_finished_example(tmp_path: Path, lines: int, uninterrupted: bytes) -> None:
    run = start(tmp_path)
    assert launch(CERTIFY, tmp_path, partial(kill_after, lines)).status == -9
    begun = shards(run)
    assert begun["rank-0.jsonl"].count(b"\n") == lines
    assert not (run / "certificates.csv").exists()
    assert launch(CERTIFY, tmp_path).status == 0
    assert_continued(run, begun, uninterrupted)


@pytest.mark.parametrize("options", [["--data.batch_size=7"], ["--data.batch_size=64", "--data.num_workers=1"]])
def test_loading_options_can_change_on_resume(tmp_path: Path, options: list[str], uninterrupted: bytes) -> None:
    run = start(tmp_path)
    assert launch(CERTIFY, tmp_path, partial(kill_after, 30)).status == -9
    begun = shards(run)
    assert launch([*CERTIFY, *options], tmp_path).status == 0
    assert_continued(run, begun, uninterrupted)


def test_a_torn_line_is_removed_and_its_example_recomputed(tmp_path: Path, uninterrupted: bytes) -> None:
    run = start(tmp_path)
    assert launch(CERTIFY, tmp_path, partial(kill_after, 30)).status == -9
    begun = shards(run)
    shard = run / "certificates" / "rank-0.jsonl"
    with shard.open("ab") as file:
        file.write(begun["rank-0.jsonl"].splitlines(keepends=True)[-1][:-40])
    assert launch(CERTIFY, tmp_path).status == 0
    assert_continued(run, begun, uninterrupted)


@pytest.mark.slow
@pytest.mark.ddp
@pytest.mark.parametrize("finished", [30, EXAMPLES - 1])
def test_two_ranks_resume_a_run_of_one_rank(tmp_path: Path, finished: int, uninterrupted: bytes) -> None:
    run = start(tmp_path)
    assert launch(CERTIFY, tmp_path, partial(kill_after, finished)).status == -9
    begun = shards(run)
    assert launch_on_two_ranks([*CERTIFY, "--data.batch_size=9"], tmp_path).status == 0
    assert_continued(run, begun, uninterrupted)
    missing = EXAMPLES - finished
    added = {name: content.count(b"\n") for name, content in shards(run).items()}
    assert added.get("rank-1.jsonl", 0) == missing // 2


@pytest.fixture
def trained(tmp_path: Path) -> list[str]:
    """Options with an encoder from a checkpoint."""
    encoder = {
        "model": {"class_path": "FeatureClassifier", "init_args": {"features": 5, "width": 2}},
        "data": {"class_path": "Digits", "init_args": {"classes": [0, 2, 3]}},
        "trainer": {"max_epochs": 1, "logger": False, "enable_progress_bar": False},
    }
    (tmp_path / "encoder.yaml").write_text(yaml.safe_dump(encoder))
    assert launch(["fit", "--config", "encoder.yaml"], tmp_path).status == 0
    (checkpoint,) = tmp_path.glob("runs/encoder/checkpoints/*.ckpt")
    return ["--model.encoder=FrozenEncoder", f"--model.encoder.base_ckpt={checkpoint}"]


@pytest.fixture
def fitted() -> list[str]:
    """Options with an encoder that every rank fits to the training inputs."""
    small = ["--model.encoder.centres=8", "--model.encoder.patch=4", "--model.encoder.samples=300"]
    return ["--model.encoder=KMeansPatches", *small, "--model.votes.transforms", "[{class_path: Whiten}]"]


@pytest.mark.slow
@pytest.mark.ddp
@pytest.mark.parametrize("kind", ["trained", "fitted"])
def test_two_ranks_encode_and_certify_as_one(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    encoded = request.getfixturevalue(kind)
    start(tmp_path)
    assert launch([*CERTIFY, *encoded, "--run_dir=one"], tmp_path).status == 0
    assert launch_on_two_ranks([*CERTIFY, *encoded, "--run_dir=two"], tmp_path).status == 0
    assert shards(tmp_path / "two").keys() == {"rank-0.jsonl", "rank-1.jsonl"}
    tables = [(tmp_path / run / "certificates.csv").read_bytes() for run in ("one", "two")]
    assert tables[0] == tables[1]


@pytest.mark.slow
@pytest.mark.ddp
def test_a_lost_rank_ends_the_job_and_its_rows_are_kept(workplace: Path) -> None:
    run = start(workplace)
    mortal = ["--model.certifiers.mortal=mortal.Mortal"]
    (workplace / "kill rank 1").touch()
    assert launch_on_two_ranks([*CERTIFY, *mortal], workplace).status != 0
    begun = shards(run)
    assert begun["rank-1.jsonl"].count(b"\n") == 16
    assert not (run / "certificates.csv").exists()
    (workplace / "kill rank 1").unlink()
    assert launch([*CERTIFY, *mortal], workplace).status == 0
    undisturbed = [*CERTIFY, *mortal, "--run_dir=undisturbed"]
    assert launch(undisturbed, workplace).status == 0
    assert_continued(run, begun, (workplace / "undisturbed/certificates.csv").read_bytes())


@pytest.mark.slow
@pytest.mark.ddp
def test_no_rank_is_ahead_of_the_check_of_the_first(workplace: Path) -> None:
    slow = ["--model.measure=slow_start.SlowStart", "--model.measure.q=0.1", "--model.measure.num_classes=2"]
    outcome = launch_on_two_ranks(["certify", "--config", "digits.yaml", *slow, "--data.batch_size=8"], workplace)
    assert outcome.status == 0, outcome.err
    assert len(list((workplace / "runs/digits/certificates").glob("rank-*.jsonl"))) == 2
