"""The pinhole camera: pixels, depth and camera poses to points in the world and back.

World: metres, x forward, y left, z up. A camera looks along its own +x, with y to its left and z up. Pixels are
(row, column) with pixel centres at integers, so an image's edges lie at -0.5 and size - 0.5.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from follower.types import Pose

SATURATED = 255  # depth byte of everything at `depth_far` or beyond
Coordinate = TypeVar("Coordinate", float, np.ndarray)
IN_FRONT = 1.0  # metres by which whatever hides a person is nearer
PERSON_THICKNESS = 0.3  # metres from back to front, for a person seen from above


@dataclass(frozen=True)
class Camera:
    """Pinhole camera with square pixels that took one frame's colour and depth image."""

    pose: Pose
    image_size: tuple[int, int]  # (height, width) of the colour image, pixels
    vertical_fov: float  # degrees
    depth_far: float  # metres that a depth byte of 255 stands for

    @cached_property
    def focal(self) -> float:
        """Focal length, pixels. QuadSim: 60 degrees at 256 pixels give 128 / tan(30 deg) = 221.7."""
        return self.image_size[0] / 2 / math.tan(math.radians(self.vertical_fov) / 2)

    @property
    def center(self) -> tuple[float, float]:
        """Principal point (row, column), pixels."""
        height, width = self.image_size
        return (height - 1) / 2, (width - 1) / 2

    @property
    def position(self) -> np.ndarray:
        """Position (3,) in the world, metres."""
        return np.array([self.pose.x, self.pose.y, self.pose.z])

    @cached_property
    def rotation(self) -> np.ndarray:
        """Rotation (3, 3) of camera axes into world axes: Rz(yaw) Ry(pitch) Rx(roll)."""
        roll, pitch, yaw = self.pose.roll, self.pose.pitch, self.pose.yaw
        cr, sr, cp, sp = math.cos(roll), math.sin(roll), math.cos(pitch), math.sin(pitch)
        cy, sy = math.cos(yaw), math.sin(yaw)
        first = [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr]
        second = [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr]
        return np.array([first, second, [-sp, cp * sr, cp * cr]])

    def rays(self, pixels: np.ndarray) -> np.ndarray:
        """Return directions (..., 3) in camera axes through pixels (..., 2), scaled to a planar depth of one metre."""
        pixels = np.asarray(pixels, dtype=float)
        directions = np.ones((*pixels.shape[:-1], 3))
        directions[..., 1] = (self.center[1] - pixels[..., 1]) / self.focal
        directions[..., 2] = (self.center[0] - pixels[..., 0]) / self.focal
        return directions

    def world_from_pixel(self, pixels: np.ndarray, depth: np.ndarray | float) -> np.ndarray:
        """Return world points (..., 3) of pixels (..., 2) at planar depths (...), metres along the optical axis."""
        points = self.rays(pixels) * np.asarray(depth, dtype=float)[..., None]
        world: np.ndarray = self.position + points @ self.rotation.T
        return world

    def pixel_from_world(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return pixels (..., 2) and planar depths (...), metres, of world points (..., 3).

        A point with a depth of zero or less is not in front of the camera; its pixel is meaningless.
        """
        inside = (np.asarray(points, dtype=float) - self.position) @ self.rotation
        depth = inside[..., 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            offsets = self.focal * inside[..., [2, 1]] / depth[..., None]
        return np.asarray(self.center) - offsets, depth

    def depth_metres(self, depth: np.ndarray) -> np.ndarray:
        """Return the planar depths of depth bytes, metres; NaN where saturated or 0 (nothing drawn)."""
        metres = depth * (self.depth_far / 255)
        return np.where((depth == SATURATED) | (depth == 0), np.nan, metres)

    def visibility(self, points: np.ndarray, depth_image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which world points (n, 3) the picture shows, and which are hidden by something nearer, (n,) bool.

        `depth_image` is (height, width) bytes. Where nothing was drawn, and outside of the picture, points are neither.
        """
        pixels, depths = self.pixel_from_world(points)
        rows, columns = np.round(rescale_pixel((pixels[:, 0], pixels[:, 1]), self.image_size, depth_image.shape))
        height, width = depth_image.shape
        in_view = (depths > 0) & (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        beyond = np.full(len(points), np.nan)  # metres from the points to what the picture shows there
        there = depth_image[rows[in_view].astype(int), columns[in_view].astype(int)]
        beyond[in_view] = np.where(there == SATURATED, np.inf, self.depth_metres(there)) - depths[in_view]
        return beyond >= -IN_FRONT, beyond < -IN_FRONT  # False for NaN

    def horizontal_offsets(
        self, rows: np.ndarray, columns: np.ndarray, depths: np.ndarray, point: np.ndarray
    ) -> np.ndarray:
        """Return the horizontal distances of pixels beyond a point (3,), (n, m) metres; negative: nearer.

        The pixels of `rows` (n,) and `columns` (m,) have planar `depths` (n, m). Distances are measured along the
        horizontal line from the camera to the point.
        """
        offset = point[:2] - self.position[:2]
        distance = float(np.hypot(*offset))
        forward, left, up = offset @ self.rotation[:2] / max(distance, 1e-6)  # the line's direction in camera axes
        slopes = left * (self.center[1] - columns) + up * (self.center[0] - rows[:, None])
        return np.asarray(depths * (forward + slopes / self.focal) - distance)

    def depth_of_person(self, top: float, bottom: float, height: float) -> float | None:
        """Return the planar depth of the middle of a standing person from the rows of its upper and lower edge.

        The person is `height` metres tall and upright in the world, so a camera that looks down sees it foreshortened;
        the silhouette then ends at the far side of the head and the near side of the feet, hence the thickness. The
        image's columns are taken to be upright: a few degrees of roll do not matter. Returns None where the rows (of
        edges, not of pixel centres) cannot be those of a person in front of the camera.
        """
        # From the lower to the upper end in camera axes: up in the world, and forward by the thickness.
        along = self.rotation.T @ np.array([0.0, 0.0, height])
        ahead = np.array([math.cos(self.pose.pitch), 0.0, math.sin(self.pose.pitch)]) * PERSON_THICKNESS
        forward, up = along[0] + ahead[0], along[2] + ahead[2]
        # Both ends lie on their pixels' rays: slope_bottom * z = h, slope_top * (z + forward) = h + up. Solve for z.
        slope_top = (self.center[0] - top) / self.focal
        slope_bottom = (self.center[0] - bottom) / self.focal
        if slope_top <= slope_bottom:
            return None
        depth = (up - slope_top * forward) / (slope_top - slope_bottom) + forward / 2
        return float(depth) if depth > 0 else None


def rescale_pixel(
    pixel: tuple[Coordinate, Coordinate], size: tuple[int, int], new_size: tuple[int, int]
) -> tuple[Coordinate, Coordinate]:
    """Return the same place (row, column), or places, in an image of another (height, width)."""
    (row, column), (height, width), (new_height, new_width) = pixel, size, new_size
    return (row + 0.5) * new_height / height - 0.5, (column + 0.5) * new_width / width - 0.5


def part_at_centres(image: np.ndarray, rows: slice, columns: slice, size: tuple[int, int]) -> np.ndarray:
    """Return the values of an image at the centres of some rows and columns of the same view at another `size`.

    With equal sizes the result is a view.
    """
    if image.shape[:2] == size:
        return image[rows, columns]
    axes = zip((rows, columns), size, image.shape[:2], strict=True)
    index = [pixels_at_centres(np.arange(count)[part], count, length) for part, count, length in axes]
    return np.asarray(image[np.ix_(*index)])


def pixels_at_centres(pixels: np.ndarray, count: int, new_count: int) -> np.ndarray:
    """Return in which of `new_count` rows (or columns) the centres of some of `count` rows of the same view lie."""
    return (2 * pixels + 1) * new_count // (2 * count)
