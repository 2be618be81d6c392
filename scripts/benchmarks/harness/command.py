"""Command line of a benchmark: options, errors as one sentence, tables, results as JSON."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

Number = TypeVar("Number", int, float)

console = Console(width=None if sys.stdout.isatty() else 120)


def make_parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """Return the parser of `python scripts/bench.py NAME`."""
    return argparse.ArgumentParser(
        prog=f"python scripts/bench.py {name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def make_bridge_parser(name: str, description: str | None, seconds: float) -> argparse.ArgumentParser:
    """Return a parser with the options of all benchmarks that send frames to a bridge."""
    parser = make_parser(name, description)
    add = parser.add_argument
    add("--weights", default="model_weights.h5", help="the model (default %(default)s)")
    add("--frames", type=Path, metavar="DIR", help="pictures to send (default: views of the built-in simulator)")
    add("--seconds", type=at_least(0.1), default=seconds, help="for each line of the table (default %(default)s)")
    add("--json", type=Path, metavar="FILE", help="write the results for other programs")
    return parser


def run(
    parser: argparse.ArgumentParser,
    arguments: Sequence[str] | None,
    benchmark: Callable[[argparse.Namespace], object],
) -> int:
    """Run a benchmark and return the exit status; write what it returns to the file of the option --json."""
    options = parser.parse_args(arguments)
    try:
        results = benchmark(options)
        if getattr(options, "json", None):
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.write_text(json.dumps(results, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    except (ValueError, RuntimeError, OSError) as error:  # WeightsError, RendererError, BenchmarkError, files
        print(f"{parser.prog.rpartition('/')[2].replace('.py', '')}: {error}", file=sys.stderr)
        return 2
    return 0


def print_table(rows: Sequence[Mapping[str, object]], caption: str = "") -> None:
    """Print rows that have the same keys, which become the headings."""
    table = Table(box=SIMPLE, padding=(0, 2, 0, 0), pad_edge=False, caption=caption or None, caption_justify="left")
    for key, value in rows[0].items():
        table.add_column(key.replace("_", " "), justify="left" if isinstance(value, str) else "right", no_wrap=True)
    for row in rows:
        table.add_row(*map(_cell, row.values()))
    console.print(table)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, float):
        return f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}"
    return str(value)


def at_least(minimum: Number) -> Callable[[str], Number]:
    """Return a parser for argparse of numbers of the type of `minimum`."""

    def parse(text: str) -> Number:
        value = type(minimum)(text)
        if not value >= minimum:
            raise argparse.ArgumentTypeError(f"expected at least {minimum}, got {text}")
        return value

    return parse
