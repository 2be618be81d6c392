"""The audience of a dashboard: viewers of the live page, and users who play a recording."""

import http.client
import json
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

import websocket

from scripts.benchmarks.harness.bridge import ANSWER_TIMEOUT
from scripts.benchmarks.harness.processes import BenchmarkError

RECORDINGS = Path(__file__).resolve().parents[2] / "tests" / "dataset" / "recordings"
PLAYED, PLAYED_FRAMES, PLAYED_HZ = "walk", 30, 20


@dataclass(frozen=True)
class Audience:
    """Number of viewers of the live page, and of users who play a recording."""

    viewers: int = 0
    players: int = 0


class _Member(Protocol):
    frames: int  # received so far

    def close(self) -> None:
        """Stop."""


def attend(pipe: Connection, port: int) -> None:
    """Be the audiences that come through the pipe, in a process of its own; answer with the frames of the last one."""
    if hasattr(os, "nice"):
        os.nice(10)
    members: list[_Member] = []
    while True:
        audience = pipe.recv()
        for member in members:
            member.close()
        frames = sum(member.frames for member in members)
        members = [_Viewer(port) for _ in range(audience.viewers)]
        members += [_Player(port) for _ in range(audience.players)]
        pipe.send(frames)


class _Player:
    """Plays a recording in a loop until it is closed; frames that come too late are skipped."""

    def __init__(self, port: int):
        self.frames = 0
        self._port = port
        self._closed = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        """Stop."""
        self._closed.set()

    def _run(self) -> None:
        started, period = time.monotonic(), 1 / PLAYED_HZ
        while not self._closed.wait(period - (time.monotonic() - started) % period):
            name = f"{int((time.monotonic() - started) * PLAYED_HZ) % PLAYED_FRAMES:06d}"
            for file in (f"images/{name}.jpeg", f"masks/{name}.png"):
                connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_TIMEOUT)
                connection.request("GET", f"/api/recordings/{PLAYED}/{file}")
                answer = connection.getresponse()
                if answer.status != HTTPStatus.OK or not answer.read():
                    raise BenchmarkError(f"{file} was not served: {answer.status}")
                connection.close()
            self.frames += 1


class _Viewer:
    """Requests updates one after the other until it is closed. A bare websocket, which costs little processor time."""

    def __init__(self, port: int):
        self.frames = 0
        self._socket = websocket.create_connection(f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket")
        self._socket.recv()  # Engine.IO's greeting
        self._socket.send("40/dashboard,")
        self._socket.recv()  # connected
        self._have: dict[str, Any] = {"simulator": None, "frame": -1, "row": -1, "event": -1}
        self._request()
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        """Disconnect without a farewell."""
        self._socket.shutdown()

    def _request(self) -> None:
        self._socket.send(f'42/dashboard,["ready",{json.dumps(self._have)}]')

    def _run(self) -> None:
        try:
            while True:
                packet = self._socket.recv()
                if packet == "2":
                    self._socket.send("3")
                elif packet[:2] in ("42", "45"):
                    self._receive(packet)
        except (OSError, websocket.WebSocketException):
            pass

    def _receive(self, packet: str) -> None:
        head, _, body = packet.partition("/dashboard,")  # 45<attachments>-/dashboard,["update",{...}]
        for _ in range(int(head[2:-1] or 0)):
            self._socket.recv()
        update = json.loads(body)[1]
        self._have["simulator"] = update["selected"]
        self._advance("row", [row[0] for row in update["rows"]])
        self._advance("event", [event["number"] for event in update["events"]])
        if update["frame"]:
            self._have["frame"] = update["frame"]["number"]
            self.frames += 1
        self._request()

    def _advance(self, name: str, numbers: Sequence[int]) -> None:
        self._have[name] = max([self._have[name], *numbers])
