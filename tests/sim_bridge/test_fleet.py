"""Followers behind a load balancer: the configuration of docs/fleet.md in the real HAProxy, on loopback."""

import contextlib
import itertools
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from simulator.link.client import Client
from simulator.link.commands import FRAME_DONE
from simulator.link.frames import event
from tests.bridge_fixtures import encode_payload, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("haproxy") is None, reason="needs HAProxy, for example: apt-get install haproxy"),
]

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("one", "two")
PERIOD = 0.2  # seconds between a simulator's frames
FOLLOWER = """
import sys
from sim_bridge.server import BridgeServer
from sim_bridge.settings import BridgeSettings
from tests.bridge_fixtures import FakeAgent, FakeSegmenter

server = BridgeServer(FakeSegmenter(), FakeAgent, BridgeSettings(port=0, trust_forwarded_for=True))
server.listen()
print(server.port, flush=True)
server.serve()
"""


class FlyingSimulator:
    """Sends frames at 5 Hz and remembers when which was sent and answered."""

    def __init__(self, port: int):
        self.client = Client("127.0.0.1", port, no_delay=True)
        assert self.client.wait_connected(10)
        self.sent: dict[int, float] = {}
        self.answered: dict[int, float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def land(self) -> None:
        self._ended.set()
        self._thread.join()
        self.client.close()

    @property
    def longest_gap(self) -> float:
        """Seconds, between two answers."""
        moments = sorted(self.answered.values())
        return max(later - earlier for earlier, later in itertools.pairwise(moments))

    def _run(self) -> None:
        payload, id = encode_payload(), 0
        while not self._ended.is_set():
            self.sent[id] = due = time.monotonic()
            self.client.send(event("sensor_frame", payload, id))
            id, due = id + 1, due + PERIOD
            while (left := due - time.monotonic()) > 0:
                command = self.client.next_command(left)
                if command and command.name == FRAME_DONE and command.values["outcome"] == "answered":
                    self.answered[command.values["id"]] = time.monotonic()


class Fleet:
    """Two followers and HAProxy, each a process."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack):
        self.admin = folder / "admin.sock"
        self.followers = {name: stack.enter_context(_process([sys.executable, "-c", FOLLOWER])) for name in NAMES}
        ports = {name: int(follower.stdout.readline()) for name, follower in self.followers.items()}
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        text = _documented_configuration()
        for before, after in {
            r"/run/haproxy/admin\.sock": str(self.admin),
            r"bind :4567": f"bind 127.0.0.1:{self.port}",
            **{rf"server {name} 10\.0\.0\.\d+:4567": f"server {name} 127.0.0.1:{ports[name]}" for name in NAMES},
        }.items():
            text, count = re.subn(before, after, text)
            assert count == 1, before
        (folder / "haproxy.cfg").write_text(text)
        stack.enter_context(_process(["haproxy", "-db", "-f", str(folder / "haproxy.cfg")]))

    def ask(self, command: str) -> str:
        """Send a command to HAProxy's administration socket, as `socat` would; return the answer."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.admin))
            connection.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: connection.recv(4096), b"")).decode()

    def states(self) -> dict[str, tuple[str, int]]:
        """State and number of connections of each follower, as HAProxy sees them."""
        rows = [line.split(",") for line in self.ask("show stat -1 4 -1").splitlines()]
        return {row[1]: (row[17], int(row[4])) for row in rows if row[0] == "followers" and row[1] in NAMES}


def _documented_configuration() -> str:
    page = (ROOT / "docs" / "fleet.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"^```haproxy\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    return text


@contextlib.contextmanager
def _process(arguments: list[str]):
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def running_fleet(tmp_path_factory):
    with contextlib.ExitStack() as stack:
        fleet = Fleet(tmp_path_factory.mktemp("fleet"), stack)
        assert wait_until(fleet.admin.exists)
        yield fleet


@pytest.fixture
def fleet(running_fleet, eventually):
    assert eventually(lambda: running_fleet.states() == {"one": ("UP", 0), "two": ("UP", 0)})
    return running_fleet


@pytest.fixture
def fly():
    simulators = []

    def start(port: int) -> FlyingSimulator:
        simulators.append(FlyingSimulator(port))
        return simulators[-1]

    yield start
    for simulator in simulators:
        simulator.land()


def test_pages_are_denied(fleet):
    browser = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {'A' * 22}==\r\nOrigin: http://a.b\r\n"
    polling = "/socket.io/?EIO=4&transport=polling"
    for path, header in (("/", ""), ("/status", ""), (polling, ""), ("/socket.io/?EIO=4&transport=websocket", browser)):
        with socket.create_connection(("127.0.0.1", fleet.port)) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{header}\r\n".encode())
            assert connection.recv(4096).startswith(b"HTTP/1.1 403"), path


def test_a_drained_follower_keeps_its_simulators_and_gets_no_new_ones(fleet, fly, eventually):
    first, second = fly(fleet.port), fly(fleet.port)
    assert eventually(lambda: fleet.states() == {"one": ("UP", 1), "two": ("UP", 1)})
    fleet.ask("set server followers/one state drain")
    third = fly(fleet.port)
    assert eventually(lambda: len(third.answered) >= 2)
    assert fleet.states() == {"one": ("DRAIN", 1), "two": ("UP", 2)}
    fleet.ask("shutdown sessions server followers/one")
    assert eventually(lambda: fleet.states() == {"one": ("DRAIN", 0), "two": ("UP", 3)})
    fleet.ask("set server followers/one state ready")
    fourth = fly(fleet.port)
    assert eventually(lambda: fleet.states() == {"one": ("UP", 1), "two": ("UP", 3)})
    assert eventually(lambda: len(fourth.answered) >= 2)
    assert sorted(each.client.connections for each in (first, second, third)) == [1, 1, 2]


def test_simulators_of_a_killed_follower_are_answered_by_the_other_and_the_rest_notice_nothing(fleet, fly, eventually):
    simulators = [fly(fleet.port) for _ in range(4)]
    assert eventually(lambda: all(len(simulator.answered) >= 3 for simulator in simulators))
    assert fleet.states() == {"one": ("UP", 2), "two": ("UP", 2)}
    fleet.followers["one"].kill()
    killed = time.monotonic()
    moved = [simulator for simulator in simulators if eventually(lambda s=simulator: s.client.connections > 1, 1.5)]
    assert len(moved) == 2
    assert eventually(lambda: all(max(simulator.answered.values()) > killed + 0.5 for simulator in moved))
    for simulator in simulators:
        simulator.land()
        if simulator in moved:
            assert simulator.longest_gap < 3.0
        else:
            assert simulator.client.connections == 1
            assert len(simulator.sent) - len(simulator.answered) <= 1  # the last one may be under way
    assert eventually(lambda: fleet.states()["one"][0] == "DOWN")
