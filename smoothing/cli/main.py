"""The command line: ``smoothing COMMAND``, with the commands of `COMMANDS`."""

import gc
import os
import sys
from argparse import ArgumentError
from collections.abc import Sequence
from typing import TYPE_CHECKING

from smoothing.cli import signals
from smoothing.cli.pipes import outlive_pipes
from smoothing.cli.signals import end_on_signals, finish, leave
from smoothing.lazy import no_collection

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from jsonargparse import ArgumentParser

COMMANDS = {
    "certify": "Certify every example of a data set, or resume an interrupted run.",
    "fit": "Train a network.",
    "attack": "Try poisoning attacks against defences, or resume interrupted trials.",
    "run": "Train a network, then certify it: for configs with the sections fit and certify.",
    "configs": "List the packaged configs, or copy one.",
    "compare": "Show finished runs side by side.",
    "table": "Print the smallest vote that is certified at each integer radius.",
    "dashboard": "Build a workspace and a report in wandb for finished runs.",
    "plan": "Estimate what a certify run costs and can certify at most, by a short probe.",
    "doctor": "Show what is installed, which devices are fast and which data sets are found.",
}
"""Commands, each with a one-line summary."""

MEASURES = ("smoothing.measures",)
"""Package of the classes that the command ``table`` takes by short names."""

LIGHTNING = ("certify", "fit", "attack", "plan")
"""Commands that run on Lightning."""

SECTIONS = ("certify", "fit", "attack")
"""Commands that may have a section in a config. The command ``plan`` reads the section of ``certify``."""


def main(args: Sequence[str] | None = None) -> None:
    """Run a command of the process and end it; see `run_command`.

    The exit status is 0, 2 for refused input, 130 after SIGINT, 143 after SIGTERM, and 1 for a defect.

    Args:
        args: Command and options. Default: those of the process, which then ends. Otherwise the function returns.
    """
    outlive_pipes()
    end_on_signals()
    # Otherwise the C++ code of each rank reports lost connections, before the reason is known here.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    try:
        run_command(sys.argv[1:] if args is None else args)
    except Exception as error:
        from smoothing.cli.errors import fail

        fail(error)
    except SystemExit as end:
        # Freeing the process group would wait for the other ranks.
        if end.code and _has_ranks():
            leave(int(end.code))
        if args is None and isinstance(end.code, int) and not _has_ranks():
            finish(end.code)
        raise
    if args is None and not _has_ranks():
        finish(0)


def _has_ranks() -> bool:
    distributed = sys.modules.get("torch.distributed")
    return distributed is not None and distributed.is_available() and distributed.is_initialized()


def run_command(args: Sequence[str]) -> None:
    """Run a command.

    Args:
        args: Command and options.

    Raises:
        SystemExit: With status 2 after one line on standard error, if the input is bad.
    """
    from smoothing.cli.errors import one_line
    from smoothing.cli.packages import find_packages

    arguments = list(args)
    with one_line(ValueError):
        find_packages()
    command = arguments[0] if arguments else ""
    if command == "--version":
        from importlib.metadata import version

        print("smoothing", version("smoothing-certificates"))
    elif command in LIGHTNING:
        _run_lightning(arguments)
    elif command == "run" and not {"--help", "-h"} & set(arguments):
        from smoothing.cli.train_then_certify import config_of, train_then_certify

        with one_line(ValueError):
            config = config_of(arguments[1:])
        train_then_certify(config)
    else:
        signals.state = lambda: "stopped"
        with one_line(ValueError, OSError):
            if not arguments:
                raise ValueError(f"command: not given; must be one of {', '.join(COMMANDS)}")
            _call_function(command, arguments)


def _run_lightning(arguments: list[str]) -> None:
    from smoothing.cli.errors import one_line
    from smoothing.cli.ranks import world
    from smoothing.cli.rooms import import_all, import_named, texts
    from smoothing.cli.sections import config_first, read_configs

    command, *options = arguments
    # Lightning takes seconds to import. Unreadable configs are refused before.
    with one_line(ValueError):
        started = world()
        arguments = config_first(["certify" if command == "plan" else command, *options], SECTIONS)
        configs = read_configs(arguments)
        named = [*arguments, *texts(configs)]
    helps = any("help" in argument or argument in ("-h", "--print_config") for argument in arguments)
    if command != "plan" and not helps:
        _check_names(command, arguments, configs)
    with no_collection():
        from smoothing.cli.run import RunCLI

        if helps:
            import_all()
        else:
            import_named(named)
    # What was imported stays. The garbage collector would search it again and again.
    gc.freeze()
    try:
        if command == "plan":
            from smoothing.cli.plan import PlanCLI

            PlanCLI(arguments, options, started)
        else:
            RunCLI(arguments, started)
    finally:
        gc.unfreeze()


