"""Angles and vectors, and the pinhole model of QuadSim's camera."""

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from simulator.types import FloatArray, Point, Pose

IMAGE_SIZE = 256  # pixels, both ways
FIELD_OF_VIEW = 60.0  # degrees, vertical and horizontal
HALF_VIEW = math.tan(math.radians(FIELD_OF_VIEW / 2))  # half the image's width at a depth of 1
FOCAL_LENGTH = IMAGE_SIZE / 2 / HALF_VIEW  # pixels
FAR = 100.0  # m, depth of the value 255 in the depth image
MAX_EXTRAPOLATION = 1.0  # s, for which a velocity is trusted
MAX_RUNNING_SPEED = 4.0  # m/s: a faster person is an error

Angle = TypeVar("Angle", float, FloatArray)


def wrap_angle(angle: Angle) -> Angle:
    """Return the same angle in [-pi, pi)."""
    return (angle + math.pi) % (2 * math.pi) - math.pi


def clamp(value: float, limit: float) -> float:
    """Return `value` limited to [-limit, limit]."""
    return max(-limit, min(limit, value))


def turn_towards(angle: float, goal: float, step: float) -> float:
    """Return `angle` turned by at most `step` towards `goal`, the short way round; radians."""
    return wrap_angle(angle + clamp(wrap_angle(goal - angle), step))


def rotate_about_z(vector: FloatArray, angle: float) -> FloatArray:
    """Return a vector (3,) turned about the vertical axis, radians to the left."""
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array([cos * vector[0] - sin * vector[1], sin * vector[0] + cos * vector[1], vector[2]])


def limit_length(vector: FloatArray, length: float) -> FloatArray:
    """Return `vector` shortened to at most `length`; the same object if it is short enough."""
    norm = float(np.linalg.norm(vector))
    return vector if norm <= length else vector * (length / norm)


def rotation(pose: Pose) -> FloatArray:
    """Return Rz(yaw) Ry(pitch) Rx(roll), (3, 3): its columns are the camera's forward, left and up in the world."""
    (cr, sr), (cp, sp), (cy, sy) = ((math.cos(a), math.sin(a)) for a in (pose.roll, pose.pitch, pose.yaw))
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )


def to_camera(pose: Pose, points: FloatArray) -> FloatArray:
    """Convert world points (n, 3) to the camera's forward, left and up, (n, 3), metres."""
    return (points - pose.position) @ rotation(pose)


def pixel_rays(pose: Pose) -> FloatArray:
    """Return (256, 256, 3): the world offset for one metre of planar depth through the centre of each pixel."""
    steps = (np.arange(IMAGE_SIZE) + 0.5 - IMAGE_SIZE / 2) / FOCAL_LENGTH
    local = np.ones((IMAGE_SIZE, IMAGE_SIZE, 3))
    local[..., 1], local[..., 2] = -steps[None, :], -steps[:, None]
    return local @ rotation(pose).T


def extrapolate(position: Sequence[float], velocity: Sequence[float], seconds: float) -> Point:
    """Return a person's position, metres, after some `seconds` at a velocity, m/s, as far as it is to be trusted."""
    duration = min(max(0.0, seconds), MAX_EXTRAPOLATION)
    x, y, z = (np.array(position) + limit_length(np.array(velocity), MAX_RUNNING_SPEED) * duration).tolist()
    return x, y, z
