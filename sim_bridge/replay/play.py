"""Send the frames of a recording to the bridge, at the recorded pace or as fast as they are answered."""

import base64
import time
from collections.abc import Iterable
from pathlib import Path

from dataset.recordings.frame_record import FrameRecord
from dataset.recordings.layout import RecordingError
from dataset.recordings.recording import Recording
from sim_bridge.replay.client import Answer, ReplayClient

LONGEST_PAUSE = 5.0  # seconds; a longer gap in the recording is not waited for
ANSWER_SECONDS = 30.0


def play(
    recording: Recording, client: ReplayClient, *, real: bool, frames: Iterable[FrameRecord] | None = None
) -> list[Answer]:
    """Send the frames of a recording; return the answer to each.

    Args:
        real: at the pace at which they were received; otherwise each as soon as the one before is answered.
        frames: `recording.frames`, for instance wrapped in a progress bar.

    Raises RecordingError, ReplayError, OSError.
    """
    numbers = []
    received: float | None = None
    due = time.monotonic()
    for record in recording.frames if frames is None else frames:
        payload = payload_of(recording, record)
        if real and record.received is not None:
            if received is not None:
                pause = min(max(record.received - received, 0.0), LONGEST_PAUSE)
                due = max(due + pause, time.monotonic() - pause)
                time.sleep(max(due - time.monotonic(), 0.0))
            received = record.received
        numbers.append(client.send(payload))
        if not real:
            client.wait(numbers[-1], ANSWER_SECONDS)
    return [client.wait(number, ANSWER_SECONDS) for number in numbers]


def payload_of(recording: Recording, record: FrameRecord) -> dict[str, str]:
    """Return the `sensor_frame` of a recorded frame, with the original numbers and bytes. Raises RecordingError."""
    if record.pose is None or record.gimbal_pose is None or record.timestamp is None or not record.depth:
        raise RecordingError(f"{recording.path} cannot be replayed: it was imported, without poses and depth")
    payload = {
        "timestamp": repr(record.timestamp),
        "pose": _joined(record.pose),
        "gimbal_pose": _joined(record.gimbal_pose),
        "rgb_image": _base64(recording.image_path(record)),
        "depth_image": _base64(recording.depth_path(record)),
    }
    if record.label_source == "simulator":
        payload["ground_truth_mask"] = _base64(recording.mask_path(record))
        payload["ground_truth_target"] = _joined(record.ground_truth_target or ())
    return payload


def _joined(numbers: Iterable[float]) -> str:
    return ",".join(map(repr, numbers))


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
