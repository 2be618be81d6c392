"""Updates for viewers: what counts as a request, and which numbers are sent."""

import re
import time
from pathlib import Path

import pytest

from dashboard.live.feed import Feed, NewestFrame
from dashboard.live.updates import Request, encode_frame, encode_simulator
from follower.types import Decision, ObjectLost, TargetState
from sim_bridge.wire.messages import parse_sensor_frame
from sim_bridge.wire.simulator_control import SimulatorInfo
from tests.bridge_fixtures import make_session, processed_frame


@pytest.mark.parametrize("data", [None, 1, [], "x", {"frame": "1", "row": True, "simulator": [1], "depth": 1}])
def test_values_that_make_no_sense_count_as_missing(data):
    assert Request.parse(data) == Request()


def test_numbers_that_json_cannot_hold_are_left_out(payload):
    decision = Decision(TargetState.FOUND, False, (), track_point=(float("nan"), 1.0, float("inf")))
    processed = processed_frame(decision, parse_sensor_frame((payload(),)))
    encoded = encode_frame(NewestFrame(0, 1.0, processed), depth=False)
    assert encoded["track"] == [None, 1.0, None]


@pytest.mark.parametrize(
    ("commands", "place"), [((), None), ((ObjectLost(),), None), ((ObjectLost((1.0, 2.0, 3.0)),), (1.0, 2.0, 3.0))]
)
def test_the_place_to_which_the_quad_is_sent_is_shown(payload, commands, place):
    processed = processed_frame(Decision(TargetState.LOST, False, commands), parse_sensor_frame((payload(),)))
    sent = encode_frame(NewestFrame(0, 1.0, processed), depth=False)["look_at"]
    assert sent == (None if place is None else list(place))


def test_the_reference_lists_what_is_sent_of_a_built_in_simulator():
    feed, session = Feed(), make_session()
    session.simulator_info = SimulatorInfo(seed=0, people=60)
    feed.connected(session)
    page = Path(__file__).resolve().parents[3] / "docs" / "reference" / "http.md"
    (listed,) = re.findall(r"`info` \(built-in simulator: (.*?)\)", page.read_text(encoding="utf-8"))
    assert set(re.findall(r"`(\w+)`", listed)) == set(encode_simulator(feed.simulators[0])["info"])


@pytest.mark.parametrize("change", [-3600, 3600])
def test_durations_do_not_jump_with_the_systems_clock(payload, monkeypatch, change):
    feed, session = Feed(), make_session()
    feed.connected(session)
    found = Decision(TargetState.FOUND, True, ())
    feed.frame_processed(session, processed_frame(found, parse_sensor_frame((payload(),))))
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + change)
    update = encode_simulator(feed.simulators[0])
    for seconds in (update["connected_seconds"], update["state_seconds"], session.summary()["connected_seconds"]):
        assert 0 <= seconds < 60
