"""Replace files atomically: readers, and the next start after a crash, find the old file or the whole new one."""

import errno
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST_READ = 2.0  # seconds
NO_FOLDER_FLUSH = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)  # answers of file systems without it
WAITS_FOR_READERS = os.name == "nt"  # where a file that is being read cannot be replaced


def write_atomically(path: Path, content: bytes | str) -> None:
    """Replace a file; text is written as UTF-8, names in it that are no valid text escaped. Raises OSError."""
    with replacing(path) as temporary:
        temporary.write_bytes(content.encode(errors="backslashreplace") if isinstance(content, str) else content)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; it takes the place of `path` when the block ends without an exception.

    The temporary file lies beside `path`, has its suffix, and a leading dot, which readers of datasets skip. Several
    processes and threads may replace the same file: the last one wins. Raises OSError.
    """
    temporary = path.with_name(f".{path.stem}-{os.getpid()}-{threading.get_ident()}{path.suffix}")
    try:
        yield temporary
        sync(temporary)
        _replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync(path.parent)


def _replace(temporary: Path, path: Path) -> None:
    end = time.monotonic() + (LONGEST_READ if WAITS_FOR_READERS else 0)
    while True:
        try:
            return os.replace(temporary, path)
        except PermissionError:
            if time.monotonic() >= end:
                raise
            time.sleep(0.02)


def sync(path: Path) -> None:
    """Flush a file's contents, or a folder's entries where the file system can, to the disk itself. Raises OSError."""
    folder = path.is_dir()
    if folder and os.name == "nt":  # Windows does so without being asked, and refuses to flush files open for reading
        return
    handle = os.open(path, os.O_RDONLY if folder else os.O_RDWR)
    try:
        os.fsync(handle)
    except OSError as error:
        if not folder or error.errno not in NO_FOLDER_FLUSH:
            raise
    finally:
        os.close(handle)
