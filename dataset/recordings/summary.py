"""Summaries for a list of recordings. Cheap enough to poll during a flight: each line is read once, images never."""

import contextlib
import os
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from dataset.recordings.frame_record import FrameRecord, flight_seconds
from dataset.recordings.layout import FRAMES, RecordingError, read_meta, section_of
from dataset.recordings.recording import State, read_hidden, state_of
from dataset.schema import GROUND_TRUTH, is_visible

LONGEST_LINE = 1 << 20  # bytes; what is longer is no text


@dataclass
class RecordingSummary:
    """One row of a list of recordings."""

    name: str
    state: State = "interrupted"
    started: str | None = None  # ISO 8601
    model: str | None = None
    frames: int = 0
    hidden: int = 0
    visible: int = 0  # frames that show the target
    pseudo_labelled: int = 0  # frames whose labels are no ground truth
    seconds: float = 0.0  # from the first frame to the last, by the bridge's clock; 0 if unknown
    bytes: int = 0
    poster: str | None = None  # the image in which the target is largest, or else the first


class SummaryCache:
    """Summaries of recordings; each call reads only what was added since the last. Thread-safe."""

    def __init__(self) -> None:
        self._counted: dict[Path, _Counted] = {}
        self._lock = threading.Lock()

    def summarise(self, recording: Path) -> RecordingSummary:
        """Return the current summary of a recording. Raises OSError."""
        meta, hidden = read_meta(recording), len(read_hidden(recording))
        description = _text(section_of(meta, "model").get("description"))
        started, state = _text(meta.get("started")), state_of(recording, meta)
        with self._lock:
            counted = self._counted[recording] = _count(recording, self._counted.get(recording))
            return replace(counted.summary, state=state, started=started, model=description, hidden=hidden)


@dataclass
class _Counted:
    """What `frames.jsonl` contains up to `offset`."""

    summary: RecordingSummary
    file: tuple[int, int] | None = None  # device and inode: another file of that name is read anew
    changed: int = 0  # time of its last change, nanoseconds
    offset: int = 0
    last: bytes = b""  # line before `offset`
    received: float | None = None  # of the last frame
    poster_pixels: int = -1

    def add(self, recording: Path, line: bytes) -> None:
        self.offset, self.last = self.offset + len(line), line
        self.summary.bytes += len(line)
        try:
            record = FrameRecord.from_line(line)
        except RecordingError:
            return
        self.summary.frames += 1
        self.summary.visible += is_visible(record.hero_pixels)
        self.summary.pseudo_labelled += record.label_source not in GROUND_TRUTH
        if record.received is not None:
            self.summary.seconds += 0 if self.received is None else flight_seconds(self.received, record.received)
            self.received = record.received
        if record.hero_pixels > self.poster_pixels:
            self.summary.poster, self.poster_pixels = record.image, record.hero_pixels
        for name in record.files():
            with contextlib.suppress(OSError):
                self.summary.bytes += os.stat(f"{recording}/{name}").st_size


def _count(recording: Path, counted: _Counted | None) -> _Counted:
    try:
        file = (recording / FRAMES).open("rb")
    except FileNotFoundError:
        return _Counted(RecordingSummary(recording.name))
    with file:
        status = os.fstat(file.fileno())
        identity = status.st_dev, status.st_ino
        if counted is None or counted.file != identity or not _has_only_grown(file, status, counted):
            counted = _Counted(RecordingSummary(recording.name), identity)
        counted.changed = status.st_mtime_ns
        file.seek(counted.offset)
        while (line := file.readline(LONGEST_LINE)).endswith(b"\n"):  # the last one may be unfinished
            counted.add(recording, line)
    return counted


def _has_only_grown(file: BinaryIO, status: os.stat_result, counted: _Counted) -> bool:
    """Return whether what was counted is still there: file systems give a new file the inode of one just deleted."""
    if status.st_size <= counted.offset:
        return (status.st_size, status.st_mtime_ns) == (counted.offset, counted.changed)
    file.seek(counted.offset - len(counted.last))
    return file.read(len(counted.last)) == counted.last


def _text(value: object) -> str | None:
    return value[:200] if isinstance(value, str) else None
