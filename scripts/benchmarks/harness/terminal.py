"""Options that benchmarks share, and tables."""

import argparse
import sys
from collections.abc import Mapping, Sequence

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from config.numbers import real_number
from config.outputs import file_to_write
from config.paths import path_of

LATENCY = """\
A client that behaves as QuadSim sends the frames. A frame's latency is the time from before its first byte is sent
until its acknowledgement, which follows its commands.
"""

console = Console(width=None if sys.stdout.isatty() else 120)


def add_bridge_options(parser: argparse.ArgumentParser, seconds: float, least: float = 0.1) -> None:
    """Add the options of all benchmarks that send frames to a bridge: `seconds` by default, and at `least`."""
    parser.epilog = LATENCY
    add = parser.add_argument
    add("--weights", default="model_weights.h5", help="the model (default %(default)s)")
    add("--frames", type=path_of, metavar="DIR", help="pictures to send (default: views of the built-in simulator)")
    add("--seconds", type=real_number(least), default=seconds, help="for each line of the table (default %(default)s)")
    add("--json", type=file_to_write, metavar="FILE", help="write the results for other programs")


def print_table(rows: Sequence[Mapping[str, object]], caption: str = "") -> None:
    """Print rows that have the same keys, which become the headings, and a caption below them."""
    table = Table(box=SIMPLE, padding=(0, 2, 0, 0), pad_edge=False)
    for key, value in rows[0].items():
        table.add_column(key.replace("_", " "), justify="left" if isinstance(value, str) else "right", no_wrap=True)
    for row in rows:
        table.add_row(*map(_cell, row.values()))
    console.print(table)
    if caption:
        console.print(caption, highlight=False, soft_wrap=True)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, float):
        return f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}"
    return str(value)
