"""Two ways to accept connections for a WSGI application: threads (werkzeug + simple-websocket) and eventlet."""

import contextlib
import importlib
import socket
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from engineio.async_drivers._websocket_wsgi import SimpleWebSocketWSGI
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from wsproto.utilities import LocalProtocolError

from sim_bridge.quick_ack import QuickAckSocket

Result = TypeVar("Result")

HANDSHAKE_SECONDS = 10.0  # an HTTP request that takes longer to arrive is dropped
OFFLOADED = 8  # slow functions at a time that eventlet's server runs on other threads


WebSocketHandler = Callable[[Any], object]
"""Serves a websocket until it is closed: `send`, `close`, and `wait` for the next message, None at the end."""

WebSocketFactory = Callable[[WebSocketHandler, Any], WSGIApplication]
"""Makes the WSGI application of one websocket from its handler and the engineio server."""


class _NoThread:
    """Takes the place of the thread on which simple-websocket reads: whoever waits for a message reads it."""

    name = ""

    def __init__(self, target: Callable[[], object]) -> None:
        pass

    def start(self) -> None:
        pass


class ThreadedWebSocket(SimpleWebSocketWSGI):  # type: ignore[misc]  # engineio has no types
    """The engine's websocket for threads, with large reads, a limit on messages, no delays and a thorough close.

    The thread that waits for messages reads the socket itself: each frame is handed over once less.
    """

    def __init__(self, handler: WebSocketHandler, server: Any) -> None:
        limit = server.max_http_buffer_size
        super().__init__(handler, server, receive_bytes=2**18, max_message_size=limit, thread_class=_NoThread)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        """Take the connection over from the HTTP server."""
        self._connection = environ["werkzeug.socket"] = QuickAckSocket(environ["werkzeug.socket"])
        self._connection.settimeout(None)
        # Several small commands answer one frame: without this the second waits for the client's delayed ACK.
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return super().__call__(environ, start_response)

    def wait(self) -> str | bytes | None:
        """Return the next message; None at the end of the connection."""
        websocket = self.ws
        while not websocket.input_buffer:
            try:
                data = self._connection.recv(websocket.receive_bytes) if websocket.connected else b""
                if not data:
                    break
                websocket.ws.receive_data(data)
                websocket.connected = websocket._handle_events()
            except (OSError, LocalProtocolError):
                break
        if websocket.input_buffer:
            message: str | bytes = websocket.input_buffer.pop(0)
            return message
        websocket.connected = False
        self.close()
        self._connection.close()
        return None

    def close(self) -> None:
        """Close, and wake the thread that waits on this socket: the peer may have vanished without closing it.

        Two threads may close at the same time, which wsproto refuses the second one.
        """
        with contextlib.suppress(OSError, LocalProtocolError):
            super().close()
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)


class _QuietHandler(WSGIRequestHandler):
    timeout = HANDSHAKE_SECONDS

    def log(self, type: str, message: str, *arguments: object) -> None:
        pass


def _close_bodies(application: WSGIApplication) -> WSGIApplication:
    """Return the application with bodies that are closed at the latest when nobody refers to them.

    Werkzeug closes no body, hence no file, if the client resets its connection after the last byte was written.
    """

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        body = application(environ, start_response)
        try:
            yield from body
        finally:
            if hasattr(body, "close"):
                body.close()

    return serve


class ThreadingTransport:
    """A thread or two for each connection: the default, because it measures fastest with QuadSim's client."""

    websocket = ThreadedWebSocket

    def __init__(self) -> None:
        self._server: BaseWSGIServer | None = None
        self._stopped = False
        self._starting = threading.Lock()

    def serve(self, listener: socket.socket, application: WSGIApplication) -> None:
        """Serve until `stop` or Ctrl-C."""
        host, port = listener.getsockname()[:2]
        with self._starting:
            if self._stopped:
                return
            self._server = make_server(
                host,
                port,
                _close_bodies(application),
                threaded=True,
                request_handler=_QuietHandler,
                fd=listener.fileno(),
            )
        self._server.serve_forever(poll_interval=0.1)

    def call(self, function: Callable[[], object]) -> None:
        """Run a function at once: everything involved is thread-safe."""
        function()

    def offload(self, function: Callable[[], Result]) -> Result:
        """Run a function on the thread of its request."""
        return function()

    def stop(self) -> None:
        """End `serve`, also if it has not begun yet."""
        with self._starting:
            self._stopped = True
        if self._server is not None:
            self._server.shutdown()


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
        server = eventlet.spawn(eventlet.wsgi.server, eventlet.greenio.GreenSocket(listener), application, **options)
        reader = eventlet.greenio.GreenSocket(self._wake_reader)
        try:
            while reader.recv(4096):
                while self._calls:
                    function = self._calls.popleft()
                    if function is None:
                        return
                    function()
        except KeyboardInterrupt:
            pass
        finally:
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


def make_transport(async_mode: str) -> ThreadingTransport | EventletTransport:
    """Return the transport for "threading" or "eventlet".

    From any thread `call` runs a function where connections may be used, in order and without waiting, and `stop` ends
    `serve`. `offload` runs a slow function for an HTTP request without delaying other connections.
    """
    return EventletTransport() if async_mode == "eventlet" else ThreadingTransport()
