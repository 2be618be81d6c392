"""A server as bare as can be: it sees every websocket frame, and shares no code with client or bridge."""

import base64
import hashlib
import json
import queue
import socket
import struct
import threading
import time

import pytest

GREETING = '0{"sid":"a","upgrades":[],"pingTimeout":20000,"pingInterval":2000,"maxPayload":1000000}'


class RawServer:
    """One client at a time. `messages` holds (text, sizes of its fragments) as they come, pings and pongs left out."""

    def __init__(self, port: int = 0):
        self.messages: queue.Queue[tuple[str, list[int]]] = queue.Queue()
        self.heads: list[str] = []  # the HTTP request of each connection
        self.pings, self.pongs = 0, 0
        self.answers_pings = True
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        self._connection: socket.socket | None = None
        self._open = True
        self.greeted = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def send(self, text: str) -> None:
        data = text.encode()
        size = bytes([len(data)]) if len(data) < 126 else b"\x7e" + struct.pack(">H", len(data))
        self._connection.sendall(b"\x81" + size + data)

    def next_frame(self, timeout: float = 5.0) -> dict[str, str]:
        """The payload of the next sensor_frame."""
        while True:
            text, _ = self.messages.get(timeout=timeout)
            if text.startswith('42["sensor_frame"'):
                return json.loads(text[2:])[1]

    def drop(self) -> None:
        """End the connection without a word, as a killed process does."""
        self.greeted.clear()
        self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._open = False
        self._listener.close()
        if self._connection is not None:
            self._connection.close()

    def _serve(self) -> None:
        while self._open:
            try:
                self._connection, _ = self._listener.accept()
                self._converse(self._connection.makefile("rb"))
            except OSError:
                time.sleep(0.01)

    def _converse(self, stream) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += stream.readline()
        self.heads.append(head.decode())
        key = next(line for line in head.decode().splitlines() if line.lower().startswith("sec-websocket-key")).split()[
            1
        ]
        accept = base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest())
        self._connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self.send(GREETING)
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
                self._take(text.decode(), sizes)
                text, sizes = b"", []

    def _take(self, text: str, sizes: list[int]) -> None:
        if text == "2":
            self.pings += 1
            if self.answers_pings:
                self.send("3")
        elif text == "3":
            self.pongs += 1
        else:
            self.messages.put((text, sizes))


@pytest.fixture
def raw_server():
    server = RawServer()
    yield server
    server.close()
