"""Statistics of a flight, and a track file for plots."""

import json
import logging
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import TextIO

from simulator.types import Observation, QuadState

logger = logging.getLogger(__name__)


@contextmanager
def open_track(path: Path) -> Iterator[TextIO]:
    """Open a track file, whose lines reach the disk one by one: a full one is noticed while the flight goes on.

    Missing folders are made. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("w", encoding="utf-8", buffering=1)
    try:
        yield file
    finally:
        with suppress(OSError):  # of the line that did not fit, which was told
            file.close()


class FlightLog:
    """Accumulates observations. `track`, if given, receives one JSON object per line and frame."""

    def __init__(self, track: TextIO | None = None):
        self._track = track
        self._seconds = dict.fromkeys(QuadState, 0.0)
        self._frames, self._frames_with_target = Counter[QuadState](), Counter[QuadState]()
        self._distances: list[float] = []
        self._last: Observation | None = None
        self._earlier_collisions = 0  # of earlier episodes
        self._arrivals: deque[float] = deque(maxlen=25)  # clock times of the latest frames
        self._clock_seconds = 0.0  # that `_seconds` have taken

    def add(self, observation: Observation) -> None:
        """Add one frame. If the time runs backwards, a new episode has begun."""
        now = time.monotonic()
        if self._last is not None and observation.time >= self._last.time:
            self._seconds[self._last.state] += observation.time - self._last.time
            self._clock_seconds += now - self._arrivals[-1]
        elif self._last is not None:
            self._earlier_collisions += self._last.collisions
        self._last = observation
        self._arrivals.append(now)
        self._frames[observation.state] += 1
        self._frames_with_target[observation.state] += observation.target_visible
        if observation.state is QuadState.FOLLOW and observation.target is not None:
            self._distances.append(observation.target_distance)
        if self._track is not None:
            try:
                self._track.write(json.dumps(_track_row(observation)) + "\n")
            except OSError as error:  # mostly a full disk: the flight goes on
                logger.warning("the track ends here: %s", error)
                self._track = None

    def status(self) -> str:
        """Return one line that describes the current state."""
        now = self._last
        if now is None:
            return "waiting"
        target = f", target {now.target_distance:.1f} m away" if now.target is not None else ""
        visible = " and in view" if now.target_visible else ""
        span = self._arrivals[-1] - self._arrivals[0]
        rate = f", {(len(self._arrivals) - 1) / span:.1f} frames/s" if span > 0 else ""
        return f"{now.time:6.1f} s  {now.state.value}{target}{visible}{rate}"

    def summary(self) -> list[tuple[str, str]]:
        """Return rows (name, value) for the end of the flight."""
        rows = [("frames", str(self._frames.total()))]
        if self._clock_seconds > 0:
            speed = sum(self._seconds.values()) / self._clock_seconds
            rows.append(("speed reached", f"{speed:.1f} simulated seconds per second"))
        rows += [(f"time in {state.value}", f"{self._seconds[state]:.1f} s") for state in QuadState]
        for state in QuadState:
            if self._frames[state] and self._last is not None and self._last.target is not None:
                fraction = self._frames_with_target[state] / self._frames[state]
                rows.append((f"target in view in {state.value}", f"{100 * fraction:.1f} % of frames"))
        if self._distances:
            rows.append(("distance to the target in follow", f"{median(self._distances):.2f} m (median)"))
        if self._last is not None:
            rows.append(("collisions", str(self._earlier_collisions + self._last.collisions)))
        return rows


def _track_row(observation: Observation) -> dict[str, object]:
    target = observation.target
    return {
        "time": round(observation.time, 3),
        "state": observation.state.value,
        "pose": _rounded(asdict(observation.pose)),
        "gimbal_pose": _rounded(asdict(observation.gimbal_pose)),
        "target": target and _rounded({"id": target.id, "x": target.x, "y": target.y, "z": target.z}),
        "target_visible": observation.target_visible,
        "target_pixels": observation.target_pixels,
        "reported": observation.reported,
        "collisions": observation.collisions,
    }


def _rounded(numbers: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in numbers.items()}
