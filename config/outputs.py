"""Files and folders to write that command lines name: what cannot be written is said before any work is done."""

import argparse
import os
import tempfile
from pathlib import Path

from config.paths import path_of

PLOTS = (".png", ".jpg", ".jpeg", ".pdf", ".svg")


def file_to_write(text: str) -> Path:
    """Parse, for argparse, the path of a file, which may exist; folders above it that are missing are made later."""
    path = path_of(text)
    if not _exists(path):
        _check_folder(path.parent)
    elif path.is_dir():
        raise argparse.ArgumentTypeError(f"expected a file, but {text!r} is a folder")
    elif not os.access(path, os.W_OK):
        raise argparse.ArgumentTypeError(f"expected a file that can be written, but {path} is write-protected")
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


def _exists(path: Path) -> bool:
    """Return whether there is something at a path. Raises ArgumentTypeError where the system does not answer."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:  # a name that is too long, a folder that may not be entered
        reason = error.strerror or error
        raise argparse.ArgumentTypeError(f"expected a path that can be written, but got {path}: {reason}") from None
    return True


def _check_folder(path: Path) -> None:
    existing = next(each for each in (path, *path.parents) if _exists(each))
    if not existing.is_dir():
        raise argparse.ArgumentTypeError(f"expected the folder {path}, but {existing} is a file")
    try:
        tempfile.TemporaryFile(dir=existing).close()  # only the attempt shows it, on every system
    except OSError as error:
        reason = error.strerror or error
        raise argparse.ArgumentTypeError(
            f"expected a folder to write into, but nothing can be made in {existing}: {reason}"
        ) from None
