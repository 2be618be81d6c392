"""Updates over Socket.IO: newest frame, decision, rows and events, at the pace of each viewer."""

import base64
import io
import itertools
import socket
import time
import zlib

import engineio
import numpy as np
import pytest
import socketio
import websocket
from PIL import Image

from dashboard.live.feed import Feed
from dashboard.live.updates import make_update
from dashboard.live.viewers import MAX_VIEWERS, MAX_WAIT_SECONDS, SETTLE_SECONDS, Viewers
from dashboard.settings import DashboardSettings
from sim_bridge.wire.messages import parse_sensor_frame
from tests.bridge_fixtures import make_session, processed_frame

PATIENCE = 30.0  # seconds, on a machine with much else to do


class _EngineInOrder(engineio.Client):
    """The official client, but in order: it handles each part of a message on a thread of its own."""

    def _trigger_event(self, event, *arguments, run_async=False, **options):
        return super()._trigger_event(event, *arguments, run_async=run_async and event != "message", **options)

    def _reset(self):
        super()._reset()
        if self.ws:
            self.ws.shutdown()  # it leaves the socket open if the server has broken the connection off


class _ClientInOrder(socketio.Client):
    def _engineio_client_class(self):
        return _EngineInOrder


class Watcher:
    """A viewer with the official client library."""

    def __init__(self, port: int):
        self.client = socketio.SimpleClient()
        self.client.client_class = _ClientInOrder
        self.client.connect(
            f"http://127.0.0.1:{port}", namespace="/dashboard", transports=["websocket"], wait_timeout=PATIENCE
        )

    def ask(self, request: object = None, timeout: float = PATIENCE) -> dict:
        self.client.emit("ready", request or {})
        return self.receive(timeout)

    def receive(self, timeout: float = PATIENCE) -> dict:
        name, update = self.client.receive(timeout=timeout)
        assert name == "update"
        return update


@pytest.fixture(params=["threading", "eventlet"])
def async_mode(request):
    return request.param


@pytest.fixture
def make_frame(payload):
    return lambda: parse_sensor_frame((payload(),))


@pytest.fixture
def bridge(serve_with_dashboard, finding_agent):
    return serve_with_dashboard(finding_agent)


@pytest.fixture
def watch():
    watchers = []

    def start(port: int) -> Watcher:
        watchers.append(Watcher(port))
        return watchers[-1]

    yield start
    for watcher in watchers:
        watcher.client.disconnect()


def has(watcher: Watcher, request: dict, condition, seconds: float = PATIENCE) -> dict:
    """Return the first update that meets a condition."""
    deadline = time.monotonic() + seconds
    while not condition(update := watcher.ask(request)):
        assert time.monotonic() < deadline
    return update


@pytest.mark.slow
def test_a_viewer_gets_the_frame_and_the_networks_output(
    serve_with_dashboard, finding_agent, async_mode, connect, watch, payload
):
    bridge = serve_with_dashboard(finding_agent, async_mode=async_mode)
    simulator, sent = connect(bridge.port), payload(timestamp=7, brightness=100)
    simulator.send_frame({**sent, "ground_truth_target": "1,2,3"})
    watcher = watch(bridge.port)
    update = has(watcher, {"depth": True}, lambda update: update["frame"])
    frame = update["frame"]
    assert frame["jpeg"] == base64.b64decode(sent["rgb_image"])
    assert frame["depth"] == base64.b64decode(sent["depth_image"])
    assert (frame["size"], frame["grid"]) == ([256, 256], [32, 32])
    people, hero = np.frombuffer(zlib.decompress(frame["classes"]), np.uint8).reshape(2, 32, 32)
    assert not people.any()
    assert set(hero.flat) == {100}
    where = {"centroid": [127.5, 127.5], "box": [100, 110, 156, 146], "area": 2016, "confidence": 0.9}
    assert frame["detection"] == pytest.approx(where)
    assert frame["range"] == {"metres": 12.0, "source": "depth"}
    assert (frame["track"], frame["ground_truth"]) == ([7, 2, 1], [1, 2, 3])
    assert frame["camera"][:3] == [-7.75, -1.2345, 10.4]
    assert {"wait", "decode", "network", "agent", "total"} <= set(frame["timings"])
    assert [(each["number"], each["state"]) for each in update["simulators"]] == [(1, "found")]
    assert [event["kind"] for event in update["events"]] == ["connected", "found"]
    (row,) = (dict(zip(update["about"]["row_fields"], row, strict=True)) for row in update["rows"])
    assert (row["state"], row["area"], row["range"], row["track"], row["ground_truth"]) == (
        "found",
        2016,
        12,
        [7, 2],
        [1, 2],
    )
    assert watcher.ask({"simulator": 1, "frame": frame["number"], "row": row["number"]})["frame"] is None


