"""Logging of comparisons to wandb."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from reporting.chart import artifact_name, chart, chart_key
from reporting.light_wandb import wandb
from reporting.text_table import TextTable
from smoothing.certificates.curves import Curve

JOB_TYPE = "compare"


def log_comparison(
    out: str | Path,
    curves: Mapping[str, Curve],
    tables: Mapping[str, TextTable],
    files: Sequence[str | Path],
    config: Mapping[str, Any],
    project: str = "smoothing",
) -> None:
    """Log a comparison as a separate run of wandb, offline unless WANDB_MODE is set.

    The environment variables WANDB_PROJECT and WANDB_NAME replace project and name.

    Args:
        out: Folder of the comparison, which gives the run its name. wandb writes its files there.
        curves: Compared curves, by name of the run; none for trials.
        tables: Tables, by key.
        files: Files to log as an artifact.
        config: Compared runs and settings of the comparison.
        project: Project in wandb.
    """
    run = wandb.init(
        project=os.environ.get("WANDB_PROJECT", project),
        name=os.environ.get("WANDB_NAME", Path(out).resolve().name),
        job_type=JOB_TYPE,
        dir=out,
        # Read here, since wandb reads its variables once per process.
        mode=cast(Any, os.environ.get("WANDB_MODE", "offline")),
        config=dict(config),
        # Another open run of this process is left alone.
        reinit="create_new",
        settings=wandb.Settings(silent=True),
    )
    if curves:
        run.log({chart_key(next(iter(curves.values())).distance): chart(curves)})
    for key, table in tables.items():
        run.log({key: wandb.Table(columns=list(table.columns), data=[list(row) for row in table.rows])})
    artifact = wandb.Artifact(artifact_name("comparison", Path(out).resolve().name), type="comparison")
    for file in files:
        artifact.add_file(str(file))
    run.log_artifact(artifact)
    run.finish()
