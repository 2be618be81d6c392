"""The private members of libraries that the dialect and the transports override: an upgrade must not drop them."""

import inspect

import pytest
import socketio
from engineio.async_drivers import _websocket_wsgi, eventlet
from engineio.socket import Socket
from eventlet.websocket import RFC6455WebSocket

SERVER = socketio.Server(async_mode="threading")
PRIVATE = [
    *((socketio.Server, f"_handle_eio_{event}") for event in ("connect", "message", "disconnect")),
    *((socketio.Server, name) for name in ("_handle_event", "_send_packet")),
    *((SERVER, name) for name in ("_binary_packet", "packet_class", "manager")),
    (SERVER.manager, "sid_from_eio_sid"),
    *((SERVER.eio, name) for name in ("_async", "sockets", "max_http_buffer_size")),
    *((Socket, name) for name in ("receive", "send", "close")),
    (eventlet, "WebSocketWSGI"),
    (RFC6455WebSocket, "_apply_mask"),
]


def label(value):
    """Return a name that is the same in every process."""
    return value if isinstance(value, str) else getattr(value, "__name__", type(value).__name__)


@pytest.mark.parametrize(("owner", "name"), PRIVATE, ids=label)
def test_private_members_exist(owner, name):
    assert hasattr(owner, name), (
        f"{owner} has no {name} any more: adapt sim_bridge/wire/quadsim_dialect.py and sim_bridge/transports/ to the "
        "upgraded library, or keep the pinned version"
    )


def test_websockets_take_the_limits_that_are_passed():
    parameters = inspect.signature(_websocket_wsgi.SimpleWebSocketWSGI.__init__).parameters
    assert any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()), (
        "engineio's SimpleWebSocketWSGI takes no further options any more: adapt sim_bridge/transports/threads.py"
    )
    assert "websocket" in SERVER.eio._async, "engineio's server has no websocket class to replace any more"
