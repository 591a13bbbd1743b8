"""What two ranks of one thread each reach of two independent copies, start-up excluded.

``python benchmarks/ranks.py`` makes a table of results/speed_sampling.md; ``--smoke`` the same on small sizes.
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
from smoothing.certifiers import ClopperPearson
from smoothing.measures import Gaussian
from smoothing.random import generator
from smoothing.votes import NetworkVotes

PROCESSES = 2
N0 = 100


class RandomImages(DataModule):
    """Images of nothing, to be certified."""

    source = "noise"
    available = range(10)

    def __init__(self, examples: int) -> None:
        super().__init__(range(10), batch_size=4)
        self.examples = examples

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Ten images to train on, and the examples."""
        count = 10 if train else self.examples
        return torch.rand(count, 1, 28, 28, generator=generator((int(train),))), torch.arange(count) % 10


class Clock(pl.Callback):
    """Writes when this process certified its first and its last example, once both processes are there."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Wait for the other."""
        name = f"{self.name}-{trainer.global_rank}"
        (self.folder / f"{name}.ready").touch()
        while len(list(self.folder.glob("*.ready"))) < PROCESSES:
            time.sleep(0.01)
        self.start = time.time()

    def on_predict_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        """Note the time, which the last batch leaves standing."""
        span = {"start": self.start, "end": time.time()}
        (self.folder / f"{self.name}-{trainer.global_rank}.json").write_text(json.dumps(span))


def certify_images(folder: Path, name: str, devices: int, examples: int, draws: int) -> None:
    """Certify images as the front door does, on some ranks of one thread each."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    votes = NetworkVotes(LeNet(), 10)
    module = Certification(Gaussian(0.5), votes, {"clopper_pearson": ClopperPearson(n0=N0, n=draws)})
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
    trainer.predict(module, datamodule=RandomImages(examples), return_predictions=False)


def draws_per_second(copies: int, examples: int, draws: int) -> float:
    """Of both processes together: one copy with two ranks, or two copies that know nothing of each other."""
    with TemporaryDirectory() as folder:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
        ranks = PROCESSES // copies
        sizes = [str(ranks), str(examples * ranks), str(draws)]
        running = [
            subprocess.Popen(
                [sys.executable, __file__, "--certify", folder, f"copy{copy}", *sizes],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            for copy in range(copies)
        ]
        told = [process.communicate()[1] for process in running]
        if any(process.returncode for process in running):
            raise RuntimeError("".join(told))
        spans = [json.loads(path.read_text()) for path in Path(folder).glob("*.json")]
    seconds: float = max(span["end"] for span in spans) - min(span["start"] for span in spans)
    return PROCESSES * examples * (draws + N0) / seconds


def compare(examples: int, draws: int, rounds: int) -> None:
    """Print the table."""
    print("| LeNet, draws per second of | best of all | in turn |\n|---|---|---|")
    seen = [[draws_per_second(copies, examples, draws) for copies in (2, 1)] for _ in range(rounds)]
    apart, together = zip(*seen, strict=True)
    for name, speeds in (("two independent copies", apart), ("two ranks", together)):
        print(f"| {name} | {max(speeds):,.0f} | {', '.join(f'{one:,.0f}' for one in speeds)} |")
    ratios = [ranks / copies for copies, ranks in seen]
    print(f"| ratio | {max(together) / max(apart):.2f} | {', '.join(f'{one:.2f}' for one in ratios)} |")


def main() -> None:
    """Print the table, or be one of the processes that it speaks of."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="small sizes")
    one = ("FOLDER", "NAME", "RANKS", "EXAMPLES", "DRAWS")
    parser.add_argument("--certify", nargs=5, metavar=one, help="what one of the processes does")
    arguments = parser.parse_args()
    if arguments.certify:
        folder, name, *numbers = arguments.certify
        certify_images(Path(folder), name, *map(int, numbers))
    elif arguments.smoke:
        compare(examples=2, draws=256, rounds=1)
    else:
        compare(examples=16, draws=8192, rounds=3)


if __name__ == "__main__":
    main()
