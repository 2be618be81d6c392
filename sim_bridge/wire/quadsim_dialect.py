"""Support QuadSim's old Socket.IO dialect on a modern server, beside modern clients on the same port.

QuadSim announces `EIO=4` but speaks Engine.IO 3 / Socket.IO 2: it never sends a Socket.IO CONNECT, and it sends
Engine.IO pings of its own. A modern server accepts the handshake and then drops every event. Concerned with packets
only, not with what the events mean.
"""

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import engineio
import socketio
from engineio import packet as engine_packet
from engineio.socket import Socket
from socketio import packet as socket_packet

from sim_bridge.transports.transport import WebSocketFactory, WebSocketHandler
from sim_bridge.wire.bad_frame import BadFrame
from sim_bridge.wire.decimal_commas import WholeNumberPacket
from sim_bridge.wire.handshake import client_name

# What an Engine.IO client may send: ping, pong, upgrade, close, noop, or a message with a Socket.IO packet in it.
_ENGINE_PACKET = re.compile(r"[12356](probe)?$|4[0-6]")
_CONNECT = str(socket_packet.CONNECT)
_EVENTS = (str(socket_packet.EVENT), str(socket_packet.BINARY_EVENT))

Reply = Callable[[dict[str, Any]], None]
"""Sends the acknowledgement that a client requests by giving its event an id."""


