"""Synthetic frames: a red target walks away over flat ground, is out of sight for a while, and comes back.

`python -m tests.walk tests/dataset/recordings` remakes the recording `walk` with the real bridge and agent.
"""

import base64
import io
import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from follower.agent import FollowAgent
from sim_bridge.recorder.recorder import Recorder
from sim_bridge.replay.client import ReplayClient
from sim_bridge.server import BridgeServer
from sim_bridge.settings import BridgeSettings, RecordingSettings

SIZE, FOCAL, FAR = 256, 128 / math.tan(math.radians(30)), 100.0
CAMERA_HEIGHT, PITCH = 6.0, math.radians(15)
TARGET_HEIGHT, TARGET_WIDTH = 1.6, 0.6
FRAMES = 30
UNSEEN = range(12, 21)


def target_at(number: int) -> tuple[float, float]:
    """Return the target's position, (x, y) in metres."""
    return 8 + 1.2 * number, 3 * math.sin(number / 6)


def make_frame(number: int) -> dict[str, str]:
    """Return one `sensor_frame`: a camera that looks along +x, PITCH downwards, and follows at half the speed."""
    camera_x = 0.6 * number
    rows = (np.arange(SIZE) - 127.5) / FOCAL
    down = math.sin(PITCH) + rows * math.cos(PITCH)  # metres lower per metre of depth
    depth = np.where(down > 0, CAMERA_HEIGHT / np.maximum(down, 1e-9), FAR)
    depth = np.repeat(np.minimum(depth, FAR)[:, None], SIZE, axis=1)
    image = np.full((SIZE, SIZE, 3), (120, 150, 110), np.uint8)
    image[down <= 0] = (170, 190, 220)
    if number not in UNSEEN:
        x, y = target_at(number)
        near = (x - camera_x) * math.cos(PITCH) + CAMERA_HEIGHT * math.sin(PITCH)
        feet = 127.5 + FOCAL * (CAMERA_HEIGHT * math.cos(PITCH) - (x - camera_x) * math.sin(PITCH)) / near
        middle = 127.5 - FOCAL * y / near
        top, bottom = round(feet - FOCAL * TARGET_HEIGHT / near), round(feet)
        left, right = round(middle - FOCAL * TARGET_WIDTH / 2 / near), round(middle + FOCAL * TARGET_WIDTH / 2 / near)
        image[top:bottom, left:right] = (200, 30, 30)
        depth[top:bottom, left:right] = near
    jpeg, png = io.BytesIO(), io.BytesIO()
    Image.fromarray(image).save(jpeg, "JPEG", quality=75)
    Image.fromarray(np.round(depth / FAR * 255).astype(np.uint8)).convert("RGBA").save(png, "PNG")
    pose = f"{camera_x:.4f},0.0000,{CAMERA_HEIGHT:.4f},0.0000"
    return {
        "timestamp": f"{1.5e9 + number / 5:.2f}",
        "pose": f"{pose},0.0000,0.0000",
        "gimbal_pose": f"{pose},{math.degrees(PITCH):.4f},0.0000",
        "rgb_image": base64.b64encode(jpeg.getvalue()).decode(),
        "depth_image": base64.b64encode(png.getvalue()).decode(),
    }


class RedSegmenter:
    """Network for this world: red is the target."""

    typical_fraction = 0.95

    def predict(self, images: np.ndarray) -> np.ndarray:
        small = [cv2.resize(image, (128, 128), interpolation=cv2.INTER_AREA).astype(np.float32) for image in images]
        red = np.stack([image[..., 0] - image[..., 1:].max(axis=-1) for image in small])
        target = np.clip(red / 150, 0, 0.98)
        return np.stack([1 - target, np.zeros_like(target), target], axis=-1)


def record(
    folder: Path,
    name: str,
    frames: range = range(FRAMES),
    info: Mapping[str, object] | None = None,
    **settings: object,
) -> Path:
    """Fly frames in lockstep through a recording bridge; return the recording's folder.

    `info` is what the built-in simulator says of itself; without it, the frames are QuadSim's.
    """
    recorder = Recorder(RecordingSettings(enabled=True, folder=str(folder), name=name, **settings))
    server = BridgeServer(RedSegmenter(), FollowAgent, BridgeSettings(port=0), [recorder])
    with recorder, server, ReplayClient("127.0.0.1", server.port) as client:
        if info is not None:
            client.announce(info)
        for number in frames:
            answer = client.wait(client.send(make_frame(number)), 10)
            assert answer.outcome == "answered", answer
    return folder / name


if __name__ == "__main__":
    made = record(Path(sys.argv[1]), "walk")
    print(json.dumps({"recording": str(made), "bytes": sum(file.stat().st_size for file in made.rglob("*"))}))
