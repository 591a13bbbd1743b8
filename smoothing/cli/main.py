"""The front door: ``smoothing certify | fit | compare | table | plan | doctor``."""

import os
import sys
from collections.abc import Callable, Sequence

from jsonargparse import ArgumentParser

from smoothing.cli.errors import one_line

COMMANDS = {
    "certify": "Certify every example of a data set, or go on where an earlier run stopped.",
    "fit": "Train a network.",
    "compare": "Show finished runs side by side.",
    "table": "Print the least vote that is certified at every whole radius.",
    "plan": "Estimate what a certify run costs and can certify at most, by a short probe.",
    "doctor": "Show what is installed, which devices are fast and which data sets are found.",
}
"""What can be done, in a line each."""


def main(args: Sequence[str] | None = None) -> None:
    """Run a command.

    Args:
        args: Command and options; those of the process unless given.

    Raises:
        SystemExit: With status 2 after one line on standard error, if the input is bad.
    """
    arguments = list(sys.argv[1:] if args is None else args)
    # A user's own classes are found by dotted path. Last, so that no file of theirs hides a module of ours.
    sys.path.append(os.getcwd())
    command = arguments[0] if arguments else ""
    if command in ("certify", "fit"):
        # Lightning takes seconds to import; what does without it does not wait for it.
        from smoothing.cli.run import RunCLI

        RunCLI(arguments)
    elif command == "plan":
        from smoothing.cli.plan import PlanCLI

        PlanCLI(arguments)
    else:
        with one_line(ValueError, OSError):
            _call_function(command, arguments)


def _call_function(command: str, arguments: list[str]) -> None:
    parser = ArgumentParser(prog="smoothing", description="Randomized-smoothing certificates.", exit_on_error=False)
    commands = parser.add_subcommands(dest="command")
    parsers = {name: ArgumentParser(description=summary) for name, summary in COMMANDS.items()}
    for name, summary in COMMANDS.items():
        commands.add_subcommand(name, parsers[name], help=summary)
    # Only the one that is asked for, since its options are known only once it is imported.
    functions = {"compare": _add_compare, "table": _add_table, "doctor": _add_doctor}
    function = functions[command](parsers[command]) if command in functions else None
    config = parser.parse_args(arguments)
    if function is not None:
        function(**parser.instantiate(config)[command])


def _add_compare(parser: ArgumentParser) -> Callable[..., None]:
    from smoothing.cli.compare import compare

    parser.add_argument("runs", nargs="+", help="Run directories, or TSV logs.")
    parser.add_argument("--envelope", action="store_true", help="Show the best run at every radius too.")
    parser.add_function_arguments(compare, skip={"runs", "envelope"})
    return compare


def _add_table(parser: ArgumentParser) -> Callable[..., None]:
    from smoothing.cli.table import table

    parser.add_argument("--exact", action="store_true", help="Compute in rationals, from numbers as typed.")
    parser.add_function_arguments(table, skip={"exact"})
    return table


def _add_doctor(parser: ArgumentParser) -> Callable[..., None]:
    from smoothing.cli.doctor import doctor

    parser.add_argument("--json", action="store_true", help="Print one JSON object.")
    return doctor
