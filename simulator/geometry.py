"""Angles and vectors that the world and the drone share."""

import math
from typing import TypeVar

import numpy as np

from simulator.types import FloatArray

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
