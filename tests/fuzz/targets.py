"""Files that commands read."""

from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import yaml
from PIL import Image

from tests.front_door import DIGITS, POISONED
from tests.fuzz.commands import Target, run

SAFE = [
    "--trainer.devices=1",
    "--trainer.num_nodes=1",
    "--trainer.accelerator=cpu",
    "--trainer.strategy=auto",
    "--trainer.logger=false",
    "--trainer.enable_progress_bar=false",
    "--run_dir=runs/one",
]
"""Options after the config, so that an edited config starts no other process."""

CERTIFY = ["certify", "--config=digits.yaml", *SAFE]
IN_FILE = ["certify", "--config=in_file.yaml", *SAFE]


def write(folder: Path, name: str, config: dict[str, Any]) -> None:
    (folder / name).write_text(yaml.safe_dump(config), encoding="utf-8")


def with_data(class_path: str, **init_args: object) -> dict[str, Any]:
    """Return a config of label flips on other data."""
    return DIGITS | {"data": {"class_path": class_path, "init_args": init_args}}


def config(folder: Path) -> None:
    write(folder, "digits.yaml", with_data("Digits", classes=[1, 7], batch_size=64, every=10))


def begun(folder: Path) -> None:
    """Write a run that was stopped before its certificates were written, and the certificates of a whole run."""
    config(folder)
    assert run(CERTIFY, folder).status == 0
    (folder / "expected").mkdir()
    (folder / "runs/one/certificates.csv").rename(folder / "expected/certificates.csv")


def begun_on_parts(folder: Path) -> None:
    write(folder, "digits.yaml", POISONED | {"data": with_data("Digits", classes=[1, 7], every=10)["data"]})
    assert run(CERTIFY, folder).status == 0
    (folder / "expected").mkdir()
    (folder / "runs/one/certificates.csv").rename(folder / "expected/certificates.csv")


def finished(folder: Path) -> None:
    config(folder)
    assert run(CERTIFY, folder).status == 0


def features(folder: Path) -> None:
    x = np.random.default_rng(0).normal(size=(24, 2)).astype(np.float32)
    y = np.arange(24) % 2
    np.savez(folder / "some.npz", x_train=x, y_train=y, x_test=x[:3], y_test=y[:3])
    write(folder, "in_file.yaml", with_data("FeatureFile", path="some.npz"))


def table(folder: Path) -> None:
    rows = [f"{number}.5,{number % 3},{'yes' if number % 2 else 'no'}" for number in range(24)]
    (folder / "some.csv").write_text("\n".join(["length,width,sold", *rows, ""]), encoding="utf-8")
    write(folder, "in_file.yaml", with_data("TableFile", path="some.csv", label="sold"))


def images(folder: Path) -> None:
    generator = np.random.default_rng(0)
    for part in ("train", "val"):
        for name in ("cat", "dog"):
            (folder / "pets" / part / name).mkdir(parents=True)
            for number in range(3):
                pixels = generator.integers(256, size=(8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / "pets" / part / name / f"{number}.png")
    write(folder, "in_file.yaml", with_data("ImageFolder", root="pets", crop=8, resize=8))


def log(folder: Path) -> None:
    lines = ["idx\tlabel\tpredict\tradius\tcorrect\ttime"]
    lines += [
        f"{number}\t{number % 2}\t{number % 3}\t{number / 10}\t{int(number % 3 == number % 2)}\t0:00:01"
        for number in range(12)
    ]
    (folder / "some.tsv").write_text("\n".join([*lines, ""]), encoding="utf-8")


def checkpoint(folder: Path) -> None:
    """Write a checkpoint of a small network, and a config of features that it computes."""
    fit = ["fit", "--model=FeatureClassifier", "--model.features=2", "--model.width=1", "--data=Digits", *SAFE]
    assert run([*fit, "--trainer.max_epochs=1", "--trainer.enable_model_summary=false"], folder).status == 0
    (written,) = (folder / "runs/one/checkpoints").glob("*.ckpt")
    written.rename(folder / "some.ckpt")
    rmtree(folder / "runs")
    config = with_data("Digits", classes=[1, 7], every=10)
    encoder = {"base_ckpt": "some.ckpt", "accept_seen_labels": True}
    config["model"] = {
        "class_path": "Certification",
        "init_args": config["model"]["init_args"] | {"encoder": {"class_path": "FrozenEncoder", "init_args": encoder}},
    }
    write(folder, "in_file.yaml", config)


TARGETS = {
    "config": Target("digits.yaml", CERTIFY, config),
    "shard": Target("runs/one/certificates/rank-0.jsonl", CERTIFY, begun, ["runs/one/certificates.csv"]),
    "parts": Target("runs/one/certificates/rank-0.jsonl", CERTIFY, begun_on_parts, ["runs/one/certificates.csv"]),
    "provenance": Target("runs/one/provenance.json", CERTIFY, begun, ["runs/one/certificates.csv"]),
    "features": Target("some.npz", IN_FILE, features),
    "table": Target("some.csv", IN_FILE, table),
    "image": Target("pets/val/dog/1.png", IN_FILE, images),
    "checkpoint": Target("some.ckpt", IN_FILE, checkpoint),
    "certificates": Target("runs/one/certificates.csv", ["compare", "runs/one"], finished),
    "log": Target("some.tsv", ["compare", "some.tsv"], log),
}
"""Files with the commands that read them, by name."""
