"""Pixels, depth and camera poses to points in the world and back: the one place that knows axes and units.

World: metres, x forward, y left, z up. A camera looks along its own +x, y to its left, z up. Pixels are (row, column)
with pixel centres at integers, so an image's edges lie at -0.5 and size - 0.5. It knows nothing of blobs or tracks.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from follower.types import Pose

SATURATED = 255  # the depth byte that says "far or beyond"
PERSON_THICKNESS = 0.3  # metres from back to front, for a person seen from above


@dataclass(frozen=True)
class Intrinsics:
    """A pinhole camera with square pixels: focal length in pixels and principal point (row, column)."""

    focal: float
    center: tuple[float, float]

    @classmethod
    def from_fov(cls, height: int, width: int, vertical_fov: float) -> "Intrinsics":
        """The camera of an image of height x width pixels with this vertical field of view, degrees.

        QuadSim: 60 degrees at 256 pixels give a focal length of 128 / tan(30 deg) = 221.7 pixels.
        """
        focal = height / 2 / math.tan(math.radians(vertical_fov) / 2)
        return cls(focal, ((height - 1) / 2, (width - 1) / 2))


def pose_from_wire(values: Sequence[float]) -> Pose:
    """A pose as QuadSim sends it (x, y, z in metres; roll, pitch, yaw in degrees) in radians.

    QuadSim takes the angles from Unity's Euler angles as roll = -z, pitch = x (positive looks down), yaw = -y, so they
    run over (-360, 360); here they come out within [-pi, pi].
    """
    if len(values) != 6:
        raise ValueError(f"expected 6 numbers (x, y, z, roll, pitch, yaw), got {len(values)}")
    x, y, z, *degrees = (float(value) for value in values)
    return Pose(x, y, z, *(math.radians(math.remainder(angle, 360.0)) for angle in degrees))


def pose_to_wire(pose: Pose) -> tuple[float, float, float, float, float, float]:
    """The reverse of `pose_from_wire`: metres and degrees."""
    return (pose.x, pose.y, pose.z, *(math.degrees(angle) for angle in (pose.roll, pose.pitch, pose.yaw)))


def rotation(pose: Pose) -> np.ndarray:
    """(3, 3): turns camera axes into world axes; R = Rz(yaw) Ry(pitch) Rx(roll)."""
    cr, sr = math.cos(pose.roll), math.sin(pose.roll)
    cp, sp = math.cos(pose.pitch), math.sin(pose.pitch)
    cy, sy = math.cos(pose.yaw), math.sin(pose.yaw)
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )


def position(pose: Pose) -> np.ndarray:
    """(3,): where the camera is."""
    return np.array([pose.x, pose.y, pose.z])


def rays(pixels: np.ndarray, intrinsics: Intrinsics) -> np.ndarray:
    """Directions (..., 3) in camera axes through pixels (..., 2), scaled to a planar depth of one metre."""
    pixels = np.asarray(pixels, dtype=float)
    directions = np.ones((*pixels.shape[:-1], 3))
    directions[..., 1] = (intrinsics.center[1] - pixels[..., 1]) / intrinsics.focal
    directions[..., 2] = (intrinsics.center[0] - pixels[..., 0]) / intrinsics.focal
    return directions


def world_from_pixel(pixels: np.ndarray, depth: np.ndarray | float, intrinsics: Intrinsics, camera: Pose) -> np.ndarray:
    """World points (..., 3) of pixels (..., 2) at planar depths (...), metres along the optical axis."""
    points = rays(pixels, intrinsics) * np.asarray(depth, dtype=float)[..., None]
    return position(camera) + points @ rotation(camera).T


def pixel_from_world(points: np.ndarray, intrinsics: Intrinsics, camera: Pose) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (..., 2) and planar depths (...) of world points (..., 3).

    A point with a depth of zero or less is not in front of the camera; its pixel means nothing.
    """
    inside = (np.asarray(points, dtype=float) - position(camera)) @ rotation(camera)
    depth = inside[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        offsets = intrinsics.focal * inside[..., [2, 1]] / depth[..., None]
    return np.asarray(intrinsics.center) - offsets, depth


def rescale_pixel(pixel: tuple[float, float], size: tuple[int, int], new_size: tuple[int, int]) -> tuple[float, float]:
    """The same place in an image of (height, width) `new_size`. Centres are at integers, hence the halves."""
    return tuple((p + 0.5) * new / old - 0.5 for p, old, new in zip(pixel, size, new_size, strict=True))


def pixels_at_centres(pixels: np.ndarray, count: int, new_count: int) -> np.ndarray:
    """In which of `new_count` rows (or columns) the centres of some of `count` lie, where both show the same."""
    return (2 * pixels + 1) * new_count // (2 * count)


def depth_metres(depth: np.ndarray, far: float) -> np.ndarray:
    """Planar depth of depth bytes: z = byte / 255 * far; NaN where saturated (far or beyond) or 0 (nothing drawn)."""
    metres = depth * (far / 255)
    return np.where((depth == SATURATED) | (depth == 0), np.nan, metres)


def depth_of_person(top: float, bottom: float, height: float, intrinsics: Intrinsics, camera: Pose) -> float | None:
    """Planar depth of the middle of a standing person from the rows of its upper and lower end.

    The person is `height` metres tall and stands upright in the world, so a camera that looks down sees it shortened;
    the silhouette then ends at the far side of the head and the near side of the feet, hence the thickness. Rows are
    pixel coordinates (the silhouette's edges, not pixel centres). The image's columns are taken to be upright: a few
    degrees of roll do not matter. None where the rows cannot be those of a person in front of the camera.
    """
    # From the lower to the upper end in camera axes: up in the world, and forward by the thickness.
    along = rotation(camera).T @ np.array([0.0, 0.0, height])
    ahead = np.array([math.cos(camera.pitch), 0.0, math.sin(camera.pitch)]) * PERSON_THICKNESS
    forward, up = along[0] + ahead[0], along[2] + ahead[2]
    # Both ends lie on their pixels' rays: slope_bottom * z = h, slope_top * (z + forward) = h + up. Solve for z.
    slope_top = (intrinsics.center[0] - top) / intrinsics.focal
    slope_bottom = (intrinsics.center[0] - bottom) / intrinsics.focal
    if slope_top <= slope_bottom:
        return None
    depth = (up - slope_top * forward) / (slope_top - slope_bottom) + forward / 2
    return float(depth) if depth > 0 else None
