"""The command ``plan``: cost and reach of a certify run, by a probe."""

import math
import os
import re
import shlex
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
import yaml
from pytorch_lightning.cli import LightningArgumentParser
from pytorch_lightning.loggers import Logger

from datamodules import DataModule
from lightning_modules import Certification, Trainer
from lightning_modules.certifying.probe import Probed, probe
from smoothing.certifiers import Certifier
from smoothing.cli.columns import columns
from smoothing.cli.errors import one_line
from smoothing.cli.ranks import World
from smoothing.cli.run import BAD_INPUT, RunCLI

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
"""Seconds in the units of durations."""

_IMPORTED = time.monotonic()


class PlanCLI(RunCLI):
    """Reads the config of ``certify`` and prints what the run would cost and can certify at most. Writes no file.

    Data sets and weights that are missing are downloaded, as by ``certify``.

    Args:
        args: The command ``certify`` and options, with configs that have sections before the command.
        options: Options as given: those of ``certify``, and ``--within``.
        world: The processes that a launcher started, if it did.
    """

    shown_as = "plan"

    def __init__(self, args: list[str], options: list[str], world: World | None = None) -> None:
        self._options = options
        super().__init__(args, world)

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the time limit."""
        super().add_arguments_to_parser(parser)
        parser.add_argument("--within", type=str, default="1h", help="Time limit of the run, such as 90s, 30m, 1h, 2d.")

    def before_instantiate_classes(self) -> None:
        """Read the time limit."""
        with one_line(ValueError):
            self._within = duration(self.config[self.subcommand].pop("within"))
            if int(os.environ.get("WORLD_SIZE", "1")) > 1:
                raise ValueError("plan: WORLD_SIZE > 1; must be 1: one process measures, whatever number of ranks runs")
        super().before_instantiate_classes()

    def instantiate_trainer(self, **kwargs: Any) -> pl.Trainer:
        """Build a trainer of one device that writes nothing, and note the requested number of ranks."""
        alone = {"devices": 1, "num_nodes": 1, "strategy": "auto"}
        quiet = {"logger": False, "callbacks": [], "enable_progress_bar": False, "enable_checkpointing": False}
        requested = super().instantiate_trainer(**kwargs)
        self._ranks = requested.num_devices * requested.num_nodes
        self._logs = self._log_as_given and bool(requested.loggers)
        return super().instantiate_trainer(**kwargs, **alone, **quiet, enable_model_summary=False)

    def certify(self, model: Certification, datamodule: DataModule, watch_radius: float | None = None) -> None:
        """Probe the run and print its cost; bad data, or a directory that cannot take the run, end in one line."""
        config = yaml.safe_load(self.parser.dump(self.config, skip_unset=False))[self.subcommand]
        with one_line(*BAD_INPUT):
            if not isinstance(model, Certification):
                raise ValueError(f"model: {type(model).__name__}; must be a Certification to certify")
            assert isinstance(self.trainer, Trainer)
            loggers: list[Logger] | None = [] if self._log_as_given else None
            probed = probe(
                self.trainer, model, datamodule, config["run_dir"], config, loggers, start=since_process_start()
            )
        rows = {
            "run directory": config["run_dir"],
            **describe(probed, model, self._ranks),
            **advice(probed, self._within, self._options),
        }
        if self._logs:
            rows["not measured"] = "the loggers of the config"
        print(columns(rows))


def duration(given: str) -> float:
    """Return a duration in seconds.

    Args:
        given: A positive number with a unit s, m, h or d, or without one for seconds.

    Raises:
        ValueError: If it is not.
    """
    read = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", given.strip())
    seconds = float(read[1]) * UNITS[read[2] or "s"] if read else 0.0
    if not seconds > 0:
        raise ValueError(f"within = {given}; must be a positive duration such as 90s, 30m, 1h or 2d")
    return seconds


def since_process_start() -> float:
    """Return the seconds since this process started, or, where the system does not say, since this import."""
    try:
        started = float(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError):
        return time.monotonic() - _IMPORTED


def describe(probed: Probed, model: Certification, ranks: int) -> dict[str, str]:
    """Return work, wall time, memory and reach of a run, by name."""
    cost, examples = probed.cost, probed.cost.paces["examples"]
    rows = {"examples": f"{examples.remaining} of {probed.requested} still to certify"}
    if "models" in cost.paces:
        rows["models"] = f"{cost.paces['models'].remaining} still to train"
    if "answers" in cost.paces:
        rows["answers"] = f"{cost.paces['answers'].remaining} still to certify together"
    if probed.draws:
        rows["draws"] = f"{probed.draws * examples.remaining}, {probed.draws} for each example"
    measured = [f"{sum(n for n, _ in pace.batches)} {kind}" for kind, pace in cost.paces.items() if pace.batches]
    rows["measured"] = ", ".join(measured) or "no examples, since all are finished"
    rows["wall time"] = f"{spell(cost.seconds(ranks))} on {counted(ranks, 'rank')}"
    rows["  start"] = spell(cost.start)
    rows["  data and fit"] = spell(cost.fixed)
    for kind, pace in cost.paces.items():
        rows[f"  {kind}"] = f"{spell(pace.seconds(ranks))}, {spell(pace.rate)} each"
    if cost.search:
        rows["  search"] = f"{spell(cost.search)} on one rank, for collective certificates and attacks"
    rows["  report"] = spell(cost.report)
    rows["peak memory"] = f"{probed.memory / 2**30:.1f} GiB on each rank"
    if probed.device_memory:
        rows["device memory"] = f"{probed.device_memory / 2**30:.1f} GiB on each rank"
    if probed.shape:
        rows["largest radius"] = reach(probed, model)
    return rows


def reach(probed: Probed, model: Certification) -> str:
    """Return the largest radius that each certifier can certify in a run, where the number of draws limits it."""
    found = {
        name: certifier.reach(model.measure, probed.shape, model.data.num_classes)
        for name, certifier in model.certifiers.items()
        if isinstance(certifier, Certifier)
    }
    unit = model.measure.distance.unit
    limits = [
        f"{name}: {math.floor(radius * 1e4) / 1e4:g} {unit}" for name, radius in found.items() if radius is not None
    ]
    return "; ".join(limits) or "not limited by a number of draws"


def advice(probed: Probed, within: float, options: list[str]) -> dict[str, str]:
    """Return the number of ranks that end a run in time, and the command that starts it."""
    ranks = probed.cost.ranks_within(within)
    limit = f"ends within {spell(within)}"
    if ranks is None:
        return {
            limit: f"not on any number of ranks: {spell(probed.cost.seconds(10**9))} at best",
            **launch(options, None),
        }
    return {limit: f"on {counted(ranks, 'rank')}, each with devices like those of this probe", **launch(options, ranks)}


def launch(options: list[str], ranks: int | None) -> dict[str, str]:
    """Return the command that starts a run on a number of ranks, or on those of its config."""
    kept, skip = [], False
    for option in options:
        name, equals, _ = option.partition("=")
        if not skip and name != "--within":
            kept.append(option)
        skip = name == "--within" and not equals
    devices = max(torch.cuda.device_count(), 1)
    if ranks is not None and ranks > 1:
        nodes = -(-ranks // devices)
        kept += [f"--trainer.devices={min(ranks, devices)}", "--trainer.strategy=ddp"]
        kept += [f"--trainer.num_nodes={nodes}"] if nodes > 1 else []
    return {"command": shlex.join(["smoothing", "certify", *kept])}


def counted(number: int, name: str) -> str:
    """Return a number with the name of what it counts."""
    return f"{number} {name}{'' if number == 1 else 's'}"


def spell(seconds: float) -> str:
    """Return a duration with three significant digits and a unit."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.3g} ms"
    unit = next((unit for unit in "dhm" if seconds >= 2 * UNITS[unit]), "s")
    return f"{seconds / UNITS[unit]:.3g} {'min' if unit == 'm' else unit}"
