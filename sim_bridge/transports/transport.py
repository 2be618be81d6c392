"""What accepts connections for a WSGI application, with websockets."""

import socket
from collections.abc import Callable
from typing import Any, Protocol, TypeVar
from wsgiref.types import WSGIApplication

Result = TypeVar("Result")

WebSocketHandler = Callable[[Any], object]
"""Serves a websocket until it is closed: `send`, `close`, and `wait` for the next message, None at the end."""

WebSocketFactory = Callable[[WebSocketHandler, Any], WSGIApplication]
"""Makes the WSGI application of one websocket from its handler and the engineio server."""


class Transport(Protocol):
    """Accepts connections, and runs functions where the connections may be used."""

    @property
    def websocket(self) -> WebSocketFactory:
        """Makes websockets for the engineio server."""

    def serve(self, listener: socket.socket, application: WSGIApplication) -> None:
        """Serve until `stop` or Ctrl-C."""

    def stop(self) -> None:
        """End `serve`, also if it has not begun yet; from any thread."""

    def call(self, function: Callable[[], object]) -> None:
        """Run a function where connections may be used, in order and without waiting; from any thread."""

    def offload(self, function: Callable[[], Result]) -> Result:
        """Run a slow function for an HTTP request without delaying other connections, and return its result."""
