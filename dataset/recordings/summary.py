"""What a list says of each recording, cheap enough to be asked for during a flight: no line is read as JSON that does
not have to be, no line twice, and no picture.
"""

import os
import re
import threading
from dataclasses import dataclass, field
from pathlib import Path

from dataset.recordings.frame_record import FrameRecord
from dataset.recordings.layout import DEPTH, FRAMES, IMAGES, MASKS, RecordingError, read_meta
from dataset.recordings.recording import State, read_hidden, state_of
from dataset.schema import VISIBLE_PIXELS

CHUNK = 1 << 20  # bytes

# The beginning of a line as `FrameRecord.to_line` writes it; what is not written so is read as JSON.
_BEGINNING = re.compile(
    rb'\{"frame":"([\w-][\w.-]*)","image":"([\w-][\w.-]*)","label_source":"(simulator|model)",'
    rb'"hero_pixels":(\d+),"people_pixels":\d+,"depth":(true|false),"number":(?:\d+|null),'
    rb'"timestamp":[^",]+,"received":(\d{1,12}(?:\.\d+)?|null),'
)


@dataclass(frozen=True)
class RecordingSummary:
    """One row of a list of recordings."""

    name: str
    state: State  # see `state_of`
    started: str | None  # ISO 8601
    model: str | None
    frames: int
    hidden: int
    visible: int  # frames that show the hero
    pseudo_labelled: int  # frames labelled by the model that flew
    seconds: float  # from the first frame to the last, by our clock; 0 where unknown
    bytes: int
    poster: str | None  # the image in which the hero is largest; without one the first


@dataclass
class _Counts:
    """What was found in `frames.jsonl` up to `offset`."""

    file: tuple[int, int] = (0, 0)  # device and number: another file by that name is read anew
    offset: int = 0
    frames: int = 0
    visible: int = 0
    pseudo_labelled: int = 0
    first: float | None = None
    last: float | None = None
    bytes: int = 0
    poster: str | None = None
    largest: int = -1  # hero pixels of the poster


@dataclass
class SummaryCache:
    """Summaries of recordings; each call reads only what was added since the last. Thread-safe."""

    _known: dict[Path, _Counts] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def summarise(self, recording: Path) -> RecordingSummary:
        """Return the current summary of a recording. Raises OSError."""
        meta = read_meta(recording)
        with self._lock:
            counts = self._known.setdefault(recording, _Counts())
            counts = self._known[recording] = _count(recording, counts)
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
            seconds=counts.last - counts.first if counts.frames and counts.first is not None else 0.0,
            bytes=counts.bytes + counts.offset,
            poster=counts.poster,
        )


def frame_names(recording: Path) -> list[str]:
    """Return the names of a recording's frames, in order. Raises OSError."""
    names = set()
    with (recording / FRAMES).open("rb") as lines:
        for line in lines:
            found = _read(line) if line.endswith(b"\n") else None
            if found is not None:
                names.add(found[0])
    return sorted(names)


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
        while chunk := file.read(CHUNK):
            whole = chunk[: chunk.rfind(b"\n") + 1]
            if not whole:  # an unfinished last line, or one that is none
                break
            for line in whole.splitlines():
                _add(recording, counts, line)
            counts.offset += len(whole)
            file.seek(counts.offset)
    return counts


def _add(recording: Path, counts: _Counts, line: bytes) -> None:
    found = _read(line)
    if found is None:
        return
    frame, image, source, hero, depth, received = found
    counts.frames += 1
    counts.visible += hero > VISIBLE_PIXELS
    counts.pseudo_labelled += source == "model"
    if received is not None:
        counts.first = received if counts.first is None else counts.first
        counts.last = received
    if hero > counts.largest:
        counts.poster, counts.largest = image, hero
    for name in (f"{IMAGES}/{image}", f"{MASKS}/{frame}.png", f"{DEPTH}/{frame}.png" if depth else None):
        try:
            counts.bytes += os.stat(f"{recording}/{name}").st_size if name else 0
        except OSError:
            continue


def _read(line: bytes) -> tuple[str, str, str, int, bool, float | None] | None:
    """Frame, image, label source, hero pixels, whether there is a depth image, when it was received; None: no frame."""
    found = _BEGINNING.match(line)
    if found:
        frame, image, source, hero, depth, received = (part.decode() for part in found.groups())
        return frame, image, source, int(hero), depth == "true", None if received == "null" else float(received)
    try:
        record = FrameRecord.from_line(line)
    except RecordingError:
        return None
    return record.frame, record.image, record.label_source, record.hero_pixels, record.depth, record.received


def _text(value: object) -> str | None:
    return value[:200] if isinstance(value, str) else None
