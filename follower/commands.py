"""The commands that let a simulator follow the target."""

import numpy as np

from follower.settings import AgentSettings
from follower.tracking.kalman_filter import Track
from follower.types import Command, CreateBoxMarker, Motion, ObjectDetected, Point, Pose


def commands_to_follow(track: Track, settings: AgentSettings, marker_id: int, with_motion: bool) -> tuple[Command, ...]:
    """Return the commands for the newest estimate of the target: its position, and the marker if there is to be one."""
    point = point_of(track.point)
    motion = Motion(point_of(track.velocity), track.time) if with_motion else None
    if not settings.marker:
        return (ObjectDetected(point, motion),)
    marker = CreateBoxMarker(
        marker_id,
        Pose(*point, 0.0, 0.0, 0.0),
        settings.marker_dimensions,
        settings.marker_color,
        settings.marker_duration,
    )
    return ObjectDetected(point, motion), marker


def point_of(values: np.ndarray) -> Point:
    """Return (3,) values as plain numbers."""
    x, y, z = values.tolist()
    return x, y, z
