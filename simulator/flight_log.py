"""What a flight came to: times, distances and collisions, and a track file for plots. Decides nothing."""

import json
import time
from collections import Counter, deque
from dataclasses import asdict
from statistics import median
from typing import TextIO

from simulator.episode import Observation, QuadState


class FlightLog:
    """Takes in every observation; `track`, where given, gets one JSON object a line."""

    def __init__(self, track: TextIO | None = None):
        self._track = track
        self._seconds: Counter[QuadState] = Counter()
        self._frames, self._seen = Counter[QuadState](), Counter[QuadState]()
        self._distances: list[float] = []
        self._last: Observation | None = None
        self._collisions = 0  # of earlier episodes
        self._arrivals: deque[float] = deque(maxlen=25)  # clock times of the latest frames

    def add(self, observation: Observation) -> None:
        """Count one frame. Time that goes back is that of a new episode."""
        if self._last is not None and observation.time >= self._last.time:
            self._seconds[self._last.state] += observation.time - self._last.time
        elif self._last is not None:
            self._collisions += self._last.collisions
        self._last = observation
        self._arrivals.append(time.monotonic())
        self._frames[observation.state] += 1
        self._seen[observation.state] += observation.hero_visible
        if observation.state is QuadState.FOLLOW and observation.hero is not None:
            self._distances.append(observation.hero_distance)
        if self._track is not None:
            self._track.write(json.dumps(_track_row(observation)) + "\n")

    def status(self) -> str:
        """One line on the present moment."""
        now = self._last
        if now is None:
            return "waiting"
        hero = f", hero {now.hero_distance:.1f} m away" if now.hero is not None else ""
        seen = " and in view" if now.hero_visible else ""
        span = self._arrivals[-1] - self._arrivals[0]
        pace = f", {(len(self._arrivals) - 1) / span:.1f} frames/s" if span > 0 else ""
        return f"{now.time:6.1f} s  {now.state.value}{hero}{seen}{pace}"

    def summary(self) -> list[tuple[str, str]]:
        """Rows of (what, value) for the end of the flight."""
        rows = [("frames", str(self._frames.total()))]
        rows += [(f"time in {state.value}", f"{self._seconds[state]:.1f} s") for state in QuadState]
        for state in QuadState:
            if self._frames[state] and self._last.hero is not None:
                share = self._seen[state] / self._frames[state]
                rows.append((f"hero in view in {state.value}", f"{100 * share:.1f} % of frames"))
        if self._distances:
            rows.append(("distance to the hero in follow", f"{median(self._distances):.2f} m (median)"))
        if self._last is not None:
            rows.append(("collisions", str(self._collisions + self._last.collisions)))
        return rows


def _track_row(observation: Observation) -> dict:
    hero = observation.hero
    return {
        "time": round(observation.time, 3),
        "state": observation.state.value,
        "pose": _rounded(asdict(observation.pose)),
        "gimbal_pose": _rounded(asdict(observation.gimbal_pose)),
        "hero": None if hero is None else _rounded({"id": hero.id, "x": hero.x, "y": hero.y, "z": hero.z}),
        "hero_visible": observation.hero_visible,
        "hero_pixels": observation.hero_pixels,
        "reported": observation.reported,
        "collisions": observation.collisions,
    }


def _rounded(numbers: dict) -> dict:
    return {name: round(value, 4) for name, value in numbers.items()}
