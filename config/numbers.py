"""Numbers on command lines: parsers for argparse, whose errors say which numbers are expected."""

import argparse
from collections.abc import Callable
from math import inf, isfinite


def whole_number(low: int = 0, high: float = inf) -> Callable[[str], int]:
    """Return a parser of whole numbers from `low` to `high`, both included."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            raise argparse.ArgumentTypeError(f"expected a whole number {_range(low, high)}, got {text!r}")
        return value

    return parse


def real_number(low: float, high: float = inf) -> Callable[[str], float]:
    """Return a parser of numbers from `low` to `high`, both included; never infinite."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = inf
        if not (isfinite(value) and low <= value <= high):
            raise argparse.ArgumentTypeError(f"expected a number {_range(low, high)}, got {text!r}")
        return value

    return parse


def _range(low: float, high: float) -> str:
    return f"from {low:g} to {high:g}" if isfinite(high) else f"of at least {low:g}"
