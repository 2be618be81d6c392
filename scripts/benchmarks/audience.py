"""The audience of a dashboard: viewers of the live page, and users who play a recording."""

import json
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import websocket

from scripts.benchmarks.harness.bridges import ANSWER_TIMEOUT

RECORDINGS = Path(__file__).resolve().parents[2] / "tests" / "dataset" / "recordings"
PLAYED, PLAYED_FRAMES, PLAYED_HZ = "walk", 30, 20


@dataclass(frozen=True)
class Audience:
    """Number of viewers of the live page, and of users who play a recording."""

    viewers: int = 0
    players: int = 0


def attend(pipe: Connection, port: int) -> None:
    """Be the audiences that come through the pipe, in a process of its own; answer with the frames of the last one."""
    if hasattr(os, "nice"):
        os.nice(10)
    members: list[_Viewer | _Player] = []
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
        self._address = f"http://127.0.0.1:{port}/api/recordings/{PLAYED}"
        self._closed = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        """Stop."""
        self._closed.set()

    def _run(self) -> None:
        started, period = time.monotonic(), 1 / PLAYED_HZ
        without_proxy = build_opener(ProxyHandler({}))
        while not self._closed.wait(period - (time.monotonic() - started) % period):
            name = f"{int((time.monotonic() - started) * PLAYED_HZ) % PLAYED_FRAMES:06d}"
            for file in (f"images/{name}.jpeg", f"masks/{name}.png"):
                with without_proxy.open(f"{self._address}/{file}", timeout=ANSWER_TIMEOUT) as answer:
                    answer.read()
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
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        """Disconnect without a farewell."""
        self._socket.shutdown()

    def _run(self) -> None:
        with suppress(OSError, websocket.WebSocketException):
            while True:
                self._socket.send(f'42/dashboard,["ready",{json.dumps(self._have)}]')
                while (packet := self._socket.recv())[:2] not in ("42", "45"):
                    if packet == "2":
                        self._socket.send("3")
                self._receive(packet)

    def _receive(self, packet: str) -> None:
        head, _, body = packet.partition("/dashboard,")  # 45<attachments>-/dashboard,["update",{...}]
        for _ in range(int(head[2:-1] or 0)):
            self._socket.recv()
        update, have = json.loads(body)[1], self._have
        have["simulator"] = update["selected"]
        have["row"] = max([have["row"], *(row[0] for row in update["rows"])])
        have["event"] = max([have["event"], *(event["number"] for event in update["events"])])
        if update["frame"]:
            have["frame"] = update["frame"]["number"]
            self.frames += 1
