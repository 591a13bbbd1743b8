"""The command ``doctor``: what is installed, which devices are fast, which data sets are found."""

import inspect
import json as json_text
import os
import platform
import shlex
import shutil
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import torch
from packaging.requirements import Requirement

from smoothing.cli.columns import columns

DISTRIBUTION = "smoothing-certificates"

PROBE = 1.0
"""Seconds that all probes of one device take together, about."""

Value = str | int | float | dict[str, float]
Section = dict[str, Value]


def doctor(json: bool = False) -> None:
    """Show what is installed, which devices are fast and which data sets are found. Writes no file.

    Args:
        json: Whether to print one JSON object instead of text.
    """
    found = {title: _section(examine) for title, examine in SECTIONS.items()}
    print(json_text.dumps(found, indent=2) if json else text(found))


def text(found: Mapping[str, Section]) -> str:
    """Return sections as text, within the width of `columns`."""
    return "\n\n".join(
        f"{title}\n{columns({name: _shown(value) for name, value in section.items()}, margin='  ')}"
        for title, section in found.items()
    )


def packages() -> Section:
    """Return the version of every required and optional package, and how to install what is missing."""
    found: Section = {"Python": f"{platform.python_version()} ({sys.executable})"}
    for extra, requirement in requirements():
        needed = f"{requirement.name}{requirement.specifier}"
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            installed = ""
        note = f" (optional: {extra})" if extra else ""
        if not installed:
            found[requirement.name] = f"missing{note}: pip install {shlex.quote(needed)}"
        elif not requirement.specifier.contains(installed, prereleases=True):
            found[requirement.name] = f"{installed}{note}, too old or refused: pip install {shlex.quote(needed)}"
        else:
            found[requirement.name] = f"{installed}{note}"
    compiler = next(filter(None, map(shutil.which, (os.environ.get("CXX", ""), "g++", "clang++", "c++"))), None)
    missing = "missing (optional: `compile: true` on a CPU): install g++ or clang++"
    found["C++ compiler"] = compiler or missing
    return found


def requirements() -> Iterator[tuple[str, Requirement]]:
    """Yield each requirement of this project that applies here, with the name of its extra; empty if it is required."""
    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    if project.is_file():
        declared = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
        listed = [("", line) for line in declared["dependencies"]]
        extras = declared.get("optional-dependencies", {})
        listed += [(extra, line) for extra, lines in extras.items() for line in lines]
    else:
        listed = [(_extra(Requirement(line)), line) for line in requires(DISTRIBUTION) or ()]
    for extra, line in listed:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield extra, requirement


def devices() -> Section:
    """Return the speed of each device in each precision, in GFLOP/s, and sensible numbers of threads and ranks."""
    found: Section = {}
    accelerators = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    accelerators += ["mps"] if torch.backends.mps.is_available() else []
    for name in ["cpu", *accelerators]:
        device = torch.device(name)
        found[name] = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor(device)
        speeds = {
            str(dtype).removeprefix("torch."): speed(device, dtype, PROBE / 4)
            for dtype in (torch.float32, torch.bfloat16)
        }
        for precision, measured in speeds.items():
            found[f"{name} {precision}"] = measured
        gain = speeds["bfloat16"]["convolution"] / speeds["float32"]["convolution"]
        best = "bfloat16" if gain > 1.2 else "float32"
        found[f"{name} precision"] = f"{best} (bfloat16 convolves {gain:.2g} times as fast as float32)"
    cores, threads = _cores(), torch.get_num_threads()
    limit = os.environ.get("OMP_NUM_THREADS")
    why = f"; OMP_NUM_THREADS = {limit}" if limit else ""
    found["cores"] = f"{cores} available, {threads} used by one process{why}"
    found["ranks"] = (
        f"--trainer.devices={len(accelerators)}, one rank on each accelerator"
        if accelerators
        else "--trainer.devices=1: one rank uses all threads of a CPU"
    )
    return found


def speed(device: torch.device, dtype: torch.dtype, seconds: float) -> dict[str, float]:
    """Return the speed of a matrix product and a convolution on a device, in GFLOP/s.

    The arithmetic is that of certify runs: float32 is not replaced by TF32.

    Args:
        device: The device.
        dtype: Type of the numbers.
        seconds: Seconds to measure each of the two for, at least; one call is always measured.
    """
    from torch.nn.functional import conv2d

    from smoothing.votes.network import as_stated

    size, batch = (256, 8) if device.type == "cpu" else (4096, 512)
    with torch.inference_mode(), as_stated(device):
        matrix = torch.rand(size, size, dtype=dtype, device=device)
        images = torch.rand(batch, 32, 32, 32, dtype=dtype, device=device)
        images = images.contiguous(memory_format=torch.channels_last)
        kernels = torch.rand(32, 32, 3, 3, dtype=dtype, device=device)
        product = _calls_per_second(lambda: matrix @ matrix, device, seconds)
        convolution = _calls_per_second(lambda: conv2d(images, kernels, padding=1), device, seconds)
    return {
        "matmul": 2 * size**3 * product / 1e9,
        "convolution": 2 * images.numel() * 32 * 9 * convolution / 1e9,
    }


