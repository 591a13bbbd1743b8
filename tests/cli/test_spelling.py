"""Names of options are checked by source code. What the parser accepts is never refused."""

import inspect
from importlib import import_module
from pathlib import Path

import pytest
import pytorch_lightning as pl
import yaml

from lightning_modules import Trainer
from smoothing.cli.main import SECTIONS
from smoothing.cli.rooms import modules_of_names
from smoothing.cli.spelling import (
    MisspeltError,
    _parameters_of_method,
    _parameters_of_trainer,
    _signature,
    check_names,
)

CONFIGS = sorted(Path(__file__).parents[2].glob("configs/**/*.yaml"))
DIGITS = yaml.safe_load(Path(__file__).parents[2].joinpath("configs/label_flip/digits.yaml").read_text())


def signature(kind: type) -> tuple[str, ...] | None:
    parameters = inspect.signature(kind.__init__).parameters  # type: ignore[misc]
    if {one.kind for one in parameters.values()} & {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}:
        return None
    return tuple(parameters)[1:]


def test_parameters_read_from_source_are_those_of_the_classes() -> None:
    known = 0
    for name, modules in modules_of_names().items():
        kind = getattr(import_module(modules[0]), name)
        if (found := _signature(name)) is not None:
            assert found == signature(kind), name
            known += 1
    assert known > 60
    assert _signature("smoothing.votes.Ridge") == _signature("Ridge") is not None
    assert _signature("mine.Ridge") is _signature("Nothing") is None


def test_options_of_the_commands_are_those_of_the_trainers() -> None:
    for command in ("certify", "attack"):
        assert _parameters_of_method(command) == tuple(inspect.signature(getattr(Trainer, command)).parameters)[1:]
    assert _parameters_of_method("fit") == tuple(inspect.signature(pl.Trainer.fit).parameters)[1:]
    # Lightning decorates the constructor.
    assert _parameters_of_trainer() == tuple(inspect.signature(inspect.unwrap(pl.Trainer.__init__)).parameters)[1:]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_no_config_is_refused(path: Path) -> None:
    content = yaml.safe_load(path.read_text())
    if "program" in content:
        pytest.skip("a sweep of wandb, which is no config of a command")
    trains = content.get("model", {}).get("class_path") != "Certification"
    for command in set(SECTIONS) & set(content) or {"fit" if trains else "certify"}:
        check_names(command, [command, f"--config={path}"], [content])


@pytest.mark.parametrize(
    "options",
    [
        ["--data=Digits", "--data.classes=[1,7]", "--data.init_args.every=3"],
        ["--data=MNIST", "--data.root=x", "--data.classes", "[1,7]"],
        ["--data=mine.Digits", "--data.missing=1"],
        ["--data.class_path=mine.Digits", "--data.init_args.missing=1"],
        ["--data={class_path: mine.Own, init_args: {missing: 1}}"],
        ["--model.votes.transforms+=Whiten", "--model.votes.transforms.factor=2"],
        ["--model.certifiers.anything=ExactVote", "--model.certifiers.anything.sets=true"],
        ["--model.encoder=mine.Encoder", "--model.encoder.depth=3"],
        ["--data.dict_kwargs.missing=1"],
        ["--trainer.devices", "2", "--run_dir=x", "--seed_everything=1", "--watch_radius=2", "-c", "x.yaml"],
        ["--trainer.logger=CSVLogger", "--trainer.logger.save_dir=x"],
        ["--model.measure={class_path: Laplace, init_args: {scale: 1}}"],
    ],
)
def test_what_cannot_be_decided_is_accepted(options: list[str]) -> None:
    check_names("certify", ["certify", "--config", "digits.yaml", *options], [DIGITS])


@pytest.mark.parametrize(
    ("changes", "options", "name"),
    [
        ({}, ["--bogus", "3"], "--bogus"),
        ({}, ["--loggers=x"], "--loggers"),
        ({}, ["--trainer.acelerator=cpu"], "--trainer.acelerator"),
        ({}, ["--model.measure.num_clases=3"], "num_clases"),
        ({}, ["--model.init_args.mesure=LabelFlip"], "mesure"),
        ({}, ["--data.clases", "[1,7]"], "clases"),
        (
            {},
            ["--model.votes.regularisation={class_path: Relative, init_args: {x: 1}}"],
            "x",
        ),
        ({"modle": 1}, [], "--modle"),
        ({"trainer": {"acelerator": "cpu"}}, [], "--trainer.acelerator"),
        ({"data": {"class_path": "datamodules.Digits", "init_args": {"clases": [1, 7]}}}, [], "clases"),
    ],
)
@pytest.mark.parametrize("sections", [False, True])
def test_misspelt_names_are_refused(changes: dict[str, object], options: list[str], name: str, sections: bool) -> None:
    content = {**DIGITS, **changes}
    config = {"certify": content, "fit": {"model": 1}} if sections else content
    with pytest.raises(MisspeltError, match="must be an option") as error:
        check_names("certify", ["certify", *options], [config])
    assert error.value.name == name
    assert name not in error.value.known
