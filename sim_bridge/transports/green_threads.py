"""Connections on the green threads of eventlet."""

import contextlib
import importlib
import signal
import socket
import threading
import warnings
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from wsgiref.types import WSGIApplication

from sim_bridge.transports.quick_ack import QuickAckSocket
from sim_bridge.transports.transport import Result, WebSocketHandler

OFFLOADED = 8  # slow functions at a time that run on other threads


def _unmask(data: bytes, mask: tuple[int, ...], length: int | None = None, offset: int = 0) -> bytes:
    """XOR with a mask of four bytes, of which `offset` were used before; as one long integer, in C."""
    length = len(data) if length is None else length
    rotated = bytes(mask[(offset + index) % 4] for index in range(4))
    key = (rotated * (length // 4 + 1))[:length]
    return (int.from_bytes(data[:length], "little") ^ int.from_bytes(key, "little")).to_bytes(length, "little")


class EventletTransport:
    """All connections as green threads on the thread that calls `serve`.

    The standard library is not patched, so native runtimes and the other threads of this process work as usual. Other
    threads use the connections through `call` only.
    """

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")  # known; see docs/results.md
            self._driver = importlib.import_module("engineio.async_drivers.eventlet")
        self._calls: deque[Callable[[], object] | None] = deque()
        self._threads = ThreadPoolExecutor(OFFLOADED)  # not eventlet's: those serve one transport in a process
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_writer.setblocking(False)

    def websocket(self, handler: WebSocketHandler, server: Any) -> WSGIApplication:
        """Return the engine's websocket for eventlet, which yields to other green threads and unmasks quickly.

        A green thread that always finds something to read never yields: under a flood of frames neither pings nor
        commands would be sent. Eventlet unmasks byte by byte, which blocks all others for some 20 ms per frame.
        """
        import eventlet  # only here and below: rarely needed

        def serve(websocket: Any) -> None:
            receive = websocket.wait

            def wait() -> str | bytes | None:
                data: str | bytes | None = receive()
                eventlet.sleep(0)
                return data

            websocket.wait, websocket._apply_mask = wait, _unmask
            websocket.socket = QuickAckSocket(websocket.socket)
            handler(websocket)

        application: WSGIApplication = self._driver.WebSocketWSGI(serve, server)
        return application

    def serve(self, listener: socket.socket, application: WSGIApplication) -> None:
        """Serve until `stop` or Ctrl-C."""
        import eventlet
        import eventlet.greenio
        import eventlet.wsgi

        options = {"log_output": False, "socket_timeout": None}
        stop_for = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
        # Raised in a green thread that handles a message, KeyboardInterrupt would be logged, and serving would go on.
        before = {number: signal.signal(number, lambda *_: self.stop()) for number in stop_for}
        server = eventlet.spawn(eventlet.wsgi.server, eventlet.greenio.GreenSocket(listener), application, **options)
        reader = eventlet.greenio.GreenSocket(self._wake_reader)
        try:
            while reader.recv(4096):
                while self._calls:
                    function = self._calls.popleft()
                    if function is None:
                        return
                    function()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            server.kill()
            self._threads.shutdown(wait=False)
            self._wake_reader.close()
            self._wake_writer.close()

    def offload(self, function: Callable[[], Result]) -> Result:
        """Run a function on another thread while the serving one goes on."""
        import eventlet.event

        done = eventlet.event.Event()
        future = self._threads.submit(function)
        future.add_done_callback(lambda _: self.call(done.send))
        done.wait()
        return future.result()

    def stop(self) -> None:
        """End `serve`."""
        self.call(None)

    def call(self, function: Callable[[], object] | None) -> None:
        """Queue a function for the serving thread; None ends it."""
        self._calls.append(function)
        with contextlib.suppress(OSError):  # full: it is awake already; closed: serving has ended
            self._wake_writer.send(b"!")
