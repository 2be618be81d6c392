"""The agent's markers, as people at the simulator's window see them; QuadSim's drone camera does not."""

from collections.abc import Sequence

import numpy as np

from simulator.geometry import FAR, pixel_rays
from simulator.types import Box, Image, Marker, Pose, Rendered
from simulator.world.obstacles import Obstacles


def draw_markers(rendered: Rendered, camera: Pose, markers: Sequence[Marker]) -> Image:
    """Return the view's picture, (256, 256, 3), with translucent boxes drawn into it, hidden where something is nearer.

    Nothing hides a box beyond the depth image's range.
    """
    if not markers:
        return rendered.rgb
    depth = np.where(rendered.depth == 255, np.inf, rendered.depth * (FAR / 255))
    boxes = []
    for marker in markers:
        length, width, height = map(abs, marker.dimensions)
        bottom, top = marker.z - height / 2, marker.z + height / 2
        boxes.append(Box((marker.x, marker.y), (length, width), bottom, top, marker.yaw, "marker"))
    entries = Obstacles(boxes).entries(np.array(camera.position), pixel_rays(camera).reshape(-1, 3))
    picture = rendered.rgb.astype(np.float32)
    for marker, entry in zip(markers, entries.T, strict=True):
        covered = entry.reshape(depth.shape) < depth
        *tint, opacity = np.clip(np.array(marker.color, np.float32), 0, 1)
        picture[covered] = picture[covered] * (1 - opacity) + np.array(tint) * (255 * opacity)
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8)
