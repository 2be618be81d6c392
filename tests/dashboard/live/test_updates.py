"""Updates for viewers: what counts as a request, and which numbers are sent."""

import pytest

from dashboard.live.feed import NewestFrame
from dashboard.live.updates import Request, encode_frame
from follower.types import Decision, TargetState
from sim_bridge.wire.messages import parse_sensor_frame
from tests.bridge_fixtures import processed_frame


@pytest.mark.parametrize("data", [None, 1, [], "x", {"frame": "1", "row": True, "simulator": [1], "depth": 1}])
def test_values_that_make_no_sense_count_as_missing(data):
    assert Request.parse(data) == Request()


def test_numbers_that_json_cannot_hold_are_left_out(payload):
    decision = Decision(TargetState.FOUND, False, (), track_point=(float("nan"), 1.0, float("inf")))
    processed = processed_frame(decision, parse_sensor_frame((payload(),)))
    encoded = encode_frame(NewestFrame(0, 1.0, processed), depth=False)
    assert encoded["track"] == [None, 1.0, None]
