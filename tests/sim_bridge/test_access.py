"""Pages of other sites can neither read nor control; simulators may connect under any host name."""

import json
import socket

import pytest
import requests
import websocket

from sim_bridge.access import is_loopback, refusal


def socket_io(port: int, namespace: str = "", **options) -> str:
    """Connect a websocket as a browser or a simulator would; return the answer to CONNECT."""
    address = f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket"
    connection = websocket.create_connection(address, timeout=30, **options)
    assert connection.recv().startswith("0")
    connection.send(f"40{namespace}")
    answer = connection.recv()
    connection.close()
    return answer


@pytest.mark.parametrize("mode", ["threading", "eventlet"])
@pytest.mark.parametrize("path", ["/status", "/socket.io/?EIO=4&transport=polling"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:8000"},  # another program on this machine
        {"Origin": "null"},
        {"Host": "evil.example:4567"},  # a name of theirs that resolves to this machine
        {"Host": "evil.example:4567", "Origin": "http://evil.example:4567"},
        {"Host": ""},
    ],
)
def test_pages_of_other_sites_read_nothing(serve, mode, path, headers):
    server = serve(async_mode=mode)
    answer = requests.get(f"http://127.0.0.1:{server.port}{path}", headers=headers, timeout=30)
    assert answer.status_code in (400, 403)
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "sessions" not in answer.text


@pytest.mark.parametrize(
    "options",
    [{"origin": "http://evil.example"}, {"host": "evil.example", "origin": "http://evil.example"}, {"origin": "null"}],
)
def test_pages_of_other_sites_get_no_socket(serve, options):
    server = serve()
    with pytest.raises(websocket.WebSocketBadStatusException):
        socket_io(server.port, **options)
    assert server.sessions == []


def test_simulators_and_own_pages_are_accepted(serve):
    server = serve()
    own = f"http://127.0.0.1:{server.port}"
    assert requests.get(own + "/status", timeout=30).json()["sessions"] == []
    assert requests.get(own + "/status", headers={"Origin": own}, timeout=30).ok
    assert socket_io(server.port, suppress_origin=True).startswith("40")
    assert socket_io(server.port, suppress_origin=True, host="host.docker.internal").startswith("40")
    assert json.loads(socket_io(server.port, origin=own)[2:])["sid"]


@pytest.mark.parametrize("host", ["127.0.0.1:4567", "localhost:4567", "[::1]:4567", "192.168.0.7", "DRONE.local:1"])
def test_hosts_that_are_this_machine(host):
    assert refusal({"HTTP_HOST": host}, {"localhost", "drone.local"}) is None


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:4567", "[::1", "localhost.evil.example", ""])
def test_hosts_that_are_not_this_machine(host):
    assert refusal({"HTTP_HOST": host}, {"localhost", socket.gethostname()})


def test_addresses_that_only_this_machine_reaches():
    assert all(map(is_loopback, ["127.0.0.1", "127.8.0.1", "::1", "localhost"]))
    assert not any(map(is_loopback, ["0.0.0.0", "::", "192.168.0.7", "drone.local", ""]))
