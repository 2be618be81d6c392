"""Connections on threads: werkzeug's HTTP server and simple-websocket."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from engineio.async_drivers._websocket_wsgi import SimpleWebSocketWSGI
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from wsproto.utilities import LocalProtocolError

from sim_bridge.transports.quick_ack import QuickAckSocket
from sim_bridge.transports.transport import Result, WebSocketHandler

HANDSHAKE_SECONDS = 10.0  # an HTTP request that takes longer to arrive is dropped


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
    """Return the application, with the body of each response closed whatever happens to the connection.

    Werkzeug does not close it, nor the file that it reads, if the client resets the connection after the last byte.
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
