"""The agent's contract with the other packages: what it takes in and what it decides. Plain data only.

World axes: x forward, y left, z up, metres. Angles: radians.
Images: (height, width, channel) uint8 RGB; pixels are (row, column).
"""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np

Point = tuple[float, float, float]
"""Position x, y, z in the world, metres."""
Extent = tuple[float, float, float, float]
"""A part of the world: least x, least y, greatest x, greatest y, metres."""


@dataclass(frozen=True)
class Pose:
    """Position (metres) and orientation (radians) in the world; R = Rz(yaw) Ry(pitch) Rx(roll)."""

    x: float
    y: float
    z: float
    roll: float
    pitch: float
    yaw: float


class Frame(Protocol):
    """One camera frame. `sim_bridge.wire.messages.SensorFrame` is the one that comes over the wire."""

    @property
    def timestamp(self) -> float:
        """Seconds, the simulator's own clock."""

    @property
    def pose(self) -> Pose:
        """Pose of the quad's body."""

    @property
    def gimbal_pose(self) -> Pose:
        """Pose of the camera that took both images."""

    @property
    def image(self) -> np.ndarray:
        """(height, width, 3) uint8 RGB."""

    @property
    def depth_image(self) -> np.ndarray | None:
        """(height, width) uint8: planar depth / depth_far * 255, 255 also for anything beyond. None if not sent."""


class TargetState(Enum):
    """SEARCHING until the target is first found; FOUND; LOST when missed too often or found to be a false positive."""

    SEARCHING = "searching"
    FOUND = "found"
    LOST = "lost"


class RangeSource(Enum):
    """Source of a range: the depth image, or the target's apparent height (depth saturated or missing)."""

    DEPTH = "depth"
    HEIGHT = "height"


@dataclass(frozen=True)
class Detection:
    """Blob of the target, in pixels of the colour image (not of the network's output)."""

    centroid: tuple[float, float]  # (row, column), pixel centres at integers
    box: tuple[float, float, float, float]  # top, left, bottom, right; half-open
    area: float  # pixels of the colour image
    confidence: float  # mean target probability over the blob, 0..1
    mask: np.ndarray  # (rows, columns) bool at the network's resolution


@dataclass(frozen=True)
class Range:
    """Planar depth of the target along the optical axis."""

    metres: float
    source: RangeSource


@dataclass(frozen=True)
class Motion:
    """How a target moves."""

    velocity: Point  # m/s
    time: float  # seconds, the simulator's clock, when the picture was taken


@dataclass(frozen=True)
class ObjectDetected:
    """Fly to the target at `coords`.

    A simulator that takes the motion adds to `coords` how far the target has moved since the picture was taken.
    """

    coords: Point
    motion: Motion | None = None


@dataclass(frozen=True)
class ObjectLost:
    """There is no target: return to patrol, or look for it at `look_at`, if the simulator can."""

    look_at: Point | None = None


@dataclass(frozen=True)
class CreateBoxMarker:
    """Draw (or move) the box `id`. Dimensions in metres, colour red, green, blue, opacity 0..1."""

    id: int  # the same from finding a target to its loss
    pose: Pose
    dimensions: tuple[float, float, float]
    color: tuple[float, float, float, float]
    duration: float  # seconds; -1: forever


@dataclass(frozen=True)
class DeleteMarker:
    """Remove the box `id`."""

    id: int


Command = ObjectDetected | ObjectLost | CreateBoxMarker | DeleteMarker


@dataclass(frozen=True)
class Decision:
    """What was decided on one frame: the target's state and position, and the commands for the simulator."""

    state: TargetState
    changed: bool  # `state` differs from that of the previous frame
    commands: tuple[Command, ...]
    detection: Detection | None = None
    range: Range | None = None
    world_point: Point | None = None  # as measured in this frame
    track_point: Point | None = None  # as filtered
