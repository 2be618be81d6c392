"""A client that connects as QuadSim does, in its old dialect, and keeps the answers. Independent of recordings.

Written on a websocket, not on `socketio.Client`: that one begins with a CONNECT, which QuadSim never sends, and calls
event handlers on threads of their own, so that commands could not be matched to the frames they answer.
"""

import contextlib
import json
import re
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import websocket

from config.hosts import host_in_url

_CONNECT_SECONDS, _SEND_SECONDS = 10.0, 30.0

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
        address = f"ws://{host_in_url(host)}:{port}"
        self._answers: dict[int, Answer] = {}
        self._commands: list[tuple[str, Mapping[str, object]]] = []  # since the last answered frame
        self._sent: list[float] = []
        self._open = False
        with contextlib.ExitStack() as on_failure:
            try:
                # Connected here, because the library would use a proxy of the environment, even to this machine.
                connection = on_failure.enter_context(socket.create_connection((host, port), _CONNECT_SECONDS))
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                url = f"{address}/socket.io/?EIO=4&transport=websocket"
                self._socket = websocket.create_connection(url, socket=connection, suppress_origin=True)
            except (OSError, ValueError, websocket.WebSocketException) as error:  # ValueError: a host like "a..b"
                start = "start python follower.py first, or give --weights"
                raise ReplayError(f"no bridge answers at {address} ({error}); {start}") from error
            with contextlib.suppress(ReplayError):
                self.receive(_CONNECT_SECONDS, lambda: self._open)
            if not self._open:
                raise ReplayError(f"{address} does not open a session as a bridge does; is it another program?")
            on_failure.pop_all()

    def send(self, payload: Mapping[str, str]) -> int:
        """Send one `sensor_frame`; return its number, for `wait`. Raises ReplayError."""
        number = len(self._sent)
        self._sent.append(time.perf_counter())
        self._send_packet(f"42{number}" + json.dumps(["sensor_frame", payload], separators=(",", ":")))
        return number

    def announce(self, info: Mapping[str, object]) -> None:
        """Send a `simulator_info`, as the built-in simulator does before its first frame. Raises ReplayError."""
        self._send_packet("42" + json.dumps(["simulator_info", info], separators=(",", ":")))

    def wait(self, number: int, timeout: float) -> Answer:
        """Wait for the answer to a frame. Raises ReplayError."""
        self.receive(timeout, lambda: number in self._answers)
        if number not in self._answers:
            raise ReplayError(f"frame {number} was not acknowledged within {timeout:g} s")
        return self._answers[number]

    def receive(self, seconds: float, is_enough: Callable[[], bool] = lambda: False) -> None:
        """Receive for `seconds`, or until `is_enough` returns true. Raises ReplayError."""
        end = time.monotonic() + seconds
        try:
            while not is_enough() and (left := end - time.monotonic()) > 0:
                self._socket.settimeout(left)
                if not (packet := self._socket.recv()):
                    raise ReplayError("the bridge has closed the connection")
                self._handle(str(packet))
        except websocket.WebSocketTimeoutException:
            pass
        except (OSError, websocket.WebSocketException) as error:
            raise ReplayError(f"the bridge has closed the connection: {error}") from error

    def close(self) -> None:
        """Disconnect as QuadSim does."""
        with contextlib.suppress(ReplayError):
            for packet in ("41", "1"):
                self._send_packet(packet)
        self._socket.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _send_packet(self, packet: str) -> None:
        try:
            self._socket.settimeout(_SEND_SECONDS)
            self._socket.send(packet)
        except (OSError, websocket.WebSocketException) as error:
            raise ReplayError(f"the bridge has closed the connection: {error}") from error

    def _handle(self, packet: str) -> None:
        if packet.startswith("0"):
            self._open = True
        elif packet.startswith("2"):
            self._send_packet("3")
        elif packet.startswith("42"):
            event, *payload = json.loads(packet[2:])
            self._commands.append((event, payload[0] if payload else {}))
        elif acknowledged := re.match(r"43(\d+)", packet):
            number, body = int(acknowledged[1]), json.loads(packet[acknowledged.end() :])
            seconds = time.perf_counter() - self._sent[number]
            answer = body[0] if body else {}
            outcome = str(answer.get("outcome"))
            commands: Commands = ()
            if outcome == "answered":  # a skipped frame's acknowledgement may come between the commands and this one
                commands, self._commands = tuple(self._commands), []
            self._answers[number] = Answer(outcome, commands, seconds, str(answer.get("reason", "")))
