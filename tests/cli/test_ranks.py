import pytest

from smoothing.cli.ranks import World, claim_end, rank, world

TORCHRUN = {"TORCHELASTIC_RUN_ID": "1", "WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "4", "RANK": "5", "LOCAL_RANK": "1"}
SRUN = {
    **{"SLURM_STEP_ID": "0", "SLURM_NTASKS": "6", "SLURM_NNODES": "3", "SLURM_PROCID": "4", "SLURM_LOCALID": "0"},
    "SLURM_JOB_NAME": "job",
}


@pytest.mark.parametrize(
    ("environment", "started", "number"),
    [
        ({}, None, 0),
        ({"LOCAL_RANK": "1", "WORLD_SIZE": "2"}, None, 1),
        (TORCHRUN, World("torchrun", 4, 2), 5),
        (SRUN, World("srun", 2, 3), 4),
        (SRUN | TORCHRUN, World("torchrun", 4, 2), 5),
        ({name: value for name, value in SRUN.items() if name != "SLURM_STEP_ID"}, None, 0),
        (SRUN | {"SLURM_JOB_NAME": "interactive"}, None, 0),
    ],
)
def test_the_environment_says_how_many_processes_there_are(
    environment: dict[str, str], started: World | None, number: int
) -> None:
    assert world(environment) == started
    assert rank(environment) == number


def test_nodes_must_run_equally_many_processes() -> None:
    with pytest.raises(ValueError, match="torchrun: 7 processes, 4 on this node; must be the same number"):
        world(TORCHRUN | {"WORLD_SIZE": "7"})


@pytest.mark.parametrize("number", ["0", "1"])
def test_without_a_group_rank_0_prints(monkeypatch: pytest.MonkeyPatch, number: str) -> None:
    monkeypatch.setenv("LOCAL_RANK", number)
    monkeypatch.delenv("RANK", raising=False)
    assert claim_end(130) == (number == "0", 130)
