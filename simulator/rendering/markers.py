"""Translucent boxes over a finished picture, hidden where the picture is nearer. No engine needed."""

from collections.abc import Sequence

import numpy as np

from simulator.contract import CameraPose, Marker
from simulator.rendering.camera import rays


def draw_markers(rgb: np.ndarray, depth: np.ndarray, camera: CameraPose, markers: Sequence[Marker]) -> np.ndarray:
    """The picture with the boxes in it.

    Args:
        rgb: (256, 256, 3) uint8.
        depth: (256, 256) planar depth, metres; inf where there is nothing.
        camera: what took the picture.
        markers: boxes, upright, turned by their yaw.
    """
    directions, picture = rays(camera), rgb.astype(np.float32)
    for marker in markers:
        enter = _entry(marker, camera, directions)
        covered = enter < depth
        *tint, opacity = np.clip(np.array(marker.color, np.float32), 0, 1)
        picture[covered] = picture[covered] * (1 - opacity) + np.array(tint) * (255 * opacity)
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8)


def _entry(marker: Marker, camera: CameraPose, directions: np.ndarray) -> np.ndarray:
    """(256, 256): planar depth at which each pixel's ray enters the box; inf where it misses it."""
    cos, sin = np.cos(marker.yaw), np.sin(marker.yaw)
    turn = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    start = turn @ (np.array([camera.x, camera.y, camera.z]) - (marker.x, marker.y, marker.z))
    along = directions @ turn.T
    along = np.where(np.abs(along) < 1e-9, 1e-9, along)
    half = np.abs(np.array(marker.dimensions)) / 2
    one, other = (-half - start) / along, (half - start) / along
    near, far = np.minimum(one, other).max(axis=-1), np.maximum(one, other).min(axis=-1)
    return np.where((near <= far) & (far > 0), np.maximum(near, 0), np.inf)