def test_viewers_are_not_simulators(bridge, watch, payload):
    watcher = watch(bridge.port)
    watcher.client.emit("sensor_frame", payload())
    watcher.client.emit("nonsense", [1, {"a": None}])
    assert watcher.ask()["simulators"] == []
    assert bridge.sessions == []


@pytest.mark.slow
def test_a_slow_viewer_misses_frames_but_no_rows(
    serve_with_dashboard, finding_agent, connect, watch, payload, eventually
):
    bridge = serve_with_dashboard(finding_agent, feed=Feed(clock=itertools.count(1e9).__next__))  # far apart: own rows
    simulator = connect(bridge.port)
    watcher = watch(bridge.port)
    for number in range(5):
        simulator.send_frame(payload(timestamp=number), str(number))
        assert eventually(lambda number=number: number in simulator.acknowledged)
    update = has(watcher, {}, lambda update: update["frame"] and update["frame"]["number"] == 4)
    assert [row[0] for row in update["rows"]] == list(range(5))
    with pytest.raises(socketio.exceptions.TimeoutError):  # nothing comes that was not asked for
        watcher.receive(timeout=1.5)
    (row,) = watcher.ask({"simulator": 1, "row": 3})["rows"]
    assert row[0] == 4


@pytest.mark.slow
def test_updates_come_no_faster_than_the_rate(serve_with_dashboard, finding_agent, connect, watch, payload):
    bridge = serve_with_dashboard(finding_agent, dashboard=DashboardSettings(rate=10))
    simulator, watcher = connect(bridge.port), watch(bridge.port)
    began, got, have, sent = time.monotonic(), 0, -1, payload()
    while time.monotonic() - began < 1.5:
        simulator.send_frame(sent)
        frame = watcher.ask({"simulator": 1, "frame": have})["frame"]
        if frame:
            have, got = frame["number"], got + 1
    assert 1 <= got <= 10 * (time.monotonic() - began) + 2


@pytest.mark.slow
def test_updates_continue_without_frames(bridge, connect, watch):
    connect(bridge.port).send("42" + '["nonsense",{}]')  # makes it a simulator
    watcher = watch(bridge.port)
    first = has(watcher, {}, lambda update: len(update["events"]) == 2)
    second = watcher.ask({"simulator": 1})
    gone = second["simulators"][0]["connected_seconds"] - first["simulators"][0]["connected_seconds"]
    assert gone > 0.5
    assert [event["kind"] for event in second["events"]] == ["connected", "refused"]


def test_simulators_are_selected_by_number(bridge, connect, watch, payload):
    one, other = connect(bridge.port), connect(bridge.port)
    watcher = watch(bridge.port)
    one.send_frame(payload(timestamp=1))
    has(watcher, {}, lambda update: update["frame"])
    other.send_frame(payload(timestamp=2))
    update = has(watcher, {"simulator": 2}, lambda update: update["frame"] and update["selected"] == 2)
    assert update["frame"]["timestamp"] == 2
    other.close()
    update = has(watcher, {"simulator": 2, "row": 0}, lambda update: len(update["simulators"]) == 1)
    assert update["selected"] == 1  # the other one took its place, from its first row on
    assert [row[0] for row in update["rows"]] == [0]


