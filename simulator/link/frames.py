"""Outgoing messages, as QuadSim writes them.

All values are strings: poses with 4 decimals in Unity's ranges of degrees, timestamps with 15 significant digits, JPEG
of quality 75, depth as an RGBA PNG. Source: a capture of the real client.
"""

import base64
import json
import math
from collections.abc import Mapping

import cv2
import numpy as np

from simulator.types import Image, Observation, Pose

JPEG_OPTIONS = [cv2.IMWRITE_JPEG_QUALITY, 75]
PNG_OPTIONS = [cv2.IMWRITE_PNG_COMPRESSION, 3]


def sensor_frame(observation: Observation, epoch: float, ground_truth: bool = False) -> dict[str, str]:
    """Return the payload of one `sensor_frame`, QuadSim's keys first.

    `epoch` is the Unix time at the start of the simulation. `ground_truth` adds the class mask and the position of the
    target. Raises ValueError if the observation has no images.
    """
    rendered, target = observation.rendered, observation.target
    if rendered is None:
        raise ValueError("expected an observation with images, got one of an episode without a renderer")
    payload = {
        "timestamp": format_timestamp(epoch + observation.time),
        "pose": format_pose(observation.pose),
        "gimbal_pose": format_pose(observation.gimbal_pose),
        "rgb_image": _base64(encode_jpeg(rendered.rgb)),
        "depth_image": _base64(encode_depth(rendered.depth)),
    }
    if ground_truth:
        payload["ground_truth_mask"] = _base64(encode_mask(rendered.mask))
        payload["ground_truth_target"] = "" if target is None else f"{target.x:.4f},{target.y:.4f},{target.z:.4f}"
    return payload


def event(name: str, payload: Mapping[str, object], id: int | None = None) -> str:
    """Return one Socket.IO event in the old dialect. An id requests an acknowledgement, which QuadSim never does."""
    return f"42{'' if id is None else id}{json.dumps([name, payload], separators=(',', ':'))}"


def format_pose(pose: Pose) -> str:
    """Format metres and degrees: Euler angles of 0..360 as Unity has them, roll and yaw negated."""
    roll, pitch, yaw = (math.degrees(angle) for angle in (pose.roll, pose.pitch, pose.yaw))
    numbers = (pose.x, pose.y, pose.z, -(-roll % 360), pitch % 360, -(-yaw % 360))
    return ",".join(f"{number + 0.0:.4f}" for number in numbers).replace("-0.0000", "0.0000")


def format_timestamp(seconds: float) -> str:
    """Format Unix seconds as C# prints a double."""
    return f"{seconds:.15g}"


def encode_jpeg(rgb: Image) -> bytes:
    """Encode (height, width, 3) as JPEG with the quality of Unity's EncodeToJPG."""
    return cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), JPEG_OPTIONS)[1].tobytes()


def encode_depth(depth: Image) -> bytes:
    """Encode (height, width) as RGBA PNG with R = G = B, opaque."""
    rgba = cv2.merge([depth, depth, depth, np.full_like(depth, 255)])
    return cv2.imencode(".png", rgba, PNG_OPTIONS)[1].tobytes()


def encode_mask(mask: Image) -> bytes:
    """Encode (height, width, 3) as RGB PNG."""
    return cv2.imencode(".png", cv2.cvtColor(mask, cv2.COLOR_RGB2BGR), PNG_OPTIONS)[1].tobytes()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
