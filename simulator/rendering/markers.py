"""Translucent boxes drawn over a finished picture, hidden where the picture is nearer. Uses no graphics engine."""

from collections.abc import Sequence

import numpy as np

from simulator.geometry import pixel_rays
from simulator.types import FloatArray, Image, Marker, Pose


def draw_markers(rgb: Image, depth: FloatArray, camera: Pose, markers: Sequence[Marker]) -> Image:
    """Return a picture with the markers drawn into it. `depth` is planar, metres, (256, 256); inf for the sky."""
    rays, picture = pixel_rays(camera), rgb.astype(np.float32)
    for marker in markers:
        covered = _entry_depth(marker, camera, rays) < depth
        *tint, opacity = np.clip(np.array(marker.color, np.float32), 0, 1)
        picture[covered] = picture[covered] * (1 - opacity) + np.array(tint) * (255 * opacity)
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8)


def _entry_depth(marker: Marker, camera: Pose, rays: FloatArray) -> FloatArray:
    """Return the planar depth at which the ray of each pixel enters the box, (256, 256); inf where it misses."""
    cos, sin = np.cos(marker.yaw), np.sin(marker.yaw)
    turn = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    start = turn @ (np.array(camera.position) - (marker.x, marker.y, marker.z))
    along = rays @ turn.T
    along = np.where(np.abs(along) < 1e-9, 1e-9, along)
    half = np.abs(np.array(marker.dimensions)) / 2
    one, other = (-half - start) / along, (half - start) / along
    near, far = np.minimum(one, other).max(axis=-1), np.maximum(one, other).min(axis=-1)
    return np.where((near <= far) & (far > 0), np.maximum(near, 0), np.inf)
