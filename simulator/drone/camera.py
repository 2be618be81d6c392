"""Pinhole model of QuadSim's camera."""

import math

import numpy as np

from simulator.types import FloatArray, Pose

IMAGE_SIZE = 256  # pixels, both ways
FIELD_OF_VIEW = 60.0  # degrees, vertical and horizontal
HALF_VIEW = math.tan(math.radians(FIELD_OF_VIEW / 2))  # half the image's width at a depth of 1
FOCAL_LENGTH = IMAGE_SIZE / 2 / HALF_VIEW  # pixels
FAR = 100.0  # m, depth of the value 255 in the depth image


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
