"""Minimal counterparts of the simulator: a server that receives every websocket frame, and a renderer."""

import base64
import contextlib
import hashlib
import json
import math
import queue
import socket
import struct
import threading
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from simulator.link.client import Client
from simulator.types import Person, Pose, Rendered

GREETING = '0{"sid":"a","upgrades":[],"pingTimeout":20000,"pingInterval":2000,"maxPayload":1000000}'


class RawServer:
    """`messages` holds (text, sizes of its fragments) as they come, without pings. `send` is to the newest client.

    Payloads of `simulator_info` are kept apart, in `simulator_infos`.
    """

    def __init__(self, port: int = 0):
        self.messages: queue.Queue[tuple[str, list[int]]] = queue.Queue()
        self.simulator_infos: queue.Queue[dict] = queue.Queue()
        self.heads: list[str] = []  # the HTTP request of each connection
        self.pings, self.pongs = 0, 0
        self.answers_pings = True
        self.answer: Callable[[dict], list[str]] | None = None  # to a sensor_frame
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        self._connection: socket.socket | None = None
        self._connections: list[socket.socket] = []
        self._open = True
        self.greeted = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def send(self, text: str, connection: socket.socket | None = None) -> None:
        data = text.encode()
        size = bytes([len(data)]) if len(data) < 126 else b"\x7e" + struct.pack(">H", len(data))
        (connection or self._connection).sendall(b"\x81" + size + data)

    def next_frame(self, timeout: float = 5.0) -> dict[str, str]:
        """The payload of the next sensor_frame."""
        while True:
            text, _ = self.messages.get(timeout=timeout)
            if text.startswith("42"):
                return frame_of(text)

    def drop(self) -> None:
        """Close the connection without a farewell, as a killed process does."""
        self.greeted.clear()
        self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._open = False
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._thread.join(5)
        self._listener.close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _serve(self) -> None:
        while self._open:
            try:
                self._connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(self._connection)
            threading.Thread(target=self._converse, args=(self._connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection.makefile("rb") as stream:  # until it is dropped
            self._read(connection, stream)

    def _read(self, connection: socket.socket, stream) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += stream.readline()
        self.heads.append(head.decode())
        key = next(line for line in head.decode().splitlines() if line.lower().startswith("sec-websocket-key")).split()[
            1
        ]
        accept = base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest())
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self.send(GREETING, connection)
        self.greeted.set()
        text, sizes = b"", []
        while header := stream.read(2):
            length = header[1] & 0x7F
            if length == 126:
                length = struct.unpack(">H", stream.read(2))[0]
            elif length == 127:
                length = struct.unpack(">Q", stream.read(8))[0]
            mask, data = stream.read(4), stream.read(length)
            opcode = header[0] & 0x0F
            assert opcode == (0 if sizes else 1), "nothing but text, and nothing between the fragments of a message"
            text += bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
            sizes.append(length)
            if header[0] & 0x80:
                self._take(text.decode(), sizes, connection)
                text, sizes = b"", []

    def _take(self, text: str, sizes: list[int], connection: socket.socket) -> None:
        if text == "2":
            self.pings += 1
            if self.answers_pings:
                self.send("3", connection)
        elif text == "3":
            self.pongs += 1
        elif text.startswith('42["simulator_info"'):
            self.simulator_infos.put(json.loads(text[2:])[1])
        else:
            self.messages.put((text, sizes))
            if self.answer is not None and text.startswith("42"):
                for reply in self.answer(frame_of(text)):
                    self.send(reply, connection)


@pytest.fixture
def raw_server():
    server = RawServer()
    yield server
    server.close()


@pytest.fixture
def client(raw_server):
    client = Client(port=raw_server.port)
    assert client.wait_connected(5)
    yield client
    client.close()


def frame_of(text: str) -> dict[str, str]:
    """The payload of a sensor_frame packet; `ack` is the id that asks for an acknowledgement, where there is one."""
    id, bracket, body = text.removeprefix("42").partition("[")
    name, payload = json.loads(bracket + body)
    assert name == "sensor_frame"
    return payload | ({"ack": id} if id else {})


class SketchRenderer:
    """Minimal renderer: a blob for each person in front of the camera, without occlusion by the city."""

    def render(self, camera: Pose, people: Sequence[Person], time: float = 0.0) -> Rendered:
        depth, mask = np.full((256, 256), 255, np.uint8), np.zeros((256, 256, 3), np.uint8)
        mask[..., 0] = 255
        cos_yaw, sin_yaw, cos_pitch, sin_pitch = (
            f(angle) for angle in (camera.yaw, camera.pitch) for f in (math.cos, math.sin)
        )
        for person in sorted(people, key=lambda person: person.is_target):
            dx, dy, dz = person.x - camera.x, person.y - camera.y, person.z + 1.0 - camera.z
            level, left = cos_yaw * dx + sin_yaw * dy, cos_yaw * dy - sin_yaw * dx
            ahead, up = level * cos_pitch - dz * sin_pitch, level * sin_pitch + dz * cos_pitch
            if not 0.5 < ahead < 100:
                continue
            row, column = 127.5 - 221.7 * up / ahead, 127.5 - 221.7 * left / ahead
            high, wide = 221.7 * 0.9 / ahead, 221.7 * 0.25 / ahead
            rows = slice(max(0, round(row - high)), max(0, round(row + high)))
            columns = slice(max(0, round(column - wide)), max(0, round(column + wide)))
            depth[rows, columns] = round(ahead * 2.55)
            mask[rows, columns] = (0, 0, 255) if person.is_target else (0, 255, 0)
        rgb = mask // 2 + depth[..., None] // 4
        return Rendered(rgb, depth, mask)


@pytest.fixture
def renderer() -> SketchRenderer:
    return SketchRenderer()
