"""Clients that cannot connect get a reason, and a line says who they are and what to do."""

import logging

import pytest
import requests
import socketio
import websocket

from sim_bridge.client_log import MAX_STRANGER_REASONS, ClientLog
from sim_bridge.wire.bad_frame import BadFrame
from sim_bridge.wire.handshake import handshake_defect

MODES = ["threading", "eventlet"]


@pytest.fixture
def lines(caplog):
    """The messages so far."""
    caplog.set_level(logging.WARNING)
    return lambda: [record.getMessage() for record in caplog.records]


def open_websocket(port: int, address: str) -> None:
    websocket.create_connection(f"ws://127.0.0.1:{port}{address}", timeout=30, suppress_origin=True).close()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/socket.io/?EIO=3&transport=websocket", "speaks version 3 of Engine.IO, and this follower version 4: use a"),
        ("/socket.io/?transport=websocket", "does not say which version of Engine.IO"),
        (
            "/socket.io/?EIO=4&transport=webtransport",
            "the transport 'webtransport'; simulators use websocket",
        ),
        ("/", "asked for '/'; simulators connect to /socket.io/?EIO=4&transport=websocket"),
        ("/socket.io?EIO=4&transport=websocket", "asked for '/socket.io'; simulators connect to"),
    ],
)
def test_another_version_or_path_is_explained_to_both_sides(serve, lines, mode, address, words):
    server = serve(async_mode=mode)
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        open_websocket(server.port, address)
    assert words in refused.value.resp_body.decode()
    (line,) = lines()
    assert line.startswith("a client at 127.0.0.1:")
    assert words in line


def test_it_is_said_once_a_minute_for_each_reason(serve, lines):
    server = serve()
    for _ in range(5):
        answer = requests.get(
            f"http://127.0.0.1:{server.port}/socket.io/?EIO=3&transport=polling",
            headers={"User-Agent": "node-XMLHttpRequest"},
            timeout=30,
        )
        assert answer.status_code == 400
    for path in ("/socket.io", "/sim"):
        requests.get(f"http://127.0.0.1:{server.port}{path}?EIO=4&transport=polling", timeout=30)
    old, without_stroke, other = lines()
    assert "'node-XMLHttpRequest'" in old
    assert "'/socket.io'" in without_stroke
    assert "'/sim'" in other


def test_reasons_without_number_cannot_exhaust_the_memory(lines):
    log = ClientLog(logging.getLogger("sim_bridge.test"))
    for number in range(1000):
        log.stranger_refused("a client", BadFrame("wrong-path", f"it asked for {number}"))
    assert len(lines()) == MAX_STRANGER_REASONS + 1


def test_another_namespace_is_explained(serve, lines):
    server = serve()
    client = socketio.SimpleClient()
    with pytest.raises(socketio.exceptions.ConnectionError):
        client.connect(f"http://127.0.0.1:{server.port}", namespace="/sim", transports=["websocket"])
    assert any(
        line.startswith("a client at 127.0.0.1:") and "'/sim'; simulators use the default one, '/'" in line
        for line in lines()
    )
    assert not any("None is not connected" in line for line in lines())


def test_an_event_for_another_namespace_is_explained(serve, connect, payload, eventually, lines):
    server = serve()
    client = connect(server.port)
    client.send('42/sim,["sensor_frame",{}]')
    assert eventually(lambda: any("simulator 1" in line and "'/sim'" in line for line in lines()))
    client.send_frame(payload(timestamp=3))
    assert client.events.get(timeout=5)[1]["coords"][0] == 3


@pytest.mark.parametrize("path", ["/", "/status", "/favicon.ico", "/nowhere"])
def test_pages_are_not_concerned(path):
    assert handshake_defect({"PATH_INFO": path, "QUERY_STRING": "recording=walk"}) is None
