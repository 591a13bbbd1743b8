"""Check of the names of options before Lightning is imported, which takes seconds.

Names are compared with signatures in source code. Whatever cannot be decided this way is left to the parser.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from smoothing.cli.packages import PACKAGES
from smoothing.cli.rooms import modules_of_names
from smoothing.lazy import package_file

SHARED = ("config", "help", "print_config", "seed_everything", "trainer", "model", "data", "run_dir", "base_ckpt")
"""Options of all commands on Lightning, besides the arguments of their methods."""

NO_OPTIONS = {
    "certify": {"model", "datamodule", "run_dir", "config", "loggers"},
    "fit": {"model", "train_dataloaders", "val_dataloaders", "datamodule", "weights_only"},
    "attack": {"model", "datamodule", "run_dir", "config", "loggers"},
}
"""Arguments of the trainer's methods that are no options, by command."""

Place = tuple[str, ...]
"""Names of the parameters that lead to an object, such as ``("model", "votes")``."""


class MisspeltError(ValueError):
    """An option that no class or command has.

    Args:
        name: Its name.
        known: Names of the options that are accepted there.
        message: What is wrong.
        listed: Whether the message lists all known names.
    """

    def __init__(self, name: str, known: Sequence[str], message: str, listed: bool = True) -> None:
        super().__init__(message)
        self.name = name
        self.known = list(known)
        self.listed = listed


def check_names(command: str, arguments: Sequence[str], configs: Sequence[Mapping[str, Any]]) -> None:
    """Raise if an option is surely misspelt.

    Args:
        command: ``"certify"``, ``"fit"`` or ``"attack"``.
        arguments: Command and options.
        configs: Contents of the configs. A section of another command is not checked.

    Raises:
        MisspeltError: If no class that a setting names accepts an option.
    """
    options = list(_options(arguments))
    contents = [content.get(command, content) or {} for content in configs]
    first = {*SHARED, *_parameters_of_method(command)} - (NO_OPTIONS[command] - {*SHARED})
    trainer = [f"trainer.{one}" for one in _parameters_of_trainer()]
    given = [(name, text) for name, text, _ in options]
    for content in contents:
        given += [(tuple(name.split(".")), name) for name in content]
        inside = content.get("trainer")
        names = inside if isinstance(inside, Mapping) else ()
        given += [(("trainer", str(name)), f"trainer.{name}") for name in names]
    for name, text in given:
        for part, known in ((name[:1], sorted(first)), (name[:2], trainer)):
            if part[0] not in first or (part[0] == "trainer" and len(part) == 2 and ".".join(part) not in known):
                option = f"--{'.'.join(part)}"
                message = f"{text}; must be an option that --help shows"
                raise MisspeltError(option, [f"--{one}" for one in known], message, listed=False)
    settings: list[tuple[Place, Any]] = [
        ((part,), content[part]) for content in contents for part in ("model", "data") if part in content
    ]
    settings += [(name, value) for name, _, value in options if name[0] in ("model", "data")]
    classes: dict[Place, set[str]] = {}
    for place, value in settings:
        for at, path in _classes(place, value):
            if path.rpartition(".")[0] and path.partition(".")[0] not in PACKAGES:
                # A user's module may define any class.
                return
            classes.setdefault(at, set()).add(path)
    for place, value in settings:
        for at in _names(place, value):
            _check(at, classes)


def _check(place: Place, classes: Mapping[Place, set[str]]) -> None:
    """Raise if a name on the way to a setting is no parameter of any class that is named there."""
    for end in range(1, len(place)):
        found = [_signature(path) for path in classes.get(place[:end], ())]
        known = [names for names in found if names is not None]
        if found and len(known) == len(found) and not any(place[end] in names for names in known):
            raise MisspeltError(
                place[end], known[0], f"{'.'.join(place[:end])}: {place[end]}; must be an option of its class"
            )


