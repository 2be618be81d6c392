"""Updates for viewers: plain data for JSON, and bytes for what is large.

The camera's and the depth image go out as they came in; only the network's output is packed (history.py).
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dashboard.live.feed import Feed
from dashboard.live.history import NewestFrame, SimulatorHistory
from follower.types import Pose

SILENT_SECONDS = 2.0  # without a frame, after which a simulator counts as silent


@dataclass(frozen=True)
class Request:
    """What a viewer has and wants. Numbers are those of the newest item it has, -1 for none."""

    simulator: int | None = None  # the one that is shown; None: any
    frame: int = -1
    row: int = -1
    event: int = -1
    depth: bool = False

    @classmethod
    def parse(cls, data: object) -> "Request":
        """Read a viewer's message; values that make no sense count as missing."""
        values = data if isinstance(data, dict) else {}
        numbers = {name: values.get(name) for name in ("simulator", "frame", "row", "event")}
        return cls(
            **{name: value for name, value in numbers.items() if type(value) is int}, depth=values.get("depth") is True
        )


class Updates:
    """Makes updates from a feed.

    Args:
        about: plain data for viewers that have nothing yet.
        recording: returns the state of the recorder as plain data; None where there is none.
    """

    def __init__(self, feed: Feed, about: dict[str, Any], recording: Callable[[], dict[str, Any] | None]):
        self._feed = feed
        self._about = about
        self._recording = recording

    def has_frame(self, request: Request) -> bool:
        """Return whether there is a frame that the viewer does not have."""
        simulator = self._feed.find(request.simulator)
        return simulator is not None and simulator.newest is not None and simulator.newest.number != request.frame

    def make(self, request: Request) -> dict[str, Any]:
        """Return everything newer than what the viewer has."""
        simulator = self._feed.find(request.simulator)
        update: dict[str, Any] = {
            "time": time.time(),
            "model": self._feed.model,
            "simulators": [encode_simulator(each) for each in self._feed.simulators],
            "selected": None,
            "events": [vars(event) for event in self._feed.events_after(request.event)],
            "rows": [],
            "frame": None,
            "recording": self._recording(),
        }
        if request.event < 0:
            update["about"] = self._about
        if simulator is None:
            return update
        number = update["selected"] = simulator.session.number
        has_row, has_frame = (request.row, request.frame) if number == request.simulator else (-1, -1)
        update["rows"] = [finite([*vars(row).values()]) for row in self._feed.rows_after(simulator, has_row)]
        if simulator.newest is not None and simulator.newest.number != has_frame:
            update["frame"] = encode_frame(simulator.newest, request.depth)
        return update


def encode_frame(newest: NewestFrame, depth: bool) -> dict[str, Any]:
    """Return a frame with the decision on it."""
    frame, decision = newest.processed.frame, newest.processed.decision
    detection, distance = decision.detection, decision.range
    shown = ("centroid", "box", "area", "confidence")
    return {
        "number": newest.number,
        "time": newest.received,
        "timestamp": frame.timestamp,
        "jpeg": frame.jpeg,
        "depth": frame.png if depth else None,
        "classes": newest.classes,
        "size": list(frame.image.shape[:2]),
        "grid": list(newest.processed.probabilities.shape[:2]),
        "state": decision.state.value,
        "detection": None if detection is None else {name: finite(getattr(detection, name)) for name in shown},
        "range": None if distance is None else {"metres": finite(distance.metres), "source": distance.source.value},
        "point": finite(decision.world_point),
        "track": finite(decision.track_point),
        "ground_truth": finite(frame.ground_truth_target),
        "body": encode_pose(frame.pose),
        "camera": encode_pose(frame.gimbal_pose),
        "timings": finite(dict(newest.processed.timings)),
    }


def encode_pose(pose: Pose) -> list[float]:
    """Return x, y, z in metres and roll, pitch, yaw in radians."""
    return [pose.x, pose.y, pose.z, pose.roll, pose.pitch, pose.yaw]


def encode_simulator(simulator: SimulatorHistory) -> dict[str, Any]:
    """Return what the page shows of a simulator besides its frames."""
    session, now = simulator.session, time.time()
    silent = now - (simulator.newest.received if simulator.newest else session.connected_at)
    counts = session.counts
    return {
        "number": session.number,
        "name": session.name,
        "address": session.address,
        "connected_seconds": now - session.connected_at,
        "state": simulator.state.value,
        "paused": session.controls.paused,
        "state_seconds": now - simulator.since,
        "silent_seconds": silent if silent > SILENT_SECONDS else 0.0,
        "frames": simulator.newest is not None,
        "info": None if session.simulator_info is None else vars(session.simulator_info),
        "counts": vars(counts) | {"refused": counts.refused.total()},
    }


def finite(value: Any) -> Any:
    """Return a number, or numbers in sequences and mappings, with None for what JSON cannot hold (NaN, infinity)."""
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [finite(each) for each in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value
