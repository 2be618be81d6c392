"""The feed: rows and events made of what the bridge publishes."""

import pytest

from dashboard.live.feed import Feed
from sim_bridge.wire.bad_frame import BadFrame
from sim_bridge.wire.messages import parse_sensor_frame
from tests.bridge_fixtures import make_session, processed_frame


@pytest.fixture
def make_frame(payload):
    return lambda: parse_sensor_frame((payload(),))


def test_close_frames_share_a_row_with_the_longest_latency(make_frame):
    moment = 1000.0
    feed, session = Feed(clock=lambda: moment), make_session()
    feed.connected(session)
    for latency in (5.0, 40.0, 7.0, 6.0):
        feed.frame_processed(session, processed_frame(frame=make_frame(), latency=latency))
        session.counts.skipped += 1
        moment += 0.06
    rows = feed.rows_after(feed.simulators[0], -1)
    assert [(row.frames, row.latency, row.skipped) for row in rows] == [(1, 5.0, 0), (2, 40.0, 2)]


def test_a_clock_that_is_set_back_holds_up_neither_rows_nor_refusals(make_frame):
    clock = [1000.0]
    feed, session = Feed(clock=lambda: clock[0]), make_session()
    feed.connected(session)
    for now in (1000.0, 100.0, 100.2):
        clock[0] = now
        feed.frame_processed(session, processed_frame(frame=make_frame()))
        feed.refused(session, BadFrame("bad-jpeg", "broken"))
    assert [row.time for row in feed.rows_after(feed.simulators[0], -1)] == [1000.0, 100.0, 100.2]
    assert [event.time for event in feed.events_after(0) if event.kind == "refused"] == [1000.0, 100.0]


def test_refusals_of_a_kind_share_an_event():
    feed, session = Feed(), make_session()
    feed.connected(session)
    for _ in range(100):
        feed.refused(session, BadFrame("bad-jpeg", "<b>broken</b>"))
    feed.refused(session, BadFrame("bad-pose", "no pose"))
    texts = [event.text for event in feed.events_after(0)]
    assert texts == ["refused (bad-jpeg): <b>broken</b>", "refused (bad-pose): no pose"]
