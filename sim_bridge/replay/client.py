"""A QuadSim that has only its wire: sends frames in the old dialect, keeps what comes back. Sees no recording."""

import json
import logging
import re
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

import websocket

logger = logging.getLogger(__name__)

_PATIENCE = 10.0  # seconds for the connection to stand


class ReplayError(RuntimeError):
    """The bridge cannot be reached, or does not answer; the message says what to do."""


@dataclass(frozen=True)
class Answer:
    """What became of one frame."""

    outcome: str  # "answered", "skipped", "refused", "failed"
    commands: tuple[tuple[str, Mapping[str, object]], ...]  # (event, payload) as they came
    seconds: float  # from sending to the acknowledgement
    reason: str = ""


class ReplayClient:
    """One connection. Like QuadSim's client it never sends CONNECT, and answers pings; unlike it, it asks for
    acknowledgements, so it knows which commands answer which frame.
    """

    def __init__(self, host: str, port: int):
        """Connects. Raises ReplayError."""
        address = f"ws://{host}:{port}"
        self._answers: dict[int, Answer] = {}
        self._commands: list[tuple[str, Mapping[str, object]]] = []  # since the last answered frame
        self._sent: list[float] = []
        self._changed = threading.Condition()
        self._ready, self._closed = threading.Event(), threading.Event()
        try:
            reached = socket.create_connection((host, port), _PATIENCE)  # the library would take a proxy, even to here
            reached.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket = websocket.create_connection(
                f"{address}/socket.io/?EIO=4&transport=websocket", socket=reached, suppress_origin=True
            )
            self._socket.settimeout(None)
        except (OSError, websocket.WebSocketException) as error:
            start = "start python follower.py first, or give --weights"
            raise ReplayError(f"no bridge answers at {address} ({error}); {start}") from error
        threading.Thread(target=self._read, name="replay", daemon=True).start()
        if not self._ready.wait(_PATIENCE):
            raise ReplayError(f"{address} does not greet as a bridge does; is another program there?")

    def send(self, payload: Mapping[str, str]) -> int:
        """Send one `sensor_frame`; returns its id, to ask for the answer with. Raises ReplayError."""
        with self._changed:
            number = len(self._sent)
            self._sent.append(time.perf_counter())
        self._send_text(f"42{number}" + json.dumps(["sensor_frame", payload], separators=(",", ":")))
        return number

    def wait(self, number: int, timeout: float) -> Answer:
        """The answer to a frame, once it is there. Raises ReplayError."""
        with self._changed:
            if not self._changed.wait_for(lambda: number in self._answers or self._closed.is_set(), timeout):
                raise ReplayError(f"frame {number} was not acknowledged within {timeout:g} s")
            if number not in self._answers:
                raise ReplayError(f"the bridge closed the connection before it answered frame {number}")
            return self._answers[number]

    def close(self) -> None:
        """Take leave as QuadSim does."""
        try:
            for goodbye in ("41", "1"):
                self._send_text(goodbye)
        except ReplayError as error:
            logger.debug("no goodbye: %s", error)
        self._socket.shutdown()

    def __enter__(self) -> "ReplayClient":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _send_text(self, text: str) -> None:
        try:
            self._socket.send(text)
        except (OSError, websocket.WebSocketException) as error:
            raise ReplayError(f"the bridge has gone: {error}") from error

    def _read(self) -> None:
        try:
            while text := self._socket.recv():
                self._take(text)
        except (OSError, websocket.WebSocketException, ReplayError) as error:
            logger.debug("the connection ended: %s", error)
        self._closed.set()
        with self._changed:
            self._changed.notify_all()

    def _take(self, text: str) -> None:
        if text.startswith("0"):
            self._ready.set()
        elif text.startswith("2"):
            self._send_text("3")
        elif text.startswith("42"):
            event, *payload = json.loads(text[2:])
            self._commands.append((event, payload[0] if payload else {}))
        elif acknowledged := re.match(r"43(\d+)", text):
            moment = time.perf_counter()
            number, body = int(acknowledged[1]), json.loads(text[acknowledged.end() :])
            answer = body[0] if body else {}
            outcome, commands = str(answer.get("outcome")), ()
            if outcome == "answered":  # a skipped frame's may come in between the commands and this
                commands, self._commands = tuple(self._commands), []
            with self._changed:
                seconds = moment - self._sent[number]
                self._answers[number] = Answer(outcome, commands, seconds, str(answer.get("reason", "")))
                self._changed.notify_all()
