"""Terminal conventions of the commands: the console, their parsers, exit statuses, and lines printed as they are."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable
from typing import Any

from rich.console import Console

from config.paths import allow_any_name
from model.weights.find import describe_place

console = Console()


def command_parser(name: str, description: str | None, **options: Any) -> ArgumentParser:
    """Return the parser of `python -m NAME`; the description is printed as it is written."""
    allow_any_name()
    formatter = RawDescriptionHelpFormatter
    return ArgumentParser(f"python -m {name}", description=description, formatter_class=formatter, **options)


def run_command(name: str, command: Callable[[], int | None]) -> int:
    """Run a command and return its exit status.

    That is the command's own (None: 0), 2 after one line on stderr for unusable input, or 130 after Ctrl-C.
    """
    try:
        return command() or 0
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return 130
    except (ValueError, RuntimeError, OSError) as error:  # raised for data, weights, runtimes, files
        print(f"{name}: {error}", file=sys.stderr)
        return 2


def print_plain(text: str, style: str | None = None) -> None:
    """Print text as it is: names and paths are no markup, and lines do not wrap."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def print_place(name: str) -> None:
    """Print which file a model's name stands for, if that is not the file of just this name. Raises WeightsError."""
    if place := describe_place(name):
        print_plain(place)
