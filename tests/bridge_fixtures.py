"""A raw client that behaves like QuadSim's on the wire, made of sockets only; fake networks and agents."""

import base64
import contextlib
import io
import json
import os
import queue
import socket
import struct
import threading
import time

import numpy as np
import pytest
from PIL import Image

from dashboard.dashboard import serve_dashboard
from dashboard.live.feed import Feed
from dashboard.settings import DashboardSettings
from follower.settings import AgentSettings
from follower.types import (
    Decision,
    DeleteMarker,
    Detection,
    ObjectDetected,
    ObjectLost,
    Range,
    RangeSource,
    TargetState,
)
from sim_bridge.events import ProcessedFrame
from sim_bridge.recorder.recorder import Recorder
from sim_bridge.server import BridgeServer
from sim_bridge.session import OperatorControls, Session
from sim_bridge.settings import BridgeSettings, RecordingSettings
from tests.dashboard.browser import Stream, chromium


class RawClient:
    """A websocket client without a websocket library: every byte that it sends is made here."""

    def __init__(self, port: int, answer_pings: bool = True, header: str = ""):
        self.events: queue.Queue = queue.Queue()  # (event, payload) as received
        self.texts: list[tuple[float, str]] = []  # all messages with their times
        self.acknowledged: dict[int, list] = {}
        self.answer_pings = answer_pings
        self.closed = threading.Event()
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            (
                "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nUser-Agent: websocket-sharp/1.0\r\n"
                f"Upgrade: websocket\r\nConnection: Upgrade\r\nHost: 127.0.0.1:{port}\r\n"
                f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{header}\r\n"
            ).encode()
        )
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += self._read(1)
        assert b" 101 " in answer
        self.socket.settimeout(None)
        self._sending = threading.Lock()
        threading.Thread(target=self._receive, daemon=True).start()

    def send(self, text: str | bytes, fragment: int = 1016) -> None:
        """Send one message, masked, in fragments as websocket-sharp does."""
        opcode = 2 if isinstance(text, bytes) else 1
        data = text if isinstance(text, bytes) else text.encode()
        parts = [data[start : start + fragment] for start in range(0, len(data), fragment)] or [b""]
        out = b""
        for number, part in enumerate(parts):
            final = 0x80 if number == len(parts) - 1 else 0
            out += self._header(final | (opcode if number == 0 else 0), part)
        with self._sending:
            self.socket.sendall(out)

    def send_frame(self, payload: dict, id: str = "") -> None:
        """Send one `sensor_frame`; an id requests an acknowledgement."""
        self.send(f"42{id}" + json.dumps(["sensor_frame", payload]))

    def close(self) -> None:
        """Close the connection without a closing handshake."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise ConnectionResetError
            data += part
        return data

    def _header(self, first: int, part: bytes) -> bytes:
        mask = os.urandom(4)
        length = len(part)
        if length < 126:
            size = bytes([0x80 | length])
        elif length <= 0xFFFF:
            size = struct.pack(">BH", 0x80 | 126, length)
        else:
            size = struct.pack(">BQ", 0x80 | 127, length)
        padded = np.frombuffer(part + bytes(-length % 4), np.uint32) ^ np.frombuffer(mask, np.uint32)
        return bytes([first]) + size + mask + padded.tobytes()[:length]

    def _receive(self) -> None:
        try:
            while True:
                header = self._read(2)
                length = header[1] & 0x7F
                if length == 126:
                    (length,) = struct.unpack(">H", self._read(2))
                elif length == 127:
                    (length,) = struct.unpack(">Q", self._read(8))
                data = self._read(length)
                if header[0] & 0x0F == 8:
                    break
                self._take(data.decode())
        except (OSError, ValueError):
            pass
        self.closed.set()

    def _take(self, text: str) -> None:
        self.texts.append((time.perf_counter(), text))
        if text == "2" and self.answer_pings:
            self.send("3")
        elif text.startswith("42"):
            self.events.put(tuple(json.loads(text[2:])))
        elif text.startswith("43"):
            digits = text[2 : text.index("[")]
            self.acknowledged[int(digits)] = json.loads(text[2 + len(digits) :])


class FakeSegmenter:
    """Classifies every pixel as target; sleeps `seconds` for a batch, as native code would."""

    typical_fraction = 0.95

    def __init__(self, seconds: float = 0.0):
        self.seconds = seconds
        self.batches: list[int] = []

    def predict(self, images: np.ndarray) -> np.ndarray:
        assert images.dtype == np.uint8
        assert images.shape[1:] == (256, 256, 3)
        self.batches.append(len(images))
        time.sleep(self.seconds)
        probabilities = np.zeros((len(images), 32, 32, 3), np.float32)
        probabilities[..., 2] = images.mean(axis=(1, 2, 3))[:, None, None] / 255  # distinguishes sessions
        return probabilities


class FakeAgent:
    """Answers every frame with the brightness of its image and the frame's own timestamp."""

    def network_picture(self, frame) -> np.ndarray:
        return frame.image

    def step(self, frame, probabilities: np.ndarray, typical_fraction: float) -> Decision:
        brightness = float(probabilities[0, 0, 2])
        if brightness < 0.02:  # a black frame: the target is lost
            return Decision(TargetState.LOST, True, (ObjectLost(), DeleteMarker(1)))
        coords = (frame.timestamp, brightness, float(frame.depth_image[0, 0]))
        return Decision(TargetState.FOUND, False, (ObjectDetected(coords),))

    def drop_target(self, frame) -> Decision:
        return Decision(TargetState.LOST, True, (ObjectLost(), DeleteMarker(1)))


