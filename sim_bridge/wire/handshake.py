"""Explain to clients of another protocol version or path why they cannot connect, and log who they are."""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from sim_bridge.wire.bad_frame import BadFrame

PATH = "/socket.io/"
ADDRESS = f"{PATH}?EIO=4&transport=websocket"


def refuse_other_protocols(
    application: WSGIApplication, on_refused: Callable[[str, BadFrame], object]
) -> WSGIApplication:
    """Return a WSGI application that refuses what cannot become a session, and passes on everything else.

    `on_refused` is called with a name for the client and the reason, which is also the answer.
    """

    def respond(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        reason = handshake_defect(environ)
        if reason is None:
            return application(environ, start_response)
        on_refused(client_name(environ), reason)
        body = f"{reason}\n".encode()
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
        start_response("400 Bad Request", headers)
        return [body]

    return respond


def handshake_defect(environ: WSGIEnvironment) -> BadFrame | None:
    """Return why a request to open a session cannot succeed; None if it can, and for all other requests."""
    query = parse_qs(environ.get("QUERY_STRING", ""))
    path = environ.get("PATH_INFO", "")
    is_websocket = environ.get("HTTP_UPGRADE", "").lower() == "websocket"
    if not path.startswith(PATH):
        if not is_websocket and "EIO" not in query:
            return None  # a page
        return BadFrame("wrong-path", f"it asked for {path[:80]!r}; simulators connect to {ADDRESS}")
    if "sid" in query:
        return None
    transport = query.get("transport", ["polling"])[0]
    if transport not in ("polling", "websocket"):
        return BadFrame("wrong-transport", f"it asked for the transport {transport[:40]!r}; simulators use websocket")
    if query.get("EIO") == ["4"]:
        return None
    if "EIO" not in query:
        reason = f"it does not say which version of Engine.IO it speaks; simulators connect to {ADDRESS}"
    else:
        remedy = "use a client of Socket.IO 3 or later, such as python-socketio 5 or socket.io-client 4"
        reason = f"it speaks version {query['EIO'][0][:8]} of Engine.IO, and this follower version 4: {remedy}"
    return BadFrame("wrong-version", reason)


def client_name(environ: WSGIEnvironment | dict[str, Any]) -> str:
    """Return address and program of a client, for messages."""
    address = f"a client at {environ.get('REMOTE_ADDR', '?')}:{environ.get('REMOTE_PORT', '?')}"
    agent = environ.get("HTTP_USER_AGENT", "")
    return f"{address} ({agent[:60]!r})" if agent else address
