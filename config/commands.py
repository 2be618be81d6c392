"""Conventions of the commands `python -m …`: their parsers, exit statuses, and errors of one line."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable
from typing import Any

from config.interrupts import interrupted
from config.paths import allow_any_name


def command_parser(name: str, description: str | None, **options: Any) -> ArgumentParser:
    """Return the parser of `python -m NAME`; the description is printed as it is written."""
    allow_any_name()
    formatter = RawDescriptionHelpFormatter
    return ArgumentParser(f"python -m {name}", description=description, formatter_class=formatter, **options)


def run_command(name: str, command: Callable[[], int | None], after_interrupt: str = "") -> int:
    """Run a command and return its exit status.

    That is the command's own (None: 0), 2 after one line on stderr for unusable input, or 130 after Ctrl-C, which is
    reported with the words `after_interrupt`.
    """
    try:
        return command() or 0
    except KeyboardInterrupt:
        pass
    except (ValueError, RuntimeError, OSError) as error:  # raised for data, weights, runtimes, files
        if not interrupted():
            print(f"{name}: {error}", file=sys.stderr)
            return 2
    print(f"{name}: interrupted{after_interrupt and '; '}{after_interrupt}", file=sys.stderr)
    return 130