@pytest.mark.slow
def test_a_viewer_that_does_not_read_fills_no_memory(
    serve_with_dashboard, finding_agent, async_mode, connect, payload, eventually
):
    bridge = serve_with_dashboard(finding_agent, async_mode=async_mode, dashboard=DashboardSettings(rate=120))
    address = f"ws://127.0.0.1:{bridge.port}/socket.io/?EIO=4&transport=websocket"
    deaf = websocket.create_connection(address, sockopt=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)])
    deaf.send("40/dashboard,")
    simulator, sent = connect(bridge.port), payload()
    noise = io.BytesIO()  # 190 kB, more than the system's buffers hold after some
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)).save(noise, "PNG")
    sent["depth_image"] = base64.b64encode(noise.getvalue()).decode()
    latencies = []
    for number in range(150):
        began = time.monotonic()
        simulator.send_frame(sent, str(number))
        assert eventually(lambda number=number: number in simulator.acknowledged)
        latencies.append(time.monotonic() - began)
        deaf.send('42/dashboard,["ready",{"depth":true}]')
    assert max(connection.queue.qsize() for connection in bridge.sio.eio.sockets.values()) < 40
    assert sorted(latencies)[75] < 1.0
    deaf.shutdown()
    assert eventually(lambda: bridge.dashboard.viewers.count == 0)


@pytest.fixture
def make_viewers(eventually):
    """Let viewers request a simulator with one frame; return the time, viewers and content of each update."""
    started = []

    def start(requests: list[dict], frame, busy: bool) -> list:
        sent: list[tuple[float, list[str], dict]] = []
        feed, session = Feed(), make_session()
        viewers = Viewers(
            feed,
            lambda request: make_update(feed, request, about={}, recording=None),
            lambda sids, update: sent.append((time.monotonic(), sorted(sids), update)),
            lambda: busy,
            rate=120.0,
        )
        started.append(viewers)
        for number, request in enumerate(requests):
            assert viewers.connect(f"viewer {number}", {})
            viewers.ready(f"viewer {number}", request)
        feed.connected(session)
        began = time.monotonic()
        feed.frame_processed(session, processed_frame(frame=frame))
        viewers.start()
        assert eventually(lambda: sum(len(sids) for _, sids, _ in sent) == len(requests))
        return [(moment - began, *rest) for moment, *rest in sent]

    yield start
    for viewers in started:
        viewers.close()


def test_viewers_with_the_same_request_share_an_update(make_viewers, make_frame):
    sent = make_viewers([{}, {"depth": True}, {}], make_frame(), busy=False)
    assert sorted(sids for _, sids, _ in sent) == [["viewer 0", "viewer 2"], ["viewer 1"]]
    assert {sids[0]: update["frame"]["depth"] is None for _, sids, update in sent} == {
        "viewer 0": True,
        "viewer 1": False,
    }


def test_a_failed_update_freezes_no_page(eventually, make_frame):
    """A page asks for its next update only once it has one."""
    feed, session, tries, sent = Feed(), make_session(), [], []

    def fail_once(request):
        tries.append(request)
        if len(tries) == 1:
            raise OSError("no space left on device")
        return {}

    viewers = Viewers(feed, fail_once, lambda sids, update: sent.append(sids), lambda: False, rate=120.0)
    assert viewers.connect("viewer", {})
    viewers.ready("viewer", {})
    feed.connected(session)
    viewers.start()
    try:
        assert eventually(lambda: tries)
        feed.frame_processed(session, processed_frame(frame=make_frame()))
        assert eventually(lambda: sent == [["viewer"]])
    finally:
        viewers.close()


def test_updates_wait_for_the_end_of_a_frame_but_not_for_ever(make_viewers, make_frame):
    assert make_viewers([{}], make_frame(), busy=False)[0][0] >= SETTLE_SECONDS
    assert make_viewers([{}], make_frame(), busy=True)[0][0] >= MAX_WAIT_SECONDS


def test_websocket_compression_is_off(serve_with_dashboard, async_mode):
    bridge = serve_with_dashboard(async_mode=async_mode)
    address = f"ws://127.0.0.1:{bridge.port}/socket.io/?EIO=4&transport=websocket"
    as_browsers_do = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
    viewer = websocket.create_connection(address, header=as_browsers_do)
    assert "sec-websocket-extensions" not in viewer.getheaders()
    viewer.shutdown()


def test_viewers_beyond_the_limit_are_refused(bridge, watch):
    for _ in range(MAX_VIEWERS):
        watch(bridge.port)
    with pytest.raises(socketio.exceptions.ConnectionError):
        watch(bridge.port)
