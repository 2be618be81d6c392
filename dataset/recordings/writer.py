"""Write one recording so that an interruption at any moment costs no more than the frame being written."""

import contextlib
import itertools
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from config.version import VERSION
from dataset.files import sync
from dataset.recordings.frame_record import FrameRecord
from dataset.recordings.layout import (
    FORMAT,
    FRAME_FOLDERS,
    FRAMES,
    LOCK,
    RecordingError,
    is_recording_name,
    lock,
    write_meta,
)

SYNC_SECONDS = 1.0
SYNC_THREADS = 8


def free_name(folder: Path, name: str) -> str:
    """Return the name of a recording that can be made now: `name`, or `name-2` and so on if that is taken."""
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return next(candidate for candidate in names if not os.path.lexists(folder / candidate))


def iso_time(seconds: float | None = None) -> str:
    """Return a time, unix seconds (None: now), in ISO 8601, UTC."""
    return datetime.fromtimestamp(time.time() if seconds is None else seconds, UTC).isoformat(timespec="milliseconds")


def _make_folder(folder: Path, name: str) -> Path:
    while True:
        path = folder / free_name(folder, name)
        with contextlib.suppress(FileExistsError):  # another program was faster
            path.mkdir()
            return path


def _sync_if_there(file: Path) -> None:
    with contextlib.suppress(FileNotFoundError):  # a person has removed it
        sync(file)


class RecordingWriter:
    """Writer of one recording; not thread-safe.

    A frame's files are written before its line, and get their final names once all of them are: every line has its
    files, and a training that reads a growing recording finds no image without its mask. Call `sync_if_due` often: once
    a second it flushes everything to the disk itself, so that a loss of power costs at most that second.
    """

    def __init__(self, folder: Path, name: str, meta: Mapping[str, object]):
        """Make the folder, under `free_name`. Raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        self.path = _make_folder(folder, name)
        identity = {"format": FORMAT, "version": VERSION, "name": self.path.name}
        self.meta = {**identity, "started": iso_time(), "ended": None, **meta}
        self.frames = self.bytes = 0
        self.labels: Counter[str] = Counter()
        self._unsynced: list[Path] = []
        self._synced = time.monotonic()
        self._syncers = ThreadPoolExecutor(SYNC_THREADS, "sync")  # starts no thread before its first use
        self._length = 0  # of frames.jsonl in bytes
        self._resources = contextlib.ExitStack()
        self._resources.callback(self._syncers.shutdown)
        try:
            if (claim := lock(self.path)) is not None:
                self._resources.callback(claim.release)
            for part in FRAME_FOLDERS:
                (self.path / part).mkdir()
            write_meta(self.path, self.meta)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
            self._file = os.open(self.path / FRAMES, flags)
            self._resources.callback(os.close, self._file)
        except OSError:  # nothing is in it yet; free the name for the next attempt
            self._resources.close()
            shutil.rmtree(self.path, ignore_errors=True)
            raise

    def add(self, record: FrameRecord, image: bytes, mask: bytes, depth: bytes | None) -> None:
        """Write one frame. Raises OSError, such as FileNotFoundError if the recording was removed, or a part of it.

        Then nothing of the frame remains.
        """
        if os.fstat(self._file).st_nlink == 0:  # another recording may have its name by now
            raise FileNotFoundError(f"{self.path / FRAMES} was removed")
        line = record.to_line()
        paths = [self.path / name for name in record.files()]
        temporaries = [path.with_name(f".{path.name}") for path in paths]  # readers of datasets skip such names
        contents = [image, mask] if depth is None else [image, mask, depth]
        try:
            for path, data in zip(temporaries, contents, strict=True):
                path.write_bytes(data)
            for path, temporary in zip(paths, temporaries, strict=True):
                os.replace(temporary, path)
            self._append(line)
        except OSError:
            for path in (*paths, *temporaries):
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)
            raise
        self.frames += 1
        self.bytes += sum(map(len, contents)) + len(line)
        self.labels[record.label_source] += 1
        self._unsynced += paths

    def sync_if_due(self) -> None:
        """Flush what was written to the disk if the last time is at least a second ago. Raises OSError."""
        if self._unsynced and time.monotonic() - self._synced >= SYNC_SECONDS:
            self._sync()

    def close(self, reason: str, **entries: object) -> None:
        """Complete `meta.json` and release the recording. Raises OSError if the disk has no room even for that."""
        try:
            self._sync()
            self.meta |= {"ended": iso_time(), "end_reason": reason, "frames": self.frames, "labels": self.labels}
            self.meta |= entries
            write_meta(self.path, self.meta)
        finally:
            self._resources.close()
        with contextlib.suppress(OSError):
            (self.path / LOCK).unlink()

    def abandon(self) -> None:
        """Release the recording as it is, wherever it is now: unfinished."""
        self._resources.close()

    def discard(self) -> None:
        """Remove the recording."""
        with contextlib.suppress(OSError):
            self.close("discarded")
        shutil.rmtree(self.path, ignore_errors=True)

    def _append(self, line: bytes) -> None:
        try:
            written = os.write(self._file, line)
            if written < len(line):
                raise OSError(f"only {written} of {len(line)} bytes fit into {FRAMES}")
        except OSError:
            os.ftruncate(self._file, self._length)
            raise
        self._length += len(line)

    def _sync(self) -> None:
        self._synced = time.monotonic()  # also if it fails: the next attempt is due in a second
        # Concurrently: the file system merges waiting syncs into one commit, measured ten times faster than in turn.
        list(self._syncers.map(_sync_if_there, self._unsynced))
        for part in FRAME_FOLDERS:
            sync(self.path / part)
        os.fsync(self._file)
        self._unsynced.clear()


@contextlib.contextmanager
def new_recording(path: Path, meta: Mapping[str, object], reason: str) -> Iterator[RecordingWriter]:
    """Yield the writer of a recording that is complete, and ended for `reason`, when the block ends.

    After any exception in the block, Ctrl-C included, and without a frame, nothing of it remains. Raises RecordingError
    if `path` exists or cannot be a recording, and OSError.
    """
    if os.path.lexists(path):
        raise RecordingError(f"{path} exists already; choose another name")
    if not is_recording_name(path.name):
        raise RecordingError(f"a recording's name has letters, digits, '_', '-' and '.', got {path.name!r}")
    writer = RecordingWriter(path.parent, path.name, meta)
    with contextlib.ExitStack() as unfinished:
        unfinished.callback(writer.discard)
        yield writer
        if writer.frames:
            writer.close(reason)
            unfinished.pop_all()