def _options(arguments: Sequence[str]) -> Iterator[tuple[Place, str, Any]]:
    """Yield the place, the text and the value of every option with a long name."""
    for argument, following in pairwise([*arguments, "--"]):
        if not argument.startswith("--") or argument == "--":
            continue
        name, equals, value = argument[2:].partition("=")
        if not equals and not following.startswith("-"):
            value = following
        text = argument if equals else f"{argument} {value}".rstrip()
        parts = tuple(part for part in name.removesuffix("+").split(".") if part != "init_args")
        if "dict_kwargs" in parts:
            continue
        try:
            read = yaml.safe_load(value)
        except yaml.YAMLError:
            read = value
        if parts[-1] == "class_path":
            parts, read = parts[:-1], {"class_path": read}
        elif isinstance(read, str):
            # The value may be the name of a class.
            read = {"class_path": read}
        yield parts, text, read


def _classes(place: Place, value: Any) -> Iterator[tuple[Place, str]]:
    """Yield the objects that a setting describes: their places and the names of their classes."""
    if isinstance(value, Mapping):
        if isinstance(value.get("class_path"), str):
            yield place, value["class_path"]
            value = value.get("init_args")
        for name, inner in value.items() if isinstance(value, Mapping) else ():
            yield from _classes((*place, str(name)), inner)


def _names(place: Place, value: Any) -> Iterator[Place]:
    """Yield the places of all settings within a setting."""
    yield place
    if isinstance(value, Mapping):
        inside = value.get("init_args") if isinstance(value.get("class_path"), str) else value
        for name, inner in inside.items() if isinstance(inside, Mapping) else ():
            yield from _names((*place, *str(name).split(".")), inner)


@cache
def _signature(path: str) -> tuple[str, ...] | None:
    """Return the parameters of a class of this project by its short or dotted name; None if they are not known."""
    module, _, name = path.rpartition(".")
    modules = modules_of_names().get(name, [])
    if len(modules) != 1 or not f"{modules[0]}.".startswith(f"{module}." if module else ""):
        return None
    return _parameters(modules[0], name)


def _parameters(module: str, name: str) -> tuple[str, ...] | None:
    """Return the parameters of the constructor of a class, also an inherited one; None if they are not known."""
    spec = find_spec(module) if module.partition(".")[0] in PACKAGES else None
    if spec is None or spec.origin is None:
        return None
    tree = _parsed(Path(spec.origin))
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return _parameters(node.module, alias.name)
        if isinstance(node, ast.ClassDef) and node.name == name:
            return _constructor(module, node)
    return None


def _constructor(module: str, node: ast.ClassDef) -> tuple[str, ...] | None:
    own = _function(node, "__init__")
    if own is not None:
        return None if own.args.vararg or own.args.kwarg else _arguments(own)
    if node.decorator_list or node.keywords or len(node.bases) != 1 or _function(node, "__new__") is not None:
        return None
    base = node.bases[0]
    base = base.value if isinstance(base, ast.Subscript) else base
    return _parameters(module, base.id) if isinstance(base, ast.Name) else None


def _arguments(function: ast.FunctionDef) -> tuple[str, ...]:
    taken = function.args
    return tuple(one.arg for one in (*taken.posonlyargs, *taken.args, *taken.kwonlyargs) if one.arg != "self")


def _function(node: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    found = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == name]
    return found[-1] if found else None


def _parameters_of_method(command: str) -> tuple[str, ...]:
    """Return the arguments of the method of the trainer that a command calls."""
    package = _lightning() if command == "fit" else package_file("lightning_modules", "certifying")
    return _arguments(_method(package / "trainer.py", command))


def _parameters_of_trainer() -> tuple[str, ...]:
    return _arguments(_method(_lightning() / "trainer.py", "__init__"))


def _lightning() -> Path:
    return package_file("pytorch_lightning", "trainer")


def _method(file: Path, name: str) -> ast.FunctionDef:
    classes = [node for node in _parsed(file).body if isinstance(node, ast.ClassDef) and node.name == "Trainer"]
    found = _function(classes[0], name)
    assert found is not None
    return found


@cache
def _parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))