class DialectServer(socketio.Server):  # type: ignore[misc]  # socketio has no types
    """Socket.IO server for old and modern clients at once.

    `on_event` is called with session id, name, arguments and, if the client requests one, the reply of every event of
    the default namespace, in order of arrival, on the thread of its connection: it must return at once. `on_refused` is
    called with session id, if any, a name for the client, and the reason for a packet that cannot be read, has more
    than `largest_message` characters, or is for an unknown namespace; the connection stays open.
    """

    def __init__(
        self,
        on_event: Callable[[str, str, tuple[object, ...], Reply | None], None],
        on_refused: Callable[[str | None, str, BadFrame], None],
        largest_message: int,
        websocket: WebSocketFactory,
        **options: object,
    ) -> None:
        super().__init__(async_handlers=False, **options)
        self._on_event = on_event
        self._on_refused = on_refused
        self._largest_message = largest_message
        self._connected: set[str] = set()  # Engine.IO sessions that sent CONNECT, or for which we did
        self._websocket = websocket
        self.eio._async = {**self.eio._async, "websocket": self._make_websocket}

    def shut_down(self) -> None:
        """Close every connection without waiting for the peers."""
        self.shutdown()
        for connection in list(self.eio.sockets.values()):
            connection.close(wait=False)

    def send_event(self, sid: str, event: str, payload: Mapping[str, object], whole_numbers: bool = False) -> None:
        """Send an event to a session, with `whole_numbers` for one that would misread decimal points."""
        if not whole_numbers:
            self.emit(event, payload, to=sid)
        elif (eio_sid := self.manager.eio_sid_from_sid(sid, "/")) is not None:
            self._send_packet(eio_sid, WholeNumberPacket(socket_packet.EVENT, [event, payload], "/"))

    def end(self, sid: str) -> None:
        """Close the connection of a session without waiting for the peer."""
        connection = self.eio.sockets.get(self.manager.eio_sid_from_sid(sid, "/"))
        if connection is not None:
            connection.close(wait=False)

    def _make_websocket(self, handler: WebSocketHandler, server: engineio.Server) -> WSGIApplication:
        """Return the application of a websocket that passes on valid Engine.IO packets and reports the rest.

        The engine would drop the connection, without cleaning up, on the first packet that it cannot read.
        """
        connection: Socket = handler.__self__  # type: ignore[attr-defined]  # the handler is a method of it

        def check(websocket: Any) -> None:
            receive: Callable[[], str | bytes | None] = websocket.wait

            def wait() -> str | bytes | None:
                while isinstance(data := receive(), str) and not _ENGINE_PACKET.match(data):
                    self._refuse(connection.sid, BadFrame("bad-packet", f"not an Engine.IO packet: {data[:20]!r}"))
                return data

            websocket.wait = wait
            handler(websocket)

        application = self._websocket(check, server)

        def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Any:
            environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)  # browsers offer compression: useless for images
            return application(environ, start_response)

        return serve

    def _handle_eio_connect(self, eio_sid: str, environ: WSGIEnvironment) -> None:
        super()._handle_eio_connect(eio_sid, environ)
        connection = self.eio.sockets[eio_sid]
        connection.receive = functools.partial(_receive_answering_pings, connection)

    def _handle_eio_message(self, eio_sid: str, data: object) -> None:
        try:
            if isinstance(data, str | bytes) and len(data) > self._largest_message:
                most = f"{self._largest_message} are read (the setting bridge.largest_message)"
                raise BadFrame("too-big", f"a message of {len(data)} characters; at most {most}")
            if isinstance(data, str):
                self._prepare(eio_sid, data)
            super()._handle_eio_message(eio_sid, data)
        except BadFrame as refusal:
            self._refuse(eio_sid, refusal)
        except Exception as error:  # the parser raises whatever hostile input provokes; the connection must survive
            self._binary_packet.pop(eio_sid, None)
            self._refuse(eio_sid, BadFrame("bad-packet", f"cannot be read: {type(error).__name__}: {error}"))

    def _prepare(self, eio_sid: str, data: str) -> None:
        """Bring the session into a state in which the server can read a text packet."""
        if self._binary_packet.pop(eio_sid, None):  # it would swallow this packet
            self._refuse(eio_sid, BadFrame("bad-packet", "a binary event came without its attachment"))
        if data.startswith(_CONNECT):
            if self.manager.sid_from_eio_sid(eio_sid, "/") and not data.startswith(_CONNECT + "/"):
                raise BadFrame("bad-packet", "a second CONNECT")  # the first one would never be disconnected
            self._connected.add(eio_sid)
        elif eio_sid not in self._connected and data.startswith(_EVENTS):
            self._connected.add(eio_sid)
            super()._handle_eio_message(eio_sid, _CONNECT)  # on behalf of the old client

    def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        self._connected.discard(eio_sid)
        super()._handle_eio_disconnect(eio_sid, reason)

    def _handle_event(self, eio_sid: str, namespace: str | None, id: int | None, data: object) -> None:
        if namespace not in (None, "/"):
            self._check_namespace(namespace)
            super()._handle_event(eio_sid, namespace, id, data)
            return
        if not isinstance(data, list) or not data or not isinstance(data[0], str):
            raise BadFrame("bad-packet", "an event without a name")
        sid = self.manager.sid_from_eio_sid(eio_sid, "/")
        if self.manager.is_connected(sid, "/"):
            reply = None if id is None else functools.partial(self._acknowledge, eio_sid, id)
            self._on_event(sid, data[0], tuple(data[1:]), reply)

    def _handle_connect(self, eio_sid: str, namespace: str | None, data: object) -> None:
        super()._handle_connect(eio_sid, namespace, data)  # answers also that there is no such namespace
        self._check_namespace(namespace or "/")

    def _check_namespace(self, namespace: str) -> None:
        if namespace != "/" and namespace not in self.handlers:
            raise BadFrame("unknown-namespace", f"namespace {namespace[:40]!r}; simulators use the default one, '/'")

    def _acknowledge(self, eio_sid: str, id: int, answer: dict[str, Any]) -> None:
        self._send_packet(eio_sid, self.packet_class(socket_packet.ACK, namespace="/", id=id, data=[answer]))

    def _refuse(self, eio_sid: str, reason: BadFrame) -> None:
        client = client_name(self.environ.get(eio_sid, {}))
        self._on_refused(self.manager.sid_from_eio_sid(eio_sid, "/"), client, reason)


def _receive_answering_pings(connection: Socket, packet: engine_packet.Packet) -> None:
    """Answer the ping of an old client; in the modern protocol only servers ping."""
    if packet.packet_type == engine_packet.PING:
        connection.send(engine_packet.Packet(engine_packet.PONG, packet.data))
    else:
        type(connection).receive(connection, packet)