class FindingAgent:
    """Finds the target in the middle of each image, 12 m away."""

    def network_picture(self, frame) -> np.ndarray:
        return frame.image

    def step(self, frame, probabilities, typical_fraction) -> Decision:
        mask = probabilities[..., 2] > 0.3
        detection = Detection((127.5, 127.5), (100.0, 110.0, 156.0, 146.0), 2016.0, 0.9, mask)
        point = (frame.timestamp, 2.0, 1.0)
        state = TargetState.FOUND
        return Decision(state, False, (), detection, Range(12.0, RangeSource.DEPTH), point, point)

    def drop_target(self, frame) -> Decision:
        return Decision(TargetState.LOST, True, (ObjectLost(),))


def make_session(number: int = 1) -> Session:
    """Return a connected simulator without a connection."""
    return Session("sid", number, "127.0.0.1:5000", OperatorControls(FakeAgent()))


def processed_frame(decision=None, frame=None, probabilities=None, latency: float = 5.0) -> ProcessedFrame:
    """Return a processed frame; what is not given is a searching agent's view of an empty scene."""
    if probabilities is None:
        probabilities = np.zeros((8, 8, 3), np.float32)
    if decision is None:
        decision = Decision(TargetState.SEARCHING, False, ())
    return ProcessedFrame(frame, probabilities, decision, {"total": latency})


def encode_payload(timestamp: float = 1.0, brightness: int = 100, depth: int = 50, size: int = 256) -> dict:
    """Return a payload as QuadSim sends it: a uniform grey image and a uniform depth image."""
    jpeg, png = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (size, size), (brightness,) * 3).save(jpeg, "JPEG")
    Image.new("RGBA", (size, size), (depth, depth, depth, 255)).save(png, "PNG")
    return {
        "timestamp": str(timestamp),
        "pose": "-7.7500,-1.2345,10.5000,0.0000,0.0000,-2.4316",
        "gimbal_pose": "-7.7500,-1.2345,10.4000,0.0000,15.0000,-2.4336",
        "rgb_image": base64.b64encode(jpeg.getvalue()).decode(),
        "depth_image": base64.b64encode(png.getvalue()).decode(),
    }


def wait_until(condition, seconds: float = 10.0) -> bool:
    """Wait until other threads make a condition true; return whether they did."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return bool(condition())


@pytest.fixture(scope="session")
def payload():
    return encode_payload


@pytest.fixture
def eventually():
    return wait_until


@pytest.fixture
def slow_segmenter():
    return FakeSegmenter


@pytest.fixture
def serve():
    """Start bridges on free ports; all are stopped at the end of the test."""
    running = []

    def start(segmenter=None, make_agent=FakeAgent, subscribers=(), prepare=None, **settings) -> BridgeServer:
        bridge_settings = BridgeSettings(**{"port": 0} | settings)
        server = BridgeServer(segmenter or FakeSegmenter(), make_agent, bridge_settings, subscribers)
        if prepare is not None:
            prepare(server)
        running.append(server.__enter__())
        return server

    yield start
    for server in running:
        server.close()


@pytest.fixture
def finding_agent():
    return FindingAgent


@pytest.fixture
def serve_with_dashboard(serve):
    """Start bridges with a dashboard, kept as `dashboard`."""
    with contextlib.ExitStack() as pages:

        def start(make_agent=FakeAgent, dashboard=None, recorder=None, feed=None, more=(), **options) -> BridgeServer:
            feed = feed or Feed()
            subscribers = [feed] if recorder is None else [feed, recorder]
            recorder = recorder or pages.enter_context(Recorder(RecordingSettings()))

            def add_page(server: BridgeServer) -> None:
                page = serve_dashboard(server, feed, recorder, AgentSettings(), dashboard or DashboardSettings(), more)
                server.dashboard = pages.enter_context(page)

            return serve(make_agent=make_agent, subscribers=subscribers, prepare=add_page, **options)

        yield start


@pytest.fixture
def connect():
    """Connect raw clients; closed at the end of the test."""
    clients = []

    def start(port: int, **options) -> RawClient:
        clients.append(RawClient(port, **options))
        return clients[-1]

    yield start
    for client in clients:
        client.close()


@pytest.fixture(scope="module")
def browser():
    """Chromium. Its tests go first: see tests/conftest.py."""
    needed = "needs Playwright: pip install -r requirements-dev.txt"
    sync_api = pytest.importorskip("playwright.sync_api", reason=needed)
    path = chromium()
    if path is None:
        pytest.skip("needs Chromium on the PATH, for example: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def stream(connect, payload):
    """Start simulators that send frames all the time."""
    streams = []

    def start(port: int) -> Stream:
        streams.append(Stream(connect(port), payload))
        streams[-1].start()
        return streams[-1]

    yield start
    for stream in streams:
        stream.ended.set()
        stream.join()


@pytest.fixture
def visit(browser):
    """Open pages; any error in their console is a failure."""
    pages, errors = [], []

    def open_page(address: str, may_log_errors: bool = False, **options):
        page = browser.new_page(**options)
        page.set_default_timeout(30_000)
        pages.append(page)
        if not may_log_errors:
            page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(address)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert errors == []
