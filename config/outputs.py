"""Files and folders to write that command lines name: what cannot be written is said before any work is done."""

import argparse
from pathlib import Path

from config.paths import path_of

PLOTS = (".png", ".jpg", ".jpeg", ".pdf", ".svg")


def file_to_write(text: str) -> Path:
    """Parse, for argparse, the path of a file, which may exist; folders above it that are missing are made later."""
    path = path_of(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"expected a file, but {text!r} is a folder")
    _check_folder(path.parent)
    return path


def folder_to_write(text: str) -> Path:
    """Parse the path of a folder, which may be missing."""
    path = path_of(text)
    _check_folder(path)
    return path


def plot_to_write(text: str) -> Path:
    """Parse the path of a plot."""
    path = file_to_write(text)
    if path.suffix.lower() not in PLOTS:
        raise argparse.ArgumentTypeError(f"expected a name that ends in {', '.join(PLOTS)}, got {text!r}")
    return path


def require_empty(folder: Path, option: str) -> None:
    """Raise ValueError if there is something in a folder to write into."""
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"expected a new or empty folder for {option}, but there is something in {folder}")


def _check_folder(path: Path) -> None:
    for each in (path, *path.parents):
        if each.is_dir():
            return
        if each.exists():
            raise argparse.ArgumentTypeError(f"expected the folder {path}, but {each} is a file")
