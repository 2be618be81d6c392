"""The log of a flight: one moment for each frame, ground truth beside what the agent reported. Files of such logs."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from dataset.files import write_atomically
from gym_follow.report import Point
from simulator.geometry import wrap_angle

MASK_FAR = 50.0  # metres: beyond, masks do not show the target. The renderer's, which cannot be imported everywhere


@dataclass(frozen=True)
class Moment:
    """One frame of a flight: ground truth when it was taken, and the reports until the next one."""

    time: float  # simulated seconds since the start
    quad: Point  # position of its body
    camera_yaw: float  # radians, world axes
    target: Point  # its centre
    target_pixels: int  # of 256x256
    line_of_sight: bool  # nothing solid between the camera and the target's centre, wherever the camera looks
    reported: Point | None  # newest position reported since this frame, extrapolated by the reported velocity
    target_when_reported: Point | None  # its centre at that time, which is later if the frame was late
    followed: Point | None  # position that the quad follows
    nearest_is_target: bool  # the target is the person nearest to `followed`
    reported_lost: bool
    collisions: int  # contacts with scenery, so far

    @property
    def following(self) -> bool:
        """Whether the quad follows a report; otherwise it patrols, or looks for the target."""
        return self.followed is not None and not self.reported_lost

    @property
    def target_visible(self) -> bool:
        """Whether the picture shows anything of the target."""
        return self.target_pixels > 0

    @property
    def can_be_seen(self) -> bool:
        """Whether a camera at this place could see the target, wherever it looks; masks end at MASK_FAR."""
        return self.target_visible or (self.line_of_sight and self.distance < MASK_FAR)

    @property
    def distance(self) -> float:
        """Metres from the quad to the target's centre."""
        return distance(self.quad, self.target)

    @property
    def horizontal_distance(self) -> float:
        """Metres from the quad to the target, as seen from above."""
        return math.dist(self.quad[:2], self.target[:2])

    @property
    def bearing(self) -> float:
        """Angle between the camera's axis and the target as seen from above, radians in [-pi, pi), left is positive."""
        return float(wrap_angle(self.direction(self.target) - self.camera_yaw))

    def direction(self, place: Point) -> float:
        """Return the direction of a place from the quad as seen from above, radians, world axes."""
        return math.atan2(place[1] - self.quad[1], place[0] - self.quad[0])

    @property
    def position_error(self) -> float:
        """Metres from the reported position to where the target was then; NaN without a report."""
        return distance(self.reported, self.target_when_reported)


Log = Sequence[Moment]
_FIELDS = [field.name for field in fields(Moment)]


def distance(a: Point | None, b: Point | None) -> float:
    """Return the distance of two points, metres; NaN if one is missing."""
    return float("nan") if a is None or b is None else float(np.linalg.norm(np.subtract(a, b)))


def write_log(path: Path, log: Log, conditions: Mapping[str, object]) -> None:
    """Write a flight as JSON lines: first its conditions and the names of the columns, then a row for each moment."""
    rows = [{"conditions": conditions, "columns": _FIELDS}, *(list(asdict(moment).values()) for moment in log)]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows))


def read_log(path: Path) -> tuple[list[Moment], dict[str, Any]]:
    """Return what `write_log` wrote: the moments, and the conditions. Raises ValueError for any other file."""
    try:
        header, *rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
        if header["columns"] != _FIELDS:
            raise ValueError(f"columns {header['columns']}")
        return [_moment(row) for row in rows], header["conditions"]
    except (ValueError, TypeError, KeyError) as error:
        expected = "the log of a flight by this version of the program"
        raise ValueError(f"{path}: expected {expected}, got something else ({error}); remove the file") from None


def _moment(row: list[Any]) -> Moment:
    if len(row) != len(_FIELDS):
        raise ValueError(f"a row of {len(row)} values")
    values: list[Any] = [tuple(value) if isinstance(value, list) else value for value in row]
    return Moment(*values)
