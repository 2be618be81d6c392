"""The summary and the track of a flight whose figures are known."""

import errno
import io
import itertools
import json
import time
from pathlib import Path

import pytest

from simulator import flight_log as flight_log_module
from simulator.flight_log import FlightLog, open_track
from simulator.types import Observation, Person, Pose, QuadState


def moment(time: float, state: QuadState, target_x: float, visible: bool = True, collisions: int = 0) -> Observation:
    pose = Pose(0, 0, 1, 0, 0, 0)
    target = Person(0, True, target_x, 0, 0, 0, 0, 1.4, 0)
    return Observation(time, state, pose, pose, None, (target,), (), visible, (1.0, 2.0, 3.0), collisions)


@pytest.fixture
def clock(monkeypatch):
    """Each moment of a flight comes 0.05 s after the one before, which is a speed of 4."""
    seconds = itertools.count()
    monkeypatch.setattr(flight_log_module.time, "monotonic", lambda: 0.05 * next(seconds))


@pytest.fixture
def observations():
    return [
        moment(0.0, QuadState.PATROL, 50, visible=False),
        moment(0.2, QuadState.PATROL, 50),
        moment(0.4, QuadState.FOLLOW, 3),
        moment(0.6, QuadState.FOLLOW, 4),
        moment(0.8, QuadState.FOLLOW, 9, visible=False, collisions=2),
    ]


def test_the_summary_adds_up(observations, clock):
    flight_log = FlightLog()
    for observation in observations:
        flight_log.add(observation)
    assert dict(flight_log.summary()) == {
        "frames": "5",
        "speed reached": "4.0 simulated seconds per second",
        "time in patrol": "0.4 s",
        "time in follow": "0.4 s",
        "time in search": "0.0 s",
        "target in view in patrol": "50.0 % of frames",
        "target in view in follow": "66.7 % of frames",
        "distance to the target in follow": "4.00 m (median)",
        "collisions": "2",
    }


def test_episodes_add_up_too(observations, clock):
    flight_log = FlightLog()
    for observation in observations:
        flight_log.add(observation)
    time.monotonic()  # the next city is built
    for observation in observations:
        flight_log.add(observation)
    summary = dict(flight_log.summary())
    assert summary["speed reached"] == "4.0 simulated seconds per second"
    assert [summary[what] for what in ("frames", "time in patrol", "collisions")] == ["10", "0.8 s", "4"]


def test_the_track_has_a_row_for_every_frame(observations):
    track = io.StringIO()
    flight_log = FlightLog(track)
    for observation in observations:
        flight_log.add(observation)
    rows = [json.loads(line) for line in track.getvalue().splitlines()]
    assert [row["time"] for row in rows] == [0.0, 0.2, 0.4, 0.6, 0.8]
    assert rows[2]["target"] == {"id": 0, "x": 3, "y": 0, "z": 0}
    assert rows[2]["reported"] == [1, 2, 3]
    assert [row["target_visible"] for row in rows] == [False, True, True, True, False]


def test_a_full_disk_ends_the_track_and_not_the_flight(observations):
    class FullDisk(io.StringIO):
        def write(self, text):
            raise OSError(errno.ENOSPC, "No space left on device")

    flight_log = FlightLog(FullDisk())
    for observation in observations:
        flight_log.add(observation)
    assert dict(flight_log.summary())["frames"] == "5"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_disk_that_is_full_from_the_start_does_not_cost_the_summary(observations):
    with open_track(Path("/dev/full")) as track:
        flight_log = FlightLog(track)
        for observation in observations:
            flight_log.add(observation)
    assert dict(flight_log.summary())["frames"] == "5"


def test_the_status_line_describes_the_current_state(observations):
    flight_log = FlightLog()
    assert flight_log.status() == "waiting"
    flight_log.add(observations[3])
    assert "follow" in flight_log.status()
    assert "target 4.0 m away and in view" in flight_log.status()


def test_a_flight_without_frames_has_a_summary_too():
    assert dict(FlightLog().summary())["frames"] == "0"
