"""Writes one run so that a crash at any moment costs no more than the frame in flight. Knows files, not flights."""

import contextlib
import itertools
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from dataset.files import sync_file, sync_folder
from dataset.recordings.record import (
    DEPTH,
    FORMAT,
    IMAGES,
    LINES,
    LOCK,
    MASKS,
    FrameRecord,
    lock,
    write_meta,
)

SYNC_SECONDS = 1.0
SYNC_THREADS = 8


def make_run_folder(folder: Path, name: str) -> Path:
    """A new folder that nobody else has: `name`, or `name-2` and so on where that is taken. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    for each in _numbered(name):
        with contextlib.suppress(FileExistsError):
            (folder / each).mkdir()
            return folder / each


def free_name(folder: Path, name: str) -> str:
    """What `make_run_folder` would call a folder that is made now."""
    return next(each for each in _numbered(name) if not os.path.lexists(folder / each))


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}-{number}" for number in itertools.count(2))


def now() -> str:
    """This moment as people and machines read it: ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class RunWriter:
    """One run being written; not for several threads at once.

    A frame's files are written before its line, and the line in one piece: what `frames.jsonl` has is there. And they
    get their names only when all are written: a training that reads along finds no image without its mask. Call
    `sync_if_due` often: once a second it brings all to the disk itself, and a loss of power costs no more than that.
    """

    def __init__(self, folder: Path, name: str, meta: Mapping[str, object]):
        """Makes the folder. Raises OSError."""
        self.path = make_run_folder(folder, name)
        self.meta = {"format": FORMAT, "run": self.path.name, "started": now(), "ended": None, **meta}
        self.frames = 0
        self.bytes = 0
        self.labels: dict[str, int] = {}
        self._unsynced: list[Path] = []
        self._synced = time.monotonic()
        self._syncers = ThreadPoolExecutor(SYNC_THREADS, "sync")  # has no thread before it is used
        self._length = 0  # of frames.jsonl, bytes
        self._lock: FileLock | None = None
        try:
            self._lock = lock(self.path)
            for part in (IMAGES, MASKS, DEPTH):
                (self.path / part).mkdir()
            write_meta(self.path, self.meta)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
            self._lines = os.open(self.path / LINES, flags)
        except OSError:  # there is nothing in it yet, and the next try shall have the name
            if self._lock is not None:
                self._lock.release()
            shutil.rmtree(self.path, ignore_errors=True)
            raise

    def add(self, record: FrameRecord, image: bytes, mask: bytes, depth: bytes | None) -> None:
        """Write one frame. Raises OSError, and then nothing of the frame remains."""
        line = record.to_line()
        paths = [self.path / name for name in record.files()]
        hidden = [path.with_name(f".{path.name}") for path in paths]  # readers of datasets pass over such names
        contents = [image, mask] if depth is None else [image, mask, depth]
        try:
            for path, data in zip(hidden, contents, strict=True):
                path.write_bytes(data)
            for path, unnamed in zip(paths, hidden, strict=True):
                os.replace(unnamed, path)
            self._append(line)
        except OSError:
            for path in (*paths, *hidden):
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)
            raise
        self.frames += 1
        self.bytes += sum(map(len, contents)) + len(line)
        self.labels[record.label_source] = self.labels.get(record.label_source, 0) + 1
        self._unsynced += paths

    def sync_if_due(self) -> None:
        """Bring what was written to the disk, if the last time is a second ago. Raises OSError."""
        if self._unsynced and time.monotonic() - self._synced >= SYNC_SECONDS:
            self._sync()

    def close(self, reason: str, extra: Mapping[str, object] | None = None) -> None:
        """Finish `meta.json` and let go of the run. Raises OSError when the disk has no room even for that."""
        try:
            self._sync()
            summary = {"ended": now(), "end_reason": reason, "frames": self.frames, "labels": self.labels}
            self.meta |= {**summary, **(extra or {})}
            write_meta(self.path, self.meta)
        finally:
            os.close(self._lines)
            if self._lock is not None:
                self._lock.release()
            self._syncers.shutdown()
        with contextlib.suppress(OSError):
            (self.path / LOCK).unlink()

    def _append(self, line: bytes) -> None:
        try:
            written = os.write(self._lines, line)
            if written < len(line):
                raise OSError(f"only {written} of {len(line)} bytes fit into {LINES}")
        except OSError:
            os.ftruncate(self._lines, self._length)
            raise
        self._length += len(line)

    def _sync(self) -> None:
        self._synced = time.monotonic()  # also if it fails: the next try is a second away
        # All at once: file systems join what waits into one commit, ten times faster here than one after the other.
        list(self._syncers.map(sync_file, self._unsynced))
        for part in (IMAGES, MASKS, DEPTH):
            sync_folder(self.path / part)
        os.fsync(self._lines)
        self._unsynced.clear()
