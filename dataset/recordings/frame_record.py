"""One line of `frames.jsonl` for each frame: what is known about it beside its images."""

import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from dataset.recordings.layout import DEPTH, FRAMES, IMAGES, MASKS, RecordingError
from dataset.schema import LabelSource


@dataclass(frozen=True)
class FrameRecord:
    """One line of `frames.jsonl`. World axes, metres; poses x, y, z, roll, pitch, yaw in degrees, as on the wire.

    What an imported recording does not know (poses, decisions) is None or empty.
    """

    frame: str  # the stem that the frame's files share
    image: str  # file name in images/
    label_source: LabelSource
    hero_pixels: int  # of the mask
    people_pixels: int
    depth: bool = True  # whether there is a depth image
    number: int | None = None  # of the decision within its session, from 0: a gap is a frame that is not recorded
    timestamp: float | None = None  # seconds, the simulator's clock
    received: float | None = None  # unix seconds, ours
    pose: tuple[float, ...] | None = None
    gimbal_pose: tuple[float, ...] | None = None
    state: str | None = None
    changed: bool = False
    detection: Mapping[str, object] | None = None  # centroid, box, area, confidence: follower.types.Detection
    range: Mapping[str, object] | None = None  # metres, source
    world_point: tuple[float, float, float] | None = None
    track_point: tuple[float, float, float] | None = None
    ground_truth_target: tuple[float, float, float] | None = None  # feet; only from the stand-in simulator
    commands: tuple[tuple[str, Mapping[str, object]], ...] = ()  # as on the wire
    timings: Mapping[str, float] = field(default_factory=dict)  # milliseconds by stage
    note: str = ""  # of a person who marked this moment
    operator_override: bool = False  # an operator influenced the decision: commands paused, or the target dropped

    def to_line(self) -> bytes:
        """The line, with its end. Raises ValueError for numbers that are not finite."""
        return json.dumps(vars(self), separators=(",", ":"), allow_nan=False).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "FrameRecord":
        """Reads a line; keys that later versions may add are ignored. Raises RecordingError."""
        try:
            values = json.loads(line)
            known = {key: values[key] for key in _RECORD_FIELDS & values.keys()}
            record = cls(**known)
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise RecordingError(f"expected a frame as one JSON object, got {line[:60]!r}: {error}") from error
        for key, (fits, expected) in _EXPECTED.items():
            if not fits(getattr(record, key)):
                raise RecordingError(f"expected {key} to be {expected}, got {str(getattr(record, key))[:60]!r}")
        return record

    def files(self) -> tuple[str, ...]:
        """The frame's files, relative to the recording."""
        names = (f"{IMAGES}/{self.image}", f"{MASKS}/{self.frame}.png")
        return (*names, f"{DEPTH}/{self.frame}.png") if self.depth else names


def _is_name(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[\w-][\w.-]*", value, re.ASCII) is not None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15  # nor NaN


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1e15


def _numbers(count: int) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and len(value) == count and all(map(_is_number, value))


def _or_none(fits: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or fits(value)


def _mapping(**fits: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, dict) and all(fit(value.get(key)) for key, fit in fits.items())


def _is_command(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], dict)


# What readers rely on; a line that was damaged, or made by another program, is refused before it surprises them.
_EXPECTED: dict[str, tuple[Callable[[object], bool], str]] = {
    "frame": (_is_name, "the name of a file"),
    "image": (_is_name, "the name of a file"),
    "label_source": (lambda value: value in get_args(LabelSource), " or ".join(get_args(LabelSource))),
    "hero_pixels": (_is_count, "a number of pixels"),
    "people_pixels": (_is_count, "a number of pixels"),
    "depth": (lambda value: isinstance(value, bool), "true or false"),
    "number": (_or_none(_is_count), "a number from 0"),
    "timestamp": (_or_none(_is_number), "seconds"),
    "received": (_or_none(_is_number), "seconds"),
    "pose": (_or_none(_numbers(6)), "six numbers"),
    "gimbal_pose": (_or_none(_numbers(6)), "six numbers"),
    "state": (_or_none(_is_text), "a word"),
    "note": (_is_text, "text"),
    "operator_override": (lambda value: isinstance(value, bool), "true or false"),
    "detection": (_or_none(_mapping(box=_numbers(4))), "a detection with its box"),
    "range": (_or_none(_mapping(metres=_is_number, source=_is_text)), "a range in metres and its source"),
    "world_point": (_or_none(_numbers(3)), "three numbers"),
    "track_point": (_or_none(_numbers(3)), "three numbers"),
    "ground_truth_target": (_or_none(_numbers(3)), "three numbers"),
    "commands": (
        lambda value: not value or (isinstance(value, list) and all(map(_is_command, value))),
        "events with their payloads",
    ),
    "timings": (lambda value: isinstance(value, dict) and all(map(_is_number, value.values())), "milliseconds"),
}
_RECORD_FIELDS = {field.name for field in dataclasses.fields(FrameRecord)}


def read_frame_records(folder: Path) -> tuple[list[FrameRecord], list[bytes]]:
    """Return the frames sorted by name, and the lines that are no frame records (mostly an unfinished last one)."""
    try:
        lines = (folder / FRAMES).read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return [], []
    records, broken = {}, []
    for line in lines:
        try:
            if not line.endswith(b"\n"):
                raise RecordingError("the last line has no end")
            record = FrameRecord.from_line(line)
            records[record.frame] = record
        except RecordingError:
            broken.append(line)
    return [records[frame] for frame in sorted(records)], broken
