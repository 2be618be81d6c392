"""Single lines of `frames.jsonl`: read and replaced without parsing the others, of which there may be thousands."""

import re
from collections import defaultdict
from pathlib import Path

from dataset.recordings.frame_record import FrameRecord
from dataset.recordings.layout import FRAMES, RecordingError

_BEGINNING = re.compile(rb'\{"frame":"([A-Za-z0-9_.-]+)",')  # of a line that FrameRecord.to_line has written


class FrameLines:
    """The lines of a recording. Those that are not replaced keep every byte, also keys of later versions."""

    def __init__(self, folder: Path):
        """Read the lines; none if there is no `frames.jsonl`. Raises OSError."""
        try:
            self._lines = (folder / FRAMES).read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            self._lines = []
        self._places = defaultdict[str, list[int]](list)  # where each frame has lines
        for place, line in enumerate(self._lines):
            if frame := _frame_of(line):
                self._places[frame].append(place)

    def record(self, frame: str) -> FrameRecord | None:
        """Return the record of a frame, of several the last; None without one."""
        found = self._find(frame)
        return found[1] if found else None

    def replace(self, record: FrameRecord) -> None:
        """Replace the record of the same frame, if there is one."""
        if found := self._find(record.frame):
            self._lines[found[0]] = record.to_line()

    def content(self) -> bytes:
        """Return the whole file. The last line has an end, so that nothing is ever written into it."""
        content = b"".join(self._lines)
        return content + b"\n" if content and not content.endswith(b"\n") else content

    def _find(self, frame: str) -> tuple[int, FrameRecord] | None:
        for place in reversed(self._places.get(frame, ())):
            record = _parse(self._lines[place])
            if record and record.frame == frame:
                return place, record
        return None


def _frame_of(line: bytes) -> str | None:
    """Return which frame a line is of, by its beginning if that is ours; None if it is no frame record."""
    if beginning := _BEGINNING.match(line):
        return beginning[1].decode()
    record = _parse(line)
    return record.frame if record else None


def _parse(line: bytes) -> FrameRecord | None:
    try:
        return FrameRecord.from_line(line) if line.endswith(b"\n") else None
    except RecordingError:
        return None
