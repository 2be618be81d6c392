"""`frames.jsonl`: one line per frame, with everything known about it besides its images."""

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Lt
from pydantic import AllowInfNan, StringConstraints, TypeAdapter, ValidationError

from dataset.json_lines import json_line
from dataset.recordings.layout import DEPTH, FRAMES, IMAGES, MASKS, RecordingError
from dataset.schema import LabelSource

FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*$")]  # stays within its folder
Count = Annotated[int, Ge(0), Lt(10**15)]
Number = Annotated[float, AllowInfNan(False), Ge(-1e15), Lt(1e15)]
Point = tuple[Number, Number, Number]  # world axes, metres
RecordedPose = tuple[Number, Number, Number, Number, Number, Number]
"""x, y, z, roll, pitch, yaw as on the wire: metres and degrees."""

LONGEST_PAUSE = 3600.0  # seconds between two frames of one flight, when few are recorded


@dataclass(frozen=True)
class RecordedDetection:
    """See `follower.types.Detection`; rows and columns are pixels of the frame."""

    box: tuple[Number, Number, Number, Number]  # top, left, bottom, right
    centroid: tuple[Number, Number] | None = None  # row, column
    area: Number | None = None  # pixels
    confidence: Number | None = None


@dataclass(frozen=True)
class RecordedRange:
    """Distance from the camera to the target."""

    metres: Number
    source: str


@dataclass(frozen=True)
class FrameRecord:
    """One line of `frames.jsonl`. What is unknown, such as the poses of an imported frame, is None or empty."""

    frame: FileName  # the stem that the frame's files share
    image: FileName  # in images/
    label_source: LabelSource
    hero_pixels: Count  # of the mask
    people_pixels: Count
    labelled_by: str = ""  # which person or model has changed the labels
    depth: bool = True  # whether there is a depth image
    number: Count | None = None  # of the decision within its session, from 0; a gap: frames that were not recorded
    timestamp: Number | None = None  # seconds of the simulator's clock
    received: Number | None = None  # unix seconds of the bridge's clock
    pose: RecordedPose | None = None
    gimbal_pose: RecordedPose | None = None
    state: str | None = None  # of the follower: found, lost, searching
    changed: bool = False  # whether the state is different from the one before
    detection: RecordedDetection | None = None
    range: RecordedRange | None = None
    world_point: Point | None = None
    track_point: Point | None = None
    ground_truth_target: Point | None = None  # feet; only from the built-in simulator
    commands: tuple[tuple[str, dict[str, object]], ...] = ()  # (event, payload) as on the wire
    timings: dict[str, Number] = field(default_factory=dict)  # milliseconds by stage
    note: str = ""  # by the operator who marked this frame
    operator_override: bool = False  # whether the operator influenced the decision: paused, or dropped the target

    def to_line(self) -> bytes:
        """Return the line, newline included. Raises ValueError for numbers that are not finite."""
        return json_line(dataclasses.asdict(self))

    @classmethod
    def from_line(cls, line: bytes) -> "FrameRecord":
        """Parse a line; keys that later versions may add are ignored. Raises RecordingError."""
        try:
            return _ADAPTER.validate_json(line, strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            key, expected = ".".join(map(str, first["loc"])) or "a line", first["msg"].removeprefix("Input should be ")
            raise RecordingError(f"{key}: expected {expected}, got {str(first['input'])[:60]!r}") from error

    @property
    def mask_file(self) -> str:
        """Path of the frame's mask, relative to the recording."""
        return f"{MASKS}/{self.frame}.png"

    @property
    def depth_file(self) -> str | None:
        """Path of the frame's depth image, relative to the recording; None without one."""
        return f"{DEPTH}/{self.frame}.png" if self.depth else None

    def files(self) -> tuple[str, ...]:
        """Return the frame's files, relative to the recording: image, mask and, if there is one, depth image."""
        return (f"{IMAGES}/{self.image}", self.mask_file, *filter(None, [self.depth_file]))

    def target_metres(self) -> float | None:
        """Return the distance from the drone to the target: ground truth, else the estimated range, else None."""
        if self.ground_truth_target is not None and self.pose is not None:
            return math.dist(self.ground_truth_target, self.pose[:3])
        return self.range.metres if self.range is not None else None


def frame_time(record: FrameRecord) -> float:
    """Return when a frame was taken, in seconds of the simulator's clock, else of the bridge's; 5 a second, else."""
    for time in (record.timestamp, record.received):
        if time is not None:
            return time
    return int(record.frame) / 5 if record.frame.isdecimal() else 0.0


def flight_seconds(before: float, after: float) -> float:
    """Return the time between two frames in succession, by when they were received; 0 between joined flights."""
    return after - before if 0 <= after - before < LONGEST_PAUSE else 0.0


_ADAPTER = TypeAdapter(FrameRecord)


def read_frame_records(folder: Path) -> tuple[list[FrameRecord], list[bytes]]:
    """Return what `parse_frame_records` does for a recording; nothing if it has no `frames.jsonl`. Raises OSError."""
    try:
        return parse_frame_records((folder / FRAMES).read_bytes())
    except FileNotFoundError:
        return [], []


def parse_frame_records(lines: bytes) -> tuple[list[FrameRecord], list[bytes]]:
    """Return the frames sorted by name, 1000000 after 999999, and the lines that are no frame records.

    Mostly that is an unfinished last one.
    """
    records, broken = {}, []
    for line in lines.splitlines(keepends=True):
        try:
            if not line.endswith(b"\n"):
                raise RecordingError("the last line has no end")
            record = FrameRecord.from_line(line)
            records[record.frame] = record
        except RecordingError:
            broken.append(line)
    return [records[frame] for frame in sorted(records, key=lambda frame: (len(frame), frame))], broken


def as_stored(folder: Path, records: Iterable[FrameRecord]) -> list[FrameRecord]:
    """Return the records of a recording; without depth images if it has none at all: it was copied without depth/."""
    if any((folder / DEPTH).glob("*.png")):
        return list(records)
    return [dataclasses.replace(record, depth=False) for record in records]
