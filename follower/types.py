"""The contract between the rooms: what the agent takes in and what it decides.

Plain data only. World axes: x forward, y left, z up, metres. Angles: radians.
Images: (height, width, channel) uint8 RGB; pixels are (row, column).
"""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np


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
    """One camera frame. `sim_bridge.wire.messages.SensorFrame` is the one that comes off the wire."""

    timestamp: float  # seconds, the simulator's own clock
    pose: Pose  # the body of the quad
    gimbal_pose: Pose  # the camera that took both images

    @property
    def image(self) -> np.ndarray:
        """(height, width, 3) uint8 RGB."""
        ...

    @property
    def depth_image(self) -> np.ndarray | None:
        """(height, width) uint8: planar depth as a fraction of `far`, 255 = far or beyond. None if not sent."""
        ...


class TargetState(Enum):
    """SEARCHING until the hero is first found; FOUND; LOST once it was missed too often, or was somebody else."""

    SEARCHING = "searching"
    FOUND = "found"
    LOST = "lost"


class RangeSource(Enum):
    """Where a range came from: the depth image, or the hero's apparent height (depth saturated or missing)."""

    DEPTH = "depth"
    HEIGHT = "height"


@dataclass(frozen=True)
class Detection:
    """The blob that is the hero, in pixels of the original frame (not of the network's output)."""

    centroid: tuple[float, float]  # (row, column), pixel centres at integers
    box: tuple[float, float, float, float]  # top, left, bottom, right; half-open
    area: float  # pixels of the original frame
    confidence: float  # mean hero probability over the blob, 0..1
    mask: np.ndarray  # (rows, columns) bool at the network's resolution


@dataclass(frozen=True)
class Range:
    """Planar depth of the hero along the optical axis, metres."""

    metres: float
    source: RangeSource


@dataclass(frozen=True)
class ObjectDetected:
    """Fly to the hero at `coords` (x, y, z), metres, world frame."""

    coords: tuple[float, float, float]


@dataclass(frozen=True)
class ObjectLost:
    """The hero is gone: go back to patrol."""


@dataclass(frozen=True)
class CreateBoxMarker:
    """Draw (or move) the box `id`. Position metres, angles radians, colour 0..1, duration seconds (-1: for ever)."""

    id: int
    pose: Pose
    dimensions: tuple[float, float, float]
    color: tuple[float, float, float, float]
    duration: float


@dataclass(frozen=True)
class DeleteMarker:
    """Remove the box `id`."""

    id: int


Command = ObjectDetected | ObjectLost | CreateBoxMarker | DeleteMarker


@dataclass(frozen=True)
class Decision:
    """What was decided on one frame: the target's state and position, and the commands for the simulator."""

    state: TargetState
    changed: bool  # True when `state` differs from the one before this frame
    commands: tuple[Command, ...]
    detection: Detection | None = None
    range: Range | None = None
    world_point: tuple[float, float, float] | None = None  # as measured in this frame
    track_point: tuple[float, float, float] | None = None  # after the filter
