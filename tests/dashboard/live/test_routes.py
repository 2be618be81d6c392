"""Controls as HTTP calls: their effects, authorisation, and refusals."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from dashboard.live.feed import Feed
from sim_bridge.recorder import recorder as recorder_module
from sim_bridge.recorder.recorder import Recorder
from sim_bridge.settings import RecordingSettings


class ObservedRecorder(Recorder):
    """Counts what it has received: a simulator gets its answer before that."""

    received = 0

    def frame_processed(self, session, processed):
        super().frame_processed(session, processed)
        self.received += 1


@pytest.fixture
def recorder(tmp_path):
    with ObservedRecorder(RecordingSettings(folder=str(tmp_path), min_free_gigabytes=0)) as recorder:
        yield recorder


@pytest.fixture
def fly(serve_with_dashboard, recorder):
    """Start a bridge with controls; return a function that calls them."""

    def start(**options):
        feed = Feed()
        bridge = serve_with_dashboard(recorder=recorder, feed=feed, **options)
        address = f"http://127.0.0.1:{bridge.port}"

        def call(path: str, body: object = None, **more) -> requests.Response:
            return requests.post(f"{address}/api/{path}", json={} if body is None else body, timeout=30, **more)

        call.bridge, call.address, call.feed = bridge, address, feed
        return call

    return start


def flown(connect, call, payload, eventually):
    """A simulator that has sent its first frame."""
    simulator = connect(call.bridge.port)
    simulator.send_frame(payload(), "1")
    assert eventually(lambda: 1 in simulator.acknowledged)
    simulator.events.get(timeout=30)
    return simulator


def test_pausing_withholds_commands_from_that_simulator_only(fly, connect, payload, eventually):
    call = fly()
    one, other = (flown(connect, call, payload, eventually) for _ in range(2))
    assert call("simulators/1/pause", {"paused": True}).json() == {"paused": True}
    for simulator in (one, other):
        simulator.send_frame(payload(), "2")
        assert eventually(lambda simulator=simulator: 2 in simulator.acknowledged)
    assert other.events.get(timeout=30)[0] == "object_detected"
    assert one.events.empty()
    call("simulators/1/pause", {"paused": False})
    one.send_frame(payload())
    assert one.events.get(timeout=30)[0] == "object_detected"


def test_a_recording_has_the_requested_name_filter_and_mark(fly, connect, payload, eventually, recorder, tmp_path):
    call = fly()
    simulator = flown(connect, call, payload, eventually)
    assert call("recording/start", {"name": "by_hand", "filter": ["far"]}).json()["name"] == "by_hand"
    for number in range(2, 6):
        if number == 4:
            assert eventually(lambda: recorder.received == 3)
            assert call("mark", {"note": "a bus in the way"}).ok
        simulator.send_frame(payload(), str(number))
        assert eventually(lambda number=number: number in simulator.acknowledged)
    assert requests.get(f"{call.address}/api/controls", timeout=30).json()["recorder"]["recording"]
    assert eventually(lambda: recorder.received == 5)
    assert call("recording/stop").json()["recording"] is False
    recorder.close()
    lines = (tmp_path / "by_hand" / "frames.jsonl").read_text().splitlines()
    notes = [json.loads(line)["note"] for line in lines]
    assert notes == ["a bus in the way"]  # nothing was far; this one was asked for


@pytest.mark.parametrize("async_mode", ["threading", "eventlet"])
def test_a_slow_disk_that_is_tried_for_a_recording_delays_no_other_call(fly, recorder, monkeypatch, async_mode):
    begun, finish = threading.Event(), threading.Event()

    def check_slowly(settings):
        begun.set()
        assert finish.wait(10)

    monkeypatch.setattr(recorder_module, "check_destination", check_slowly)
    call = fly(async_mode=async_mode)
    with ThreadPoolExecutor() as pool:
        started = pool.submit(call, "recording/start", {"name": "meadow"})
        assert begun.wait(30)
        try:
            assert requests.get(f"{call.address}/status", timeout=3).ok
        finally:
            finish.set()
        assert started.result().json()["name"] == "meadow"
    assert events(call) == ["recording meadow"]


def events(call) -> list[str]:
    return [event.text for event in call.feed.events_after(-1) if event.kind == "control"]


def test_the_log_names_the_folder_that_was_written(fly, connect, payload, eventually, recorder, tmp_path):
    call = fly()
    simulator = flown(connect, call, payload, eventually)
    (tmp_path / "meadow").mkdir()
    assert call("recording/start", {"name": "meadow"}).json()["name"] == "meadow-2"
    simulator.send_frame(payload(), "2")
    assert eventually(lambda: recorder.received == 2)
    call("recording/stop")
    assert eventually(lambda: events(call) == ["recording meadow-2", "recorded meadow-2"])


def test_the_log_claims_no_recording_where_no_frame_was_kept(fly, eventually):
    call = fly()
    call("recording/start", {"name": "meadow"})
    call("recording/stop")
    assert eventually(lambda: events(call) == ["recording meadow", "recorded nothing: no frame was kept"])


def test_dropping_the_target_reaches_the_simulator(fly, connect, payload, eventually):
    call = fly()
    flown(connect, call, payload, eventually)
    assert call("simulators/1/drop-target").ok
    assert call.bridge.sessions[0].controls.drop_requested


@pytest.mark.parametrize(
    ("path", "body", "status", "word"),
    [
        ("simulators/7/pause", {"paused": True}, 404, "simulator 7"),
        ("simulators/7/drop-target", {}, 404, "simulator 7"),
        ("simulators/x/pause", {"paused": True}, 404, None),
        ("mark", [], 400, "object"),
        ("mark", {"note": 5}, 400, "note"),
        ("mark", {"note": "x" * 201}, 400, "note"),
        ("recording/start", {"name": "../../etc"}, 400, "name"),
        ("recording/start", {"name": 5}, 400, "name"),
        ("recording/start", {"filter": "far"}, 400, "filter"),
        ("recording/start", {"filter": ["<b>"]}, 400, "filter"),
        ("mark", {"note": "x" * 20_000}, 413, "10000 bytes"),
    ],
)
def test_invalid_requests_are_refused_in_one_sentence(fly, recorder, path, body, status, word):
    answer = fly()(path, body)
    assert answer.status_code == status
    assert word is None or word in answer.json()["error"]
    assert not recorder.recording


def test_a_value_of_the_wrong_type_names_what_is_expected(fly, connect, payload, eventually):
    call = fly()
    flown(connect, call, payload, eventually)
    answer = call("simulators/1/pause", {"paused": "yes"})
    assert answer.status_code == 400
    assert "true or false" in answer.json()["error"]


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"Origin": "http://evil.example"}},
        {"headers": {"Origin": "null"}},
        {"headers": {"Host": "evil.example:4567"}},
        {"data": '{"note": "x"}', "headers": {"Content-Type": "text/plain"}},  # what a form of another site can send
        {"data": {"note": "x"}},
    ],
)
def test_pages_of_other_sites_control_nothing(fly, recorder, options):
    call = fly()
    for path in ("recording/start", "mark"):
        content = {"json": {}} | options if "data" not in options else options
        answer = requests.post(f"{call.address}/api/{path}", timeout=30, **content)
        assert answer.status_code in (403, 415)
    assert not recorder.recording
    assert "Access-Control-Allow-Origin" not in requests.options(f"{call.address}/api/mark", timeout=30).headers


def test_controls_refuse_get_requests(fly, recorder):
    assert requests.get(f"{fly().address}/api/recording/start", timeout=30).status_code == 405


def test_on_a_public_address_controls_need_the_token(fly, recorder):
    call = fly(host="0.0.0.0")
    token = call.bridge.dashboard.token
    assert len(token) >= 20
    assert call.bridge.dashboard.address.endswith(f"/#token={token}")
    assert requests.get(call.address, timeout=30).ok
    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": token}, {"Authorization": "Bearer é".encode()}):
        assert call("recording/start", headers=headers).status_code == 401
        assert requests.get(f"{call.address}/api/controls", headers=headers, timeout=30).json()["authorised"] is False
    assert not recorder.recording
    right = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"{call.address}/api/controls", headers=right, timeout=30).json()["authorised"] is True
    assert call("recording/start", headers=right).ok
    assert recorder.recording


def test_on_the_loopback_address_no_token_is_needed(fly):
    call = fly()
    assert call.bridge.dashboard.token is None
