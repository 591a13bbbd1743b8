"""The HTML report of trials of attacks against defences."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from reporting.html.layout import write_report
from reporting.text_table import TextTable
from reporting.trials import budget
from smoothing.runs.run_directory import RunDirectory
from smoothing.runs.trials import Trial

TARGETS = 3
"""Largest number of targets of an attack of which poisons are shown, the first ones."""

WIDTH = 1200
"""Largest width of a picture in pixels. Larger pictures are reduced."""

MEANING = "An attack succeeds if the intended class is predicted for its target."
"""First sentence of the page."""


@dataclass(frozen=True)
class PoisonPicture:
    """Some poisons of one attack on one target.

    Attributes:
        run: Name of the run.
        attack: Name of the attack.
        target: Position of the target in the test set.
        caption: Classes, budget and loss of the attack.
        outcomes: What each defence predicts for the target, by name.
        image: PNG file in base64: clean images, poisons, and ten times the difference.
    """

    run: str
    attack: str
    target: int
    caption: str
    outcomes: Mapping[str, str]
    image: str


def write_trials_page(
    path: str | Path,
    title: str,
    table: TextTable,
    pictures: Sequence[PoisonPicture],
    paths: Mapping[str, Path],
) -> None:
    """Write the HTML page of trials: success and accuracy, and pictures of poisons; see `write_report`.

    Args:
        path: File to write.
        title: Title of the page.
        table: Attack success and clean accuracy.
        pictures: Pictures of poisons; see `poison_pictures`.
        paths: Run directory of each run and files of published results, by name.

    Raises:
        ValueError: If a file of a run directory is damaged.
        OSError: If the page cannot be written.
    """
    write_report(path, "trials.html.j2", title, paths, meaning=[MEANING], tables=[table], pictures=pictures, charts={})


def poison_pictures(name: str, directory: RunDirectory, trials: Sequence[Trial]) -> list[PoisonPicture]:
    """Return pictures of poisons on the first targets of each attack, at most `TARGETS`, whatever the outcome.

    Args:
        name: Name of the run.
        directory: The run directory.
        trials: Its trials. Poisons that are no images have no picture.

    Raises:
        ValueError: If a picture is damaged, naming the file.
    """
    attempts: dict[str, dict[int, list[Trial]]] = {}
    for trial in trials:
        attempts.setdefault(trial.attack, {}).setdefault(trial.number, []).append(trial)
    found = []
    for attack, by_number in attempts.items():
        for number in sorted(by_number)[:TARGETS]:
            file = directory.picture(attack, number)
            if file.is_file():
                outcomes = {trial.defence: _outcome(trial) for trial in by_number[number]}
                first = by_number[number][0]
                found.append(PoisonPicture(name, attack, first.target, _caption(first), outcomes, _encoded(file)))
    return found


def _caption(trial: Trial) -> str:
    classes = f"Class {trial.target_class}, intended class {trial.intended}."
    size = f"{trial.count} poisons, {budget(trial.norm, trial.eps)}."
    return f"{classes} {size} Loss {trial.loss_before:.4g} at clean images, {trial.loss_after:.4g} at the poisons."


def _outcome(trial: Trial) -> str:
    named = {trial.intended: f"class {trial.intended}: the attack succeeds", -1: "abstains"}
    predicted = named.get(trial.prediction, f"class {trial.prediction}")
    return predicted if trial.radius is None else f"{predicted}; certified radius {trial.radius:g}"


def _encoded(path: Path) -> str:
    try:
        with Image.open(path) as file:
            image = file.convert("RGB")
    except (OSError, ValueError, SyntaxError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{path}: damaged ({reason}); must be a picture of poisons") from None
    image.thumbnail((WIDTH, image.height))
    made = BytesIO()
    image.save(made, "PNG", optimize=True)
    return b64encode(made.getvalue()).decode()