def data_sets() -> Section:
    """Return where each data set is found, or the files that are expected if it is not."""
    import datamodules
    from lightning_modules.encoders import WordVectors
    from smoothing.data_folder import VARIABLE, data_file, data_root

    root = data_root(None)
    named = os.environ.get(VARIABLE)
    found: Section = {"folder": f"{root.absolute()} ({VARIABLE} {'is set' if named else 'is not set: ./data'})"}
    for name in datamodules.__all__:
        kind = getattr(datamodules, name)
        # Examples that are given in Python are not looked for.
        if not issubclass(kind, datamodules.DataModule) or inspect.isabstract(kind):
            continue
        layout, parameters = kind.layout, inspect.signature(kind).parameters
        if layout is not None:
            missing = [path for path in expand(layout) if not os.access(root / path, os.R_OK)]
            needed = f"missing: needs {layout.replace(',', ', ')}"
            found[name] = needed if missing else f"found in {root / layout.partition('/')[0]}"
        elif option := next((option for option in ("root", "path") if option in parameters), None):
            found[name] = f"given by --data.{option}"
    found["Digits"] = "comes with scikit-learn"
    vectors = data_file(inspect.signature(WordVectors).parameters["path"].default)
    found["WordVectors"] = f"found in {vectors}" if os.access(vectors, os.R_OK) else f"missing: needs {vectors}"
    return found


def expand(layout: str) -> list[str]:
    """Return the paths in a layout such as ``"folder/{a,b,...}"``. An ellipsis stands for no path."""
    before, brace, rest = layout.partition("{")
    if not brace:
        return [layout]
    inside, _, after = rest.partition("}")
    return [f"{before}{name}{after}" for name in inside.split(",") if name != "..."]


def places() -> Section:
    """Return the folders that runs and downloads write to, with their free space, and the mode of wandb."""
    from huggingface_hub.constants import HF_HUB_CACHE

    from smoothing.data_folder import cache_folder

    folders = {
        "runs": Path("runs"),
        "features": cache_folder("features"),
        "torch hub": Path(torch.hub.get_dir()),
        "Hugging Face hub": Path(HF_HUB_CACHE),
    }
    found: Section = {name: _writable(folder) for name, folder in folders.items()}
    mode = os.environ.get("WANDB_MODE")
    found["wandb"] = f"{mode} (WANDB_MODE)" if mode else "offline (WANDB_MODE is not set)"
    return found


SECTIONS: dict[str, Callable[[], Section]] = {
    "Packages": packages,
    "Devices (speeds in GFLOP/s)": devices,
    "Data sets": data_sets,
    "Places": places,
}
"""Parts of the output, by title."""


def _section(examine: Callable[[], Section]) -> Section:
    """Return a section, or the reason why it cannot be made: a missing package must not hide the other sections."""
    try:
        return examine()
    except (ImportError, OSError, RuntimeError) as error:
        return {"unknown": f"{type(error).__name__}: {' '.join(str(error).split())}"}


def _shown(value: Value) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {number:.3g}" for name, number in value.items())
    return str(value)


def _extra(requirement: Requirement) -> str:
    """Return the extra in the marker of an installed requirement; empty if there is none."""
    with suppress(ValueError):
        words = str(requirement.marker).replace('"', " ").replace("'", " ").split()
        return words[words.index("extra") + 2]
    return ""


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor(device: torch.device) -> str:
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return platform.processor() or device.type


def _calls_per_second(call: Callable[[], object], device: torch.device, seconds: float) -> float:
    def wait() -> None:
        if device.type != "cpu":
            getattr(torch, device.type).synchronize()

    call()
    wait()
    begin, calls = time.perf_counter(), 0
    while not calls or time.perf_counter() - begin < seconds:
        call()
        wait()
        calls += 1
    return calls / (time.perf_counter() - begin)


def _writable(folder: Path) -> str:
    path = folder.absolute()
    nearest = next(parent for parent in (path, *path.parents) if parent.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        return f"{path}: not writable, because of {nearest}"
    return f"{path}: writable, {shutil.disk_usage(nearest).free / 2**30:.0f} GiB free"
