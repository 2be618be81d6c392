"""Replace files atomically: readers, and the next start after a crash, find the old file or the whole new one."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_atomically(path: Path, content: bytes | str) -> None:
    """Replace a file; text is written as UTF-8. Raises OSError."""
    with replacing(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; it takes the place of `path` when the block ends without an exception.

    The temporary file lies beside `path`, has its suffix, and a leading dot, which readers of datasets skip. Several
    processes and threads may replace the same file: the last one wins. Raises OSError.
    """
    temporary = path.with_name(f".{path.stem}-{os.getpid()}-{threading.get_ident()}{path.suffix}")
    try:
        yield temporary
        sync_file(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_file(path: Path) -> None:
    """Flush a file's contents to the disk itself. Raises OSError."""
    handle = os.open(path, os.O_RDWR)  # Windows refuses to flush what is open for reading only
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Flush a folder's directory entries to the disk itself; Windows does so without being asked. Raises OSError."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
