"""Summaries for a list of recordings. Cheap enough to poll during a flight: each line is read once, images never."""

import os
import threading
from dataclasses import dataclass
from pathlib import Path

from dataset.recordings.frame_record import FrameRecord
from dataset.recordings.layout import FRAMES, RecordingError, read_meta
from dataset.recordings.recording import State, read_hidden, state_of
from dataset.schema import VISIBLE_PIXELS

LONGEST_LINE = 1 << 20  # bytes; what is longer is no text


@dataclass(frozen=True)
class RecordingSummary:
    """One row of a list of recordings."""

    name: str
    state: State
    started: str | None  # ISO 8601
    model: str | None
    frames: int
    hidden: int
    visible: int  # frames that show the target
    pseudo_labelled: int  # frames labelled by the model that flew
    seconds: float  # from the first frame to the last, by the bridge's clock; 0 if unknown
    bytes: int
    poster: str | None  # the image in which the target is largest, or else the first


@dataclass
class _Counts:
    """Contents of `frames.jsonl` up to `offset`."""

    file: tuple[int, int] = (0, 0)  # device and inode: another file of that name is read anew
    offset: int = 0
    frames: int = 0
    visible: int = 0
    pseudo_labelled: int = 0
    first: float | None = None  # received
    last: float | None = None
    image_bytes: int = 0
    poster: str | None = None
    poster_pixels: int = -1

    def add(self, recording: Path, line: bytes) -> None:
        try:
            record = FrameRecord.from_line(line)
        except RecordingError:
            return
        self.frames += 1
        self.visible += record.hero_pixels > VISIBLE_PIXELS
        self.pseudo_labelled += record.label_source == "model"
        if record.received is not None:
            self.first = record.received if self.first is None else self.first
            self.last = record.received
        if record.hero_pixels > self.poster_pixels:
            self.poster, self.poster_pixels = record.image, record.hero_pixels
        for name in record.files():
            try:
                self.image_bytes += os.stat(f"{recording}/{name}").st_size
            except OSError:
                continue


class SummaryCache:
    """Summaries of recordings; each call reads only what was added since the last. Thread-safe."""

    def __init__(self) -> None:
        self._counts: dict[Path, _Counts] = {}
        self._lock = threading.Lock()

    def summarise(self, recording: Path) -> RecordingSummary:
        """Return the current summary of a recording. Raises OSError."""
        meta = read_meta(recording)
        with self._lock:
            counts = self._counts[recording] = _count(recording, self._counts.get(recording, _Counts()))
        model = meta.get("model")
        return RecordingSummary(
            name=recording.name,
            state=state_of(recording, meta),
            started=_text(meta.get("started")),
            model=_text(model.get("description")) if isinstance(model, dict) else None,
            frames=counts.frames,
            hidden=len(read_hidden(recording)),
            visible=counts.visible,
            pseudo_labelled=counts.pseudo_labelled,
            seconds=counts.last - counts.first if counts.first is not None and counts.last is not None else 0.0,
            bytes=counts.image_bytes + counts.offset,
            poster=counts.poster,
        )


def _count(recording: Path, counts: _Counts) -> _Counts:
    try:
        file = (recording / FRAMES).open("rb")
    except FileNotFoundError:
        return _Counts()
    with file:
        status = os.fstat(file.fileno())
        if counts.file != (status.st_dev, status.st_ino) or status.st_size < counts.offset:
            counts = _Counts((status.st_dev, status.st_ino))
        file.seek(counts.offset)
        while (line := file.readline(LONGEST_LINE)).endswith(b"\n"):  # the last one may be unfinished
            counts.add(recording, line)
            counts.offset += len(line)
    return counts


def _text(value: object) -> str | None:
    return value[:200] if isinstance(value, str) else None
