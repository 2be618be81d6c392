"""Child process of test_recovery: record frames endlessly to the given folder, and print how many are written."""

import base64
import io
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

from follower.types import Decision, TargetState
from sim_bridge.events import ProcessedFrame
from sim_bridge.recorder.recorder import Recorder
from sim_bridge.session import Session
from sim_bridge.settings import RecordingSettings
from sim_bridge.wire.messages import parse_sensor_frame


def encode(kind: str, pixels: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return base64.b64encode(file.getvalue()).decode()


def main(folder: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (256, 256, 3), dtype=np.uint8)  # large files: more to interrupt
    payload = {
        "pose": "0,0,0,0,0,0",
        "gimbal_pose": "0,0,0,0,0,0",
        "rgb_image": encode("JPEG", noise),
        "depth_image": encode("PNG", noise),
    }
    probabilities = np.random.default_rng(2).random((256, 256, 3), np.float32)
    recorder = Recorder(RecordingSettings(enabled=True, folder=str(folder), name="killed"))
    session = Session("sid", 1, "test", controls=None)
    decision = Decision(TargetState.SEARCHING, False, ())
    for number in range(100_000):
        frame = parse_sensor_frame(({**payload, "timestamp": str(number)},))
        recorder.frame_processed(session, ProcessedFrame(frame, probabilities, decision, timings={}))
        while recorder.status()["frames"] < number - 3:  # the writer always has something to do
            time.sleep(0.0005)
        print(recorder.status()["frames"], flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
