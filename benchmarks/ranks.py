"""Throughput of two ranks of one thread each relative to two independent copies, without start-up.

``python -m benchmarks.ranks`` prints tables of results/speed.md. ``--smoke`` uses small sizes.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytorch_lightning as pl
import torch
from torch import Tensor

from datamodules import DataModule
from lightning_modules import Certification
from lightning_modules.architectures import LeNet
from smoothing.certifiers import Chernoff, ClopperPearson, ExactVote
from smoothing.measures import Gaussian, LabelFlip
from smoothing.numerics.random import generator
from smoothing.votes import NetworkVotes, Ridge

PROCESSES = 2
N0 = 100


class RandomImages(DataModule):
    """Random images to certify."""

    source = "noise"
    available = range(10)

    def __init__(self, examples: int) -> None:
        super().__init__(range(10), batch_size=4)
        self.examples = examples

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return ten training images, or the test examples."""
        count = 10 if train else self.examples
        return torch.rand(count, 1, 28, 28, generator=generator((int(train),))), torch.arange(count) % 10


class RandomPoints(DataModule):
    """Points of ten overlapping classes."""

    source = "noise"
    available = range(10)

    def __init__(self, n: int, examples: int) -> None:
        super().__init__(range(10), batch_size=64)
        self.sizes = {True: n, False: examples}

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return points ``(n, 50)`` within [0, 1] and their classes."""
        source = generator((int(train),))
        centres, y = torch.randn(10, 50, generator=generator((2,))), torch.arange(self.sizes[train]) % 10
        return torch.sigmoid(torch.randn(len(y), 50, generator=source) + 0.5 * centres[y]), y


class Clock(pl.Callback):
    """Callback that waits for all processes and writes the times of the first and the last example."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Wait for the other process."""
        name = f"{self.name}-{trainer.global_rank}"
        (self.folder / f"{name}.ready").touch()
        while len(list(self.folder.glob("*.ready"))) < PROCESSES:
            time.sleep(0.01)
        self.start = time.time()

    def on_predict_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        """Write the time. The last batch overwrites earlier times."""
        span = {"start": self.start, "end": time.time()}
        (self.folder / f"{self.name}-{trainer.global_rank}.json").write_text(json.dumps(span))


def images(examples: int, draws: int) -> tuple[Certification, DataModule]:
    """Return a network under Gaussian noise and random images."""
    votes = NetworkVotes(LeNet(), 10)
    module = Certification(Gaussian(0.5), votes, {"clopper_pearson": ClopperPearson(n0=N0, n=draws)})
    return module, RandomImages(examples)


def labels(examples: int, n: int) -> tuple[Certification, DataModule]:
    """Return a ridge vote of ``n`` training examples under label flips and random points."""
    module = Certification(LabelFlip("0.3", 10), Ridge(), {"chernoff": Chernoff(), "exact": ExactVote()})
    return module, RandomPoints(n, examples)


TASKS = {"images": images, "labels": labels}


def certify(folder: Path, name: str, task: str, devices: int, examples: int, size: int) -> None:
    """Certify as the command does, on a number of ranks with one thread each."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    module, data = TASKS[task](examples, size)
    trainer = pl.Trainer(
        accelerator="cpu",
        devices=devices,
        strategy="ddp" if devices > 1 else "auto",
        callbacks=[Clock(folder, name)],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=folder,
    )
    trainer.predict(module, datamodule=data, return_predictions=False)


def examples_per_second(task: str, copies: int, examples: int, size: int) -> float:
    """Return the throughput of both processes together: one copy with two ranks, or two independent copies."""
    with TemporaryDirectory() as folder:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
        ranks = PROCESSES // copies
        sizes = [str(ranks), str(examples * ranks), str(size)]
        running = [
            subprocess.Popen(
                [sys.executable, __file__, "--certify", folder, f"copy{copy}", task, *sizes],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            for copy in range(copies)
        ]
        errors = [process.communicate()[1] for process in running]
        if any(process.returncode for process in running):
            raise RuntimeError("".join(errors))
        spans = [json.loads(path.read_text()) for path in Path(folder).glob("*.json")]
    seconds: float = max(span["end"] for span in spans) - min(span["start"] for span in spans)
    return PROCESSES * examples / seconds


def compare(task: str, what: str, units: int, examples: int, size: int, rounds: int) -> None:
    """Print a table.

    Args:
        task: What is certified.
        what: Head of the table.
        units: How many of what is counted there an example takes.
        examples: Examples for each process.
        size: Draws, or training points.
        rounds: How often each is run, by turns.
    """
    print(f"| {what} | best of all | in turn |\n|---|---|---|")
    seen = [[units * examples_per_second(task, copies, examples, size) for copies in (2, 1)] for _ in range(rounds)]
    apart, together = zip(*seen, strict=True)
    for name, speeds in (("two independent copies", apart), ("two ranks", together)):
        print(f"| {name} | {max(speeds):,.0f} | {', '.join(f'{one:,.0f}' for one in speeds)} |")
    ratios = [ranks / copies for copies, ranks in seen]
    print(f"| ratio | {max(together) / max(apart):.2f} | {', '.join(f'{one:.2f}' for one in ratios)} |")


def main() -> None:
    """Print the tables, or run as one of the measured processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="small sizes")
    one = ("FOLDER", "NAME", "TASK", "RANKS", "EXAMPLES", "SIZE")
    parser.add_argument("--certify", nargs=6, metavar=one, help="what one of the processes does")
    arguments = parser.parse_args()
    if arguments.certify:
        folder, name, task, *numbers = arguments.certify
        certify(Path(folder), name, task, *map(int, numbers))
        return
    smoke = arguments.smoke
    draws, rounds = (256, 1) if smoke else (8192, 3)
    compare("images", "LeNet, draws per second of", draws + N0, 2 if smoke else 16, draws, rounds)
    print()
    n, examples = (1_000, 64) if smoke else (20_000, 1_024)
    compare("labels", f"Label flips, 10 classes, n = {n:,}, examples per second of", 1, examples, n, rounds)


if __name__ == "__main__":
    main()
