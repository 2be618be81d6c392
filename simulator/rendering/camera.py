"""The one place where QuadSim's axes become Panda3D's, and the pinhole of QuadSim's camera."""

import math

import numpy as np

from simulator.contract import CameraPose

SIZE = 256  # pixels, both ways
FIELD_OF_VIEW = 60.0  # degrees, vertical and horizontal
FOCAL = SIZE / 2 / math.tan(math.radians(FIELD_OF_VIEW / 2))  # pixels
NEAR = 0.15  # m


def rotation(pose: CameraPose) -> np.ndarray:
    """(3, 3): columns are the camera's forward, left and up in the world; Rz(yaw) Ry(pitch) Rx(roll)."""
    (cr, sr), (cp, sp), (cy, sy) = ((math.cos(a), math.sin(a)) for a in (pose.roll, pose.pitch, pose.yaw))
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )


def panda_matrix(pose: CameraPose) -> np.ndarray:
    """(4, 4) for `NodePath.set_mat` (row vectors): Panda's camera has x to the right, y ahead and z up."""
    forward, left, up = rotation(pose).T
    matrix = np.eye(4)
    matrix[:3, :3] = -left, forward, up
    matrix[3, :3] = pose.x, pose.y, pose.z
    return matrix


def to_camera(pose: CameraPose, points: np.ndarray) -> np.ndarray:
    """World points (n, 3) as (n, 3) forward, left, up of the camera, metres."""
    return (points - (pose.x, pose.y, pose.z)) @ rotation(pose)


def rays(pose: CameraPose) -> np.ndarray:
    """(256, 256, 3): what one metre of planar depth adds to the world position, through each pixel's centre."""
    steps = (np.arange(SIZE) + 0.5 - SIZE / 2) / FOCAL
    local = np.ones((SIZE, SIZE, 3))
    local[..., 1], local[..., 2] = -steps[None, :], -steps[:, None]
    return local @ rotation(pose).T
