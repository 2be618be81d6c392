"""QuadSim's key Esc leaves a connection open that answers pings and sends no frame; a second one sends the frames."""

import time
from types import SimpleNamespace

import pytest

from dashboard.live.feed import Feed
from dataset.recordings.layout import read_meta
from follower.agent import FollowAgent
from sim_bridge import session as session_module
from sim_bridge.recorder.recorder import Recorder
from sim_bridge.settings import RecordingSettings
from tests.bridge_fixtures import make_session, processed_frame

SILENT = 0.3  # seconds in these tests


@pytest.fixture(autouse=True)
def short_silence(monkeypatch):
    monkeypatch.setattr(session_module, "SILENT_SECONDS", SILENT)


def fly(client, payload, eventually, frames: int = 1) -> None:
    """Send frames and wait for the answers."""
    for _ in range(frames):
        number = len(client.acknowledged)
        client.send_frame(payload(), str(number))
        assert eventually(lambda number=number: number in client.acknowledged)


@pytest.mark.parametrize("async_mode", ["threading", "eventlet"])
def test_a_silent_connection_ends_when_another_of_its_machine_flies(
    serve, connect, payload, eventually, tmp_path, async_mode
):
    settings = RecordingSettings(enabled=True, name="flight", folder=str(tmp_path), min_free_gigabytes=0)
    with Recorder(settings) as recorder:
        server = serve(async_mode=async_mode, subscribers=[recorder], make_agent=FollowAgent)
        before_escape = connect(server.port)
        fly(before_escape, payload, eventually)
        (old,) = server.sessions
        assert eventually(lambda: old.silent_seconds > 0)
        assert server.status()["sessions"][0]["silent_seconds"] > 0
        after_escape = connect(server.port)
        fly(after_escape, payload, eventually)
        assert eventually(before_escape.closed.is_set)
        assert [session.number for session in server.sessions] == [2]
        assert eventually(lambda: "end_reason" in read_meta(tmp_path / "flight"))
        assert read_meta(tmp_path / "flight")["end_reason"] == old.end_reason
    assert "no frames any more, and simulator 2 came from the same machine" in old.end_reason


def test_simulators_that_fly_side_by_side_may_pause(serve, connect, payload, eventually):
    server = serve()
    first, second = connect(server.port), connect(server.port)
    for client in (first, second, first):  # the first one still flies when the second one comes
        fly(client, payload, eventually)
    paused = server.sessions[0]
    assert eventually(lambda: paused.silent_seconds > 0)
    fly(second, payload, eventually, frames=3)
    assert len(server.sessions) == 2
    fly(first, payload, eventually)
    assert paused.counts.answered == 3


def test_another_machine_may_connect_while_one_is_silent():
    here, there = make_session(1), make_session(2)
    there.address = "192.168.0.7:5000"
    here.last_frame = there.opened - 2 * SILENT
    assert not here.is_succeeded_by(there)
    there.address = "127.0.0.1:5001"
    assert here.is_succeeded_by(there)
    assert not there.is_succeeded_by(here)


def test_the_page_shows_the_simulator_with_the_newest_frame_unless_one_is_chosen():
    feed, sessions = Feed(), [make_session(number) for number in (1, 2, 3)]
    pose = SimpleNamespace(x=0.0, y=0.0)
    for session in sessions:
        feed.connected(session)
    assert feed.find(None).session.number == 1
    frame = SimpleNamespace(gimbal_pose=pose, ground_truth_target=None)
    for session in (sessions[2], sessions[1]):
        time.sleep(0.01)
        feed.frame_processed(session, processed_frame(frame=frame))
    assert feed.find(None).session.number == 2
    assert feed.find(3).session.number == 3
    assert feed.find(9).session.number == 2
