"""A client that connects as QuadSim does, in its old dialect, and keeps the answers. Independent of recordings.

Written on a websocket, not on `socketio.Client`: that one begins with a CONNECT, which QuadSim never sends, and calls
event handlers on threads of their own, so that commands could not be matched to the frames they answer.
"""

import json
import logging
import re
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import websocket

logger = logging.getLogger(__name__)

_CONNECT_SECONDS = 10.0

Commands = tuple[tuple[str, Mapping[str, object]], ...]  # (event, payload)


class ReplayError(RuntimeError):
    """The bridge cannot be reached, or does not answer; the message says what to do."""


@dataclass(frozen=True)
class Answer:
    """Outcome of one frame."""

    outcome: str  # "answered", "skipped", "refused", "failed"
    commands: Commands
    seconds: float  # from sending to the acknowledgement
    reason: str = ""


class ReplayClient:
    """One connection. Unlike QuadSim's client it requests acknowledgements, to match commands with frames."""

    def __init__(self, host: str, port: int):
        """Connect. Raises ReplayError."""
        address = f"ws://{host}:{port}"
        self._answers: dict[int, Answer] = {}
        self._commands: list[tuple[str, Mapping[str, object]]] = []  # since the last answered frame
        self._sent: list[float] = []
        self._changed = threading.Condition()
        self._open, self._closed = threading.Event(), threading.Event()
        try:
            # Connected here, because the library would use a proxy of the environment, even to this machine.
            connection = socket.create_connection((host, port), _CONNECT_SECONDS)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            url = f"{address}/socket.io/?EIO=4&transport=websocket"
            self._socket = websocket.create_connection(url, socket=connection, suppress_origin=True)
            self._socket.settimeout(None)
        except (OSError, websocket.WebSocketException) as error:
            start = "start python follower.py first, or give --weights"
            raise ReplayError(f"no bridge answers at {address} ({error}); {start}") from error
        threading.Thread(target=self._read, name="replay", daemon=True).start()
        if not self._open.wait(_CONNECT_SECONDS):
            raise ReplayError(f"{address} does not open a session as a bridge does; is it another program?")

    def send(self, payload: Mapping[str, str]) -> int:
        """Send one `sensor_frame`; return its number, for `wait`. Raises ReplayError."""
        with self._changed:
            number = len(self._sent)
            self._sent.append(time.perf_counter())
        self._send_packet(f"42{number}" + json.dumps(["sensor_frame", payload], separators=(",", ":")))
        return number

    def wait(self, number: int, timeout: float) -> Answer:
        """Wait for the answer to a frame. Raises ReplayError."""
        with self._changed:
            if not self._changed.wait_for(lambda: number in self._answers or self._closed.is_set(), timeout):
                raise ReplayError(f"frame {number} was not acknowledged within {timeout:g} s")
            if number not in self._answers:
                raise ReplayError(f"the bridge closed the connection before it answered frame {number}")
            return self._answers[number]

    def close(self) -> None:
        """Disconnect as QuadSim does."""
        try:
            for packet in ("41", "1"):
                self._send_packet(packet)
        except ReplayError as error:
            logger.debug("not disconnected properly: %s", error)
        self._socket.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _send_packet(self, packet: str) -> None:
        try:
            self._socket.send(packet)
        except (OSError, websocket.WebSocketException) as error:
            raise ReplayError(f"the bridge has closed the connection: {error}") from error

    def _read(self) -> None:
        try:
            while packet := self._socket.recv():
                self._handle(str(packet))
        except (OSError, websocket.WebSocketException, ReplayError) as error:
            logger.debug("the connection ended: %s", error)
        self._closed.set()
        with self._changed:
            self._changed.notify_all()

    def _handle(self, packet: str) -> None:
        if packet.startswith("0"):
            self._open.set()
        elif packet.startswith("2"):
            self._send_packet("3")
        elif packet.startswith("42"):
            event, *payload = json.loads(packet[2:])
            self._commands.append((event, payload[0] if payload else {}))
        elif acknowledged := re.match(r"43(\d+)", packet):
            now = time.perf_counter()
            number, body = int(acknowledged[1]), json.loads(packet[acknowledged.end() :])
            answer = body[0] if body else {}
            outcome = str(answer.get("outcome"))
            commands: Commands = ()
            if outcome == "answered":  # a skipped frame's acknowledgement may come between the commands and this one
                commands, self._commands = tuple(self._commands), []
            with self._changed:
                seconds = now - self._sent[number]
                self._answers[number] = Answer(outcome, commands, seconds, str(answer.get("reason", "")))
                self._changed.notify_all()
