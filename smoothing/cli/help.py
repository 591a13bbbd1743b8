"""Help pages of the commands that run on Lightning: an example and the classes for configs first, the trainer last."""

import textwrap
from collections.abc import Mapping
from importlib import import_module
from inspect import isabstract

from jsonargparse import DefaultHelpFormatter
from jsonargparse._link_arguments import ActionLink
from pytorch_lightning.cli import LightningArgumentParser

from smoothing.cli.main import COMMANDS

EXAMPLES = {
    "certify": (
        "smoothing certify --config label_flip/digits",
        "smoothing certify --config label_flip/digits --model.measure.q 0.2 --run_dir q",
    ),
    "fit": (
        "smoothing fit --config gaussian/mnist",
        "smoothing fit --config gaussian/mnist --model.measure.sigma 0.5 --run_dir sigma",
    ),
    "attack": (
        "smoothing attack --config arena/digits",
        "smoothing attack --config arena/digits --data.budget.eps 0.5 --run_dir eps",
    ),
    "plan": ("smoothing plan --config denoise/digits --within 1h",),
}
"""Examples of each command."""

Kinds = Mapping[str, tuple[str, str]]
"""Package and base class of each kind of class."""

CERTIFY: Kinds = {
    "measures": ("smoothing.measures", "SmoothingMeasure"),
    "votes": ("smoothing.votes", "Votes"),
    "certifiers": ("smoothing.certifiers", "Certifier"),
    "guarantees": ("smoothing.guarantees", "Guarantee"),
    "data": ("datamodules", "DataModule"),
}
"""Kinds of classes in configs of ``certify``."""

FIT: Kinds = {
    "networks": ("lightning_modules", "LightningModule"),
    "architectures": ("lightning_modules.architectures", "Architecture"),
    "objectives": ("lightning_modules.objectives", "Objective"),
    "measures": ("smoothing.measures", "SmoothingMeasure"),
    "data": ("datamodules", "DataModule"),
}
"""Kinds of classes in configs of ``fit``."""

ATTACK: Kinds = {
    "attacks": ("datamodules.poisoning", "PoisoningAttack"),
    "defences": ("lightning_modules.defences", "Defence"),
    "measures": ("smoothing.measures", "SmoothingMeasure"),
    "data": ("datamodules", "DataModule"),
}
"""Kinds of classes in configs of ``attack``."""

NOT_TRAINED = "Certification"
"""Module of Lightning that is not for ``fit``."""

LAST = "trainer"
"""Prefix of the options that are shown last."""

TITLES = {
    "model": "model",
    "data": "data",
    "watch_radius": "progress",
    "ckpt_path": "resuming",
    LAST: "options of the trainer of Lightning",
}
"""Titles of groups of options, by their prefix."""

WIDTH = 78
"""Characters of a line."""


class Formatter(DefaultHelpFormatter):
    """Formatter that keeps the lines of a description."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text


def arrange(parser: LightningArgumentParser, command: str) -> None:
    """Arrange the options on the help page of a command.

    Args:
        parser: Parser of the command, with all its options.
        command: ``"certify"``, ``"fit"``, ``"attack"`` or ``"plan"``.
    """
    parser.usage = f"smoothing {command} --config CONFIG [--run_dir DIR] [options]"
    for group in parser._action_groups:
        options = (action for action in group._group_actions if not isinstance(action, ActionLink))
        places = {action.dest.partition(".")[0] for action in options} & TITLES.keys()
        group.title = TITLES[places.pop()] if places else group.title
    parser._action_groups = sorted(parser._action_groups, key=lambda group: group.title == TITLES[LAST])


def describe(command: str) -> str:
    """Return the text above the options: examples, and the classes that a config can name.

    Args:
        command: ``"certify"``, ``"fit"``, ``"attack"`` or ``"plan"``.
    """
    lines = ["examples:", *(f"  {example}" for example in EXAMPLES[command]), "", COMMANDS[command]]
    lines += ["The command smoothing configs lists the packaged configs.", "", "classes that a config can name:"]
    for kind, (package, base) in {"fit": FIT, "attack": ATTACK}.get(command, CERTIFY).items():
        names = ", ".join(concrete(package, base))
        lines += textwrap.wrap(names, WIDTH, initial_indent=f"  {kind + ':':<15}", subsequent_indent=" " * 17)
    lines += ["", "Options of a class: --data.help Digits. A class of your own: file.Class."]
    return "\n".join(lines)


def concrete(package: str, base: str) -> list[str]:
    """Return the names of the classes that a package exports and that can be instances of a base class.

    Args:
        package: Name of the package.
        base: Name of the base class. It is looked for by name in the ancestors of each class.
    """
    room = import_module(package)
    found = []
    for name in room.__all__:
        value = getattr(room, name)
        ancestors = [ancestor.__name__ for ancestor in value.__mro__] if isinstance(value, type) else []
        if base in ancestors and name not in (base, NOT_TRAINED) and not isabstract(value):
            found.append(name)
    return found
