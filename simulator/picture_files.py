"""Commands that draw one picture into a file."""

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2

from config.commands import run_command
from config.paths import path_of
from simulator.types import Image

SUFFIXES = (".jpg", ".jpeg", ".png")


def picture_file(text: str) -> Path:
    """Parse a path on a command line, for argparse."""
    file = path_of(text)
    if file.suffix.lower() not in SUFFIXES:
        raise argparse.ArgumentTypeError(f"expected a name that ends in {', '.join(SUFFIXES)}, got {text!r}")
    return file


def draw_into(file: Path, draw: Callable[[], Image], jpeg_quality: int) -> int:
    """Draw a picture into a file, and return the command's exit status: 0, 2 after an error, 130 after Ctrl-C."""

    def write() -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        quality = [] if file.suffix.lower() == ".png" else [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality]
        _, data = cv2.imencode(file.suffix, cv2.cvtColor(draw(), cv2.COLOR_RGB2BGR), quality)
        file.write_bytes(data.tobytes())

    return run_command(file.name, write)
