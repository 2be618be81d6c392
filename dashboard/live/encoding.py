"""Frames, rows and events as the page gets them: plain data for JSON, and bytes for what is large.

The camera's and the depth image go out as they came in; only the network's answer is packed here.
"""

import math
import time
import zlib
from collections.abc import Iterable, Mapping

import cv2
import numpy as np

from dashboard.live.feed import Event, NewestFrame, Row, SimulatorHistory
from follower.types import Pose
from sim_bridge.session import Session

SILENT_SECONDS = 2.0  # without a frame for so long, a simulator is said to be silent


def encode_classes(probabilities: np.ndarray) -> bytes:
    """(rows, columns, 3) float32 -> zlib of two planes (people, hero) of rows x columns bytes, 255 = certain."""
    levels = cv2.convertScaleAbs(probabilities, alpha=255)  # rounds; what is beyond 255 stays 255
    return zlib.compress(b"".join(cv2.extractChannel(levels, plane).tobytes() for plane in (1, 2)), 1)


def encode_frame(seen: NewestFrame, classes: bytes, depth: bool) -> dict:
    """One frame with what was decided on it; `classes` from `encode_classes`."""
    processed = seen.processed
    frame, decision = processed.frame, processed.decision
    detection, found = decision.detection, decision.range
    return {
        "number": seen.number,
        "time": seen.received,
        "timestamp": frame.timestamp,
        "jpeg": frame.jpeg,
        "depth": frame.png if depth else None,
        "classes": classes,
        "size": list(frame.image.shape[:2]),
        "grid": list(processed.probabilities.shape[:2]),
        "state": decision.state.value,
        "detection": None
        if detection is None
        else {
            "centroid": finite(detection.centroid),
            "box": finite(detection.box),
            "area": finite(detection.area),
            "confidence": finite(detection.confidence),
        },
        "range": None if found is None else {"metres": finite(found.metres), "source": found.source.value},
        "point": finite(decision.world_point),
        "track": finite(decision.track_point),
        "truth": finite(frame.ground_truth_target),
        "body": encode_pose(frame.pose),
        "camera": encode_pose(frame.gimbal_pose),
        "timings": encode_timings(processed.timings),
    }


def encode_pose(pose: Pose) -> list[float]:
    """x, y, z in metres; roll, pitch, yaw in radians."""
    return [pose.x, pose.y, pose.z, pose.roll, pose.pitch, pose.yaw]


def encode_timings(timings: Mapping[str, float]) -> dict[str, float | None]:
    """Stage -> milliseconds."""
    return {stage: finite(milliseconds) for stage, milliseconds in timings.items()}


def encode_rows(rows: Iterable[Row]) -> list[list]:
    """Rows as lists, in the order of the fields of `Row`."""
    return [[finite(value) for value in vars(row).values()] for row in rows]


def encode_events(events: Iterable[Event]) -> list[dict]:
    """Events as objects with the fields of `Event`."""
    return [dict(vars(event)) for event in events]


def encode_simulator(watched: SimulatorHistory) -> dict:
    """What a tab shows of a simulator."""
    session, now = watched.session, time.time()
    newest = watched.seen.received if watched.seen else session.connected_at
    return {
        "number": session.number,
        "name": session.name,
        "address": session.address,
        "connected_seconds": now - session.connected_at,
        "state": watched.state.value,
        "paused": session.controls.paused,
        "state_seconds": now - watched.since,
        "silent_seconds": now - newest if now - newest > SILENT_SECONDS else 0.0,
        "frames": watched.seen is not None,
        "built_in": None if session.simulator_info is None else dict(vars(session.simulator_info)),
        "counts": encode_counts(session),
    }


def encode_counts(session: Session) -> dict[str, int]:
    """What became of its frames."""
    counts = session.counts
    return {
        "received": counts.received,
        "answered": counts.answered,
        "skipped": counts.skipped,
        "failed": counts.failed,
        "refused": counts.refused.total(),
    }


def finite(value: object) -> object:
    """Numbers alone or in sequences with what JSON cannot hold (NaN, infinity) as None; anything else unchanged."""
    if isinstance(value, tuple | list):
        return [finite(each) for each in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value