def _check_names(command: str, arguments: list[str], configs: "list[dict[str, Any]]") -> None:
    """Exit with one line if an option is surely misspelt."""
    from smoothing.cli.spelling import MisspeltError, check_names

    try:
        check_names(command, arguments, configs)
    except MisspeltError as error:
        from smoothing.cli.errors import refuse
        from smoothing.cli.names import suggest

        refuse(f"{error}{suggest(error.name, error.known, error.listed)}")


def _call_function(command: str, arguments: list[str]) -> None:
    from jsonargparse import ArgumentParser

    parser = ArgumentParser(prog="smoothing", description="Randomized-smoothing certificates.", exit_on_error=False)
    commands = parser.add_subcommands(dest="command")
    parsers = {name: ArgumentParser(description=summary) for name, summary in COMMANDS.items()}
    for name, summary in COMMANDS.items():
        commands.add_subcommand(name, parsers[name], help=summary)
    # Only the requested command is imported. Its options are not known before.
    functions = {
        "compare": _add_compare,
        "table": _add_table,
        "dashboard": _add_dashboard,
        "doctor": _add_doctor,
        "run": _add_run,
        "configs": _add_configs,
    }
    with no_collection():
        function = functions[command](parsers[command]) if command in functions else None
        if command == "table":
            from smoothing.cli.rooms import import_all, import_named

            if any("help" in argument for argument in arguments):
                import_all(MEASURES)
            else:
                import_named(arguments, MEASURES)
    try:
        config = parser.parse_args(arguments)
    except ArgumentError as error:
        from smoothing.cli.errors import explain, refuse
        from smoothing.cli.names import nearest

        if command == "table":
            # Messages list all measures.
            import_all(MEASURES)
        refuse(f"{explain(error)}{nearest(error, parsers)}")
    if function is not None:
        function(**parser.instantiate(config)[command])


def _add_compare(parser: "ArgumentParser") -> "Callable[..., None]":
    from smoothing.cli.compare import compare

    parser.add_argument("runs", nargs="+", help="Run directories, or TSV logs.")
    parser.add_argument("--envelope", action="store_true", help="Also show the best run at each radius.")
    parser.add_function_arguments(compare, skip={"runs", "envelope"})
    return compare


def _add_table(parser: "ArgumentParser") -> "Callable[..., None]":
    from smoothing.cli.table import table

    parser.add_argument("--exact", action="store_true", help="Compute with rational numbers, from the digits given.")
    parser.add_function_arguments(table, skip={"exact"})
    return table


def _add_run(parser: "ArgumentParser") -> "Callable[..., None]":
    from smoothing.cli.train_then_certify import train_then_certify

    parser.add_argument("--config", "-c", required=True, help="Config with the sections fit and certify.")
    return train_then_certify


def _add_configs(parser: "ArgumentParser") -> "Callable[..., None]":
    from smoothing.cli.packaged import configs

    parser.add_argument("action", nargs="?", default="list", choices=["list", "copy"], help="What to do.")
    parser.add_argument("name", nargs="?", default=None, help="Config to copy, such as label_flip/digits.")
    parser.add_argument("folder", nargs="?", default=".", help="Folder to copy it to.")
    return configs


def _add_dashboard(parser: "ArgumentParser") -> "Callable[..., None]":
    from smoothing.cli.dashboard import dashboard

    parser.add_argument("runs", nargs="+", help="Run directories.")
    parser.add_function_arguments(dashboard, skip={"runs"})
    return dashboard


def _add_doctor(parser: "ArgumentParser") -> "Callable[..., None]":
    from smoothing.cli.doctor import doctor

    parser.add_argument("--json", action="store_true", help="Print one JSON object.")
    return doctor
