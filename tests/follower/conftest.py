"""A small ray caster as ground truth for the agent: boxes on flat ground, seen by a camera posed as in Unity.

It shares no code with `follower.geometry` and computes in Unity's own left-handed axes (x right, y up, z forward), so
that a wrong axis, sign or unit there cannot hide here.
"""

import math
from dataclasses import dataclass, field
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from follower.geometry import Camera
from follower.types import Pose

SIZE = 256
FOCAL = 221.70250337  # 128 / tan(30 degrees)


@dataclass(frozen=True)
class Block:
    """Upright box: middle of its foot (x, y, z) in the world's axes, size along them, and its class."""

    foot: tuple[float, float, float]
    size: tuple[float, float, float]
    label: int = 0


def person(x, y, z=0.0, label=2, height=1.6):
    return Block((x, y, z), (0.3, 0.45, height), label)


def pose_of(wire):
    """Return the pose of six wire numbers: x, y, z in metres; roll, pitch, yaw in degrees."""
    return Pose(*wire[:3], *map(math.radians, wire[3:]))


def camera_of(wire, far=100.0, size=SIZE):
    """Return the agent's camera at the pose of six wire numbers."""
    return Camera(pose_of(wire), (size, size), 60.0, far)


def unity_rotation(wire_degrees):
    """Return the rotation of camera axes into world axes, both Unity's, from roll, pitch, yaw as on the wire."""
    roll, pitch, yaw = np.radians(wire_degrees)
    ex, ey, ez = pitch, -yaw, -roll
    about_x = [[1, 0, 0], [0, np.cos(ex), -np.sin(ex)], [0, np.sin(ex), np.cos(ex)]]
    about_y = [[np.cos(ey), 0, np.sin(ey)], [0, 1, 0], [-np.sin(ey), 0, np.cos(ey)]]
    about_z = [[np.cos(ez), -np.sin(ez), 0], [np.sin(ez), np.cos(ez), 0], [0, 0, 1]]
    return np.array(about_y) @ np.array(about_x) @ np.array(about_z)  # z first, then x, then y


def to_unity(point):
    x, y, z = point
    return np.array([-y, z, x], dtype=float)


def render(camera_wire, blocks, far=100.0, size=SIZE):
    """Return labels (size, size) and depth bytes (size, size) of the view at `camera_wire` (six wire numbers)."""
    focal = FOCAL * size / SIZE
    rows, columns = np.mgrid[0:size, 0:size]
    middle = (size - 1) / 2
    inside = np.stack([(columns - middle) / focal, (middle - rows) / focal, np.ones((size, size))], axis=-1)
    rays = inside @ unity_rotation(camera_wire[3:]).T  # one metre of planar depth long
    origin = to_unity(camera_wire[:3])
    depth = np.full((size, size), np.inf)
    labels = np.zeros((size, size), np.uint8)
    with np.errstate(divide="ignore", invalid="ignore"):
        ground = -origin[1] / rays[..., 1]
        depth = np.where(ground > 0, ground, depth)
        for block in blocks:
            foot, (along_x, along_y, along_z) = to_unity(block.foot), block.size
            low = foot - np.array([along_y / 2, 0, along_x / 2])
            high = foot + np.array([along_y / 2, along_z, along_x / 2])
            near, away = (low - origin) / rays, (high - origin) / rays
            enter = np.minimum(near, away).max(axis=-1)
            leave = np.maximum(near, away).min(axis=-1)
            hit = (enter > 0.05) & (enter <= leave) & (enter < depth)
            depth[hit] = enter[hit]
            labels[hit] = block.label
    return labels, np.round(np.clip(depth / far, 0, 1) * 255).astype(np.uint8)


def probabilities(labels, size=SIZE, confidence=0.97):
    """Return a good network's output of this size for the labels: soft at the edges where sizes differ."""
    classes = np.eye(3, dtype=np.float32)[labels]
    if size != labels.shape[0]:
        classes = cv2.resize(classes, (size, size), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(classes * np.float32(confidence) + np.float32((1 - confidence) / 3))


@dataclass
class StillFrame:
    """A rendered frame; satisfies `follower.types.Frame` as the bridge's SensorFrame does."""

    timestamp: float
    gimbal_pose: Pose
    depth_image: np.ndarray | None
    image: np.ndarray = field(default_factory=lambda: np.zeros((SIZE, SIZE, 3), np.uint8))

    @property
    def pose(self):
        """Pose of the body, which faces another way than the camera under it."""
        camera = self.gimbal_pose
        return Pose(camera.x, camera.y, camera.z + 0.1, 0.0, 0.0, camera.yaw + 1.0)


def take(camera_wire, blocks, timestamp=0.0, far=100.0, network=SIZE):
    """Return a frame and the probabilities that belong to it."""
    labels, depth = render(camera_wire, blocks, far)
    return StillFrame(timestamp, pose_of(camera_wire), depth), probabilities(labels, network)


def aim(target, distance, height, bearing):
    """Return the wire pose of a camera aimed at `target` from `distance` metres away on the ground and `height` up."""
    x = target[0] + distance * np.cos(np.radians(bearing))
    y = target[1] + distance * np.sin(np.radians(bearing))
    pitch = np.degrees(np.arctan2(height - target[2], distance))
    return (x, y, height, 0.0, pitch, bearing + 180.0 if bearing < 0 else bearing - 180.0)


@pytest.fixture(scope="session")
def scene():
    """The ray caster's functions."""
    return SimpleNamespace(
        Block=Block,
        StillFrame=StillFrame,
        aim=aim,
        camera_of=camera_of,
        focal=FOCAL,
        person=person,
        pose_of=pose_of,
        probabilities=probabilities,
        render=render,
        take=take,
        to_unity=to_unity,
        unity_rotation=unity_rotation,
    )
