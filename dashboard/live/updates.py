"""Updates for viewers: plain data for JSON, and bytes for what is large.

The camera's and the depth image are sent as received; only the network's output is packed (feed.py).
"""

import math
import time
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np

from dashboard.live.feed import Feed, NewestFrame, SimulatorHistory
from follower.types import Decision, ObjectLost, Point


@dataclass(frozen=True)
class Request:
    """A viewer's request: what it shows, and the number of the newest item it has of each kind, -1 for none."""

    simulator: int | None = None  # the one that is shown; None: any
    frame: int = -1
    row: int = -1
    event: int = -1
    depth: bool = False

    @classmethod
    def parse(cls, data: object) -> "Request":
        """Read a viewer's message; invalid values count as missing."""
        values = data if isinstance(data, dict) else {}
        names = ("simulator", "frame", "row", "event")
        numbers = {name: values[name] for name in names if type(values.get(name)) is int}
        return cls(**numbers, depth=values.get("depth") is True)


def make_update(feed: Feed, request: Request, about: dict[str, Any], recording: dict[str, Any]) -> dict[str, Any]:
    """Return everything newer than what the viewer has; `about` only if it has nothing yet."""
    simulator = feed.find(request.simulator)
    update: dict[str, Any] = {
        "time": time.time(),
        "model": feed.model,
        "simulators": [encode_simulator(each) for each in feed.simulators],
        "selected": None,
        "events": [vars(event) for event in feed.events_after(request.event)],
        "rows": [],
        "frame": None,
        "recording": recording,
    }
    if request.event < 0:
        update["about"] = about
    if simulator is not None:
        number = update["selected"] = simulator.session.number
        has_row, has_frame = (request.row, request.frame) if number == request.simulator else (-1, -1)
        update["rows"] = [finite([*vars(row).values()]) for row in feed.rows_after(simulator, has_row)]
        if simulator.newest is not None and simulator.newest.number != has_frame:
            update["frame"] = encode_frame(simulator.newest, request.depth)
    return update


def encode_frame(newest: NewestFrame, depth: bool) -> dict[str, Any]:
    """Return a frame with the decision on it; poses as x, y, z in metres and roll, pitch, yaw in radians."""
    frame, decision = newest.processed.frame, newest.processed.decision
    detection, distance = decision.detection, decision.range
    shown = ("centroid", "box", "area", "confidence")
    encoded: dict[str, Any] = finite(
        {
            "number": newest.number,
            "time": newest.received,
            "timestamp": frame.timestamp,
            "jpeg": frame.jpeg,
            "depth": frame.png if depth else None,
            "classes": newest.classes,
            "size": frame.image.shape[:2],
            "grid": newest.processed.probabilities.shape[:2],
            "state": decision.state.value,
            "detection": detection and {name: getattr(detection, name) for name in shown},
            "range": distance and {"metres": distance.metres, "source": distance.source.value},
            "point": decision.world_point,
            "track": decision.track_point,
            "look_at": _place_to_look_at(decision),
            "ground_truth": frame.ground_truth_target,
            "body": astuple(frame.pose),
            "camera": astuple(frame.gimbal_pose),
            "timings": dict(newest.processed.timings),
        }
    )
    return encoded


def _place_to_look_at(decision: Decision) -> Point | None:
    """Return the place that the quad is sent to look at, by the last command; None if it is not sent."""
    return next((command.look_at for command in reversed(decision.commands) if isinstance(command, ObjectLost)), None)


def encode_simulator(simulator: SimulatorHistory) -> dict[str, Any]:
    """Return what the page shows of a simulator besides its frames."""
    session = simulator.session
    counts = session.counts
    return {
        "number": session.number,
        "name": session.name,
        "address": session.address,
        "connected_seconds": session.connected_seconds,
        "state": simulator.state.value,
        "paused": session.controls.paused,
        "state_seconds": simulator.state_seconds,
        "silent_seconds": session.silent_seconds,
        "frames": simulator.newest is not None,
        "info": session.simulator_info and vars(session.simulator_info),
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
