"""Checks of the options of Lightning's trainer, before anything is written."""

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import pytorch_lightning as pl
import torch
from pytorch_lightning.accelerators import CPUAccelerator
from pytorch_lightning.strategies.launchers import _MultiProcessingLauncher
from pytorch_lightning.utilities.model_helpers import is_overridden
from torch import Tensor

from lightning_modules import Certification
from smoothing.cli.ranks import World

LARGEST_SEED = 2**32 - 1
"""Largest seed that NumPy takes."""

FULL = (None, 32, "32", "32-true")
"""Ways to write full precision."""


def check_seed(seed: Any) -> None:
    """Raise if the global generators do not take a seed.

    Raises:
        ValueError: If it is negative or too large.
    """
    if seed is not None and not isinstance(seed, bool) and not 0 <= int(seed) <= LARGEST_SEED:
        raise ValueError(f"seed_everything = {seed}; must be within 0 .. {LARGEST_SEED}")


def set_processes(options: Any, world: World | None) -> None:
    """Set devices and nodes to the processes that a launcher started.

    Args:
        options: Options of the trainer.
        world: The processes that a launcher started, if it did.

    Raises:
        ValueError: If the options contradict them, or require more nodes than one process alone can have.
    """
    if world is None:
        if "SLURM_NTASKS" in os.environ and "SLURM_STEP_ID" not in os.environ:
            # In a batch script without srun, Lightning would wait for other processes, unless the job has this name.
            os.environ["SLURM_JOB_NAME"] = "interactive"
        if isinstance(options.num_nodes, int) and options.num_nodes > 1 and "MASTER_ADDR" not in os.environ:
            raise ValueError(
                f"trainer.num_nodes = {options.num_nodes}; must be 1 unless torchrun or srun starts the processes"
            )
        return
    for name, started, unset in (("devices", world.devices, "auto"), ("num_nodes", world.nodes, "1")):
        if str(options[name]) not in (unset, str(started)):
            raise ValueError(
                f"trainer.{name} = {options[name]}; must be {started} or unset, since {world.launcher} started "
                f"{world.devices} processes on each of {world.nodes} nodes"
            )
        options[name] = started
    if world.launcher == "srun":
        # Lightning requires it, and srun sets it only if the user does.
        os.environ.setdefault("SLURM_NTASKS_PER_NODE", str(world.devices))


def check_options(options: Any, command: str) -> None:
    """Raise if an option of the trainer cannot work with a command.

    Args:
        options: Options of the trainer.
        command: ``"certify"``, ``"attack"`` or ``"fit"``.

    Raises:
        ValueError: Naming option, value and what is allowed.
    """
    if str(options.devices) == "0":
        raise ValueError("trainer.devices = 0; must be at least 1, or auto")
    if command == "certify":
        _check_certify(options)
    elif command == "attack":
        _check_attack(options)
    else:
        _check_fit(options)


def check_processes(trainer: pl.Trainer) -> None:
    """Raise if a trainer would start more processes than there are cores, or start them in another way than ``ddp``.

    Raises:
        ValueError: Naming option, value and reason.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if isinstance(trainer.accelerator, CPUAccelerator) and trainer.num_devices > cores:
        raise ValueError(
            f"trainer.devices = {trainer.num_devices}; must be at most {cores}, the number of cores: every device on "
            "the CPU is a process that computes"
        )
    if isinstance(trainer.strategy.launcher, _MultiProcessingLauncher):
        raise ValueError(
            f"trainer.strategy = {type(trainer.strategy).__name__} with start method "
            f"{trainer.strategy.launcher._start_method}; must be auto, ddp or another strategy that starts processes "
            "by the command line"
        )


def check_trainable(model: pl.LightningModule) -> None:
    """Raise if a model cannot be trained.

    Raises:
        ValueError: If it certifies, or has no training step.
    """
    name = type(model).__name__
    if isinstance(model, Certification):
        raise ValueError(f"model: {name} certifies and is not trained; must be a network, or use smoothing certify")
    if not is_overridden("training_step", model):
        raise ValueError(f"model: {name} has no training_step; must have one to be trained")


def check_checkpoint(path: str | None, model: pl.LightningModule) -> None:
    """Raise if the file that a training is to resume from is no checkpoint of the model.

    Raises:
        ValueError: Naming the file and, for a checkpoint of another model, the first parameter that differs.
    """
    if path is None or not Path(path).is_file():
        return
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True, mmap=True) if is_zipfile(path) else None
    except (RuntimeError, pickle.UnpicklingError):
        checkpoint = None
    if not (isinstance(checkpoint, Mapping) and {"state_dict", "optimizer_states"} <= checkpoint.keys()):
        raise ValueError(f"ckpt_path = {path}; must be a checkpoint that fit has written")
    there, here = (
        {name: tuple(value.shape) for name, value in state.items() if isinstance(value, Tensor)}
        for state in (checkpoint["state_dict"], model.state_dict())
    )
    # A network that is built for the data, after this check, is compared when the checkpoint is loaded.
    built_later = type(model).configure_model is not pl.LightningModule.configure_model
    for name in dict.fromkeys([*here, *(() if built_later else there)]):
        if there.get(name) != here.get(name):
            found = f"its {name} has shape {there[name]}" if name in there else f"it has no {name}"
            wanted = f"the model has shape {here[name]}" if name in here else f"{type(model).__name__} has none"
            raise ValueError(f"ckpt_path = {path}; must be a checkpoint of the same model: {found}, and {wanted}")


def _check_certify(options: Any) -> None:
    limit = options.limit_predict_batches
    # A limit of 1 batch and one of 100 % cannot be told apart: the parser may read either as the other type.
    if limit is not None:
        raise ValueError(
            f"trainer.limit_predict_batches = {limit}; must be unset to certify: every requested test example is "
            "certified. data.every requests fewer"
        )
    if options.fast_dev_run:
        raise ValueError(
            f"trainer.fast_dev_run = {options.fast_dev_run}; must be false to certify: every requested test example "
            "is certified. data.every requests fewer"
        )
    if options.precision not in FULL:
        raise ValueError(
            f"trainer.precision = {options.precision}; must be 32-true to certify: votes have their own precision"
        )


def _check_attack(options: Any) -> None:
    if options.limit_predict_batches is not None or options.fast_dev_run:
        raise ValueError(
            "trainer: limit_predict_batches and fast_dev_run; must be unset to attack: every trial is made. "
            "data.setups makes fewer"
        )
    if options.precision not in FULL:
        raise ValueError(f"trainer.precision = {options.precision}; must be 32-true to attack")


def _check_fit(options: Any) -> None:
    for name in ("accumulate_grad_batches", "check_val_every_n_epoch"):
        value = options[name]
        if value is not None and value < 1:
            raise ValueError(f"trainer.{name} = {value}; must be at least 1")
    clip = options.gradient_clip_val
    if clip is not None and not float(clip) >= 0:
        raise ValueError(f"trainer.gradient_clip_val = {clip}; must be at least 0")
