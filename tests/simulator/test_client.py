"""The client against a bare server: dialect, faults, reconnection."""

import json
import logging
import socket
import threading
import time
from unittest.mock import Mock

import pytest

from simulator.link import client as client_module
from simulator.link.client import Client
from simulator.link.frames import event


def wait_until(condition, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(condition())


def test_the_handshake_is_the_real_clients(client, raw_server, quadsim_session):
    first = quadsim_session[0]
    theirs = {line.split(":")[0].lower() for line in first["http"][1:]}
    request, *headers = raw_server.heads[0].strip().splitlines()
    assert request == first["http"][0]
    assert {line.split(":")[0].lower() for line in headers} == theirs


def test_a_proxy_of_the_environment_is_not_used(monkeypatch, raw_server):
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    client = Client(port=raw_server.port)
    assert client.wait_connected(5)
    client.close()


def test_text_goes_out_in_fragments_of_1016_bytes(client, raw_server):
    text = event("sensor_frame", {"pose": "x" * 5000})
    assert client.send(text)
    received, sizes = raw_server.messages.get(timeout=5)
    assert received == text
    assert sizes[:-1] == [1016] * (len(text) // 1016)
    assert sizes[-1] == len(text) % 1016


@pytest.mark.parametrize(("no_delay", "writes"), [(False, 3), (True, 1)])
def test_its_socket_is_the_real_clients_unless_it_may_not_wait(raw_server, no_delay, writes):
    client = Client(port=raw_server.port, no_delay=no_delay)
    assert client.wait_connected(5)
    connection, written = client._socket, []
    assert bool(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)) is no_delay
    client._socket = Mock(sendall=written.append)
    assert client.send("x" * 2500)
    client._socket = connection
    assert len([piece for piece in written if len(piece) > 20]) == writes  # others are pings
    client.close()


def test_pings_are_sent_and_answered_and_no_connect_packet(client, raw_server):
    raw_server.send("2")
    assert wait_until(lambda: raw_server.pongs == 1)
    assert wait_until(lambda: raw_server.pings >= 4)  # one at once, then three a second
    assert client.silence < 1.0
    assert raw_server.messages.empty()


def test_a_frame_is_never_split_by_a_ping(raw_server, monkeypatch):
    monkeypatch.setattr(client_module, "PING_INTERVAL", 0.001)
    client = Client(port=raw_server.port)
    assert client.wait_connected(5)
    for number in range(20):
        client.send(event("sensor_frame", {"number": str(number), "filling": "x" * 200_000}))
    numbers = [json.loads(raw_server.messages.get(timeout=20)[0][2:])[1]["number"] for _ in range(20)]
    assert numbers == [str(number) for number in range(20)]
    client.close()
    assert raw_server.pings > 10


def test_commands_arrive_and_invalid_messages_are_reported_and_ignored(client, raw_server, caplog):
    with caplog.at_level(logging.WARNING):
        for text in ('42["object_detected",[1,2,3]]', '42["fly_home"]', "garbage", '42["object_lost"', "40", "6"):
            raw_server.send(text)
        raw_server.send('42["object_detected",{"coords":[1,2,3]}]')
        assert client.next_command(timeout=5) == (
            "object_detected",
            {"coords": (1, 2, 3), "velocity": None, "time": None},
        )
    assert client.rejected == 4
    assert len(caplog.records) == 1  # the others within the same second are counted only
    assert "expected one object" in caplog.text
    assert client.connected


def test_without_controls_they_are_rejected(raw_server, caplog):
    client = Client(port=raw_server.port, accept_controls=False)
    assert client.wait_connected(5)
    with caplog.at_level(logging.WARNING):
        raw_server.send('42["set_speed",{"speed":2}]')
        assert wait_until(lambda: client.rejected == 1)
    assert client.next_command() is None
    assert "this simulator cannot be controlled" in caplog.text
    client.close()


def test_it_disconnects_as_the_real_client_does(client, raw_server):
    client.close()
    assert [raw_server.messages.get(timeout=5)[0] for _ in range(2)] == ["41", "1"]


@pytest.mark.slow
def test_it_waits_for_a_server_reporting_that_once_and_backs_off(monkeypatch, caplog):
    monkeypatch.setattr(client_module, "BACK_OFF", (0.05, 0.1, 0.2, 0.4))
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with caplog.at_level(logging.WARNING):
        client = Client(port=port)
        time.sleep(0.6)
        assert not client.connected
        assert not client.send("42[]")
    client.close()
    assert caplog.text.count("no server at") == 1


@pytest.mark.parametrize("host", ["a..b", ""])
def test_an_invalid_host_name_is_reported_as_an_absent_server(host, caplog):
    with caplog.at_level(logging.WARNING):
        client = Client(host)
        assert wait_until(lambda: "no server at" in caplog.text)
    client.close()


@pytest.mark.parametrize("farewell", ["1", "41", None])
def test_a_lost_server_is_reported_and_found_again(client, raw_server, caplog, farewell):
    assert raw_server.greeted.wait(10)
    with caplog.at_level(logging.INFO):
        if farewell is None:
            raw_server.drop()
        else:
            raw_server.greeted.clear()
            raw_server.send(farewell)
        assert raw_server.greeted.wait(10)
        assert wait_until(lambda: client.connected)
    assert client.send("42[]")
    assert "lost the server" in caplog.text


@pytest.mark.slow
def test_sending_while_the_reader_closes_the_connection_fails_without_a_crash(client, raw_server):
    """The reader closes the socket first and takes it away then: a frame that is sent in between finds it closed."""
    assert client.send("42[]")
    client._socket.close()
    assert not client.send("42[]")


@pytest.mark.slow
def test_a_frozen_server_is_abandoned(monkeypatch, raw_server):
    monkeypatch.setattr(client_module, "RECEIVE_TIMEOUT", 0.8)
    raw_server.answers_pings = False
    client = Client(port=raw_server.port)
    assert client.wait_connected(5)
    assert wait_until(lambda: len(raw_server.heads) >= 2)
    client.close()


@pytest.mark.slow
def test_a_server_that_reads_nothing_does_not_hang_the_sender(monkeypatch):
    monkeypatch.setattr(client_module, "RECEIVE_TIMEOUT", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = Client(port=listener.getsockname()[1])
        begun = time.monotonic()
        assert not client.send("42[]")  # it never greeted
        client.close()
        assert time.monotonic() - begun < 5


@pytest.mark.slow
def test_a_connected_server_that_stops_reading_does_not_block(monkeypatch, raw_server):
    monkeypatch.setattr(client_module, "SEND_TIMEOUT", 0.5)
    reading = threading.Event()
    raw_server.answer = lambda frame: reading.wait(60) and []
    client = Client(port=raw_server.port)
    assert client.wait_connected(5)
    packet = event("sensor_frame", {"filling": "x" * 1_000_000})
    longest = 0.0
    for _ in range(40):  # more than the buffers of both sides hold
        begun = time.monotonic()
        sent = client.send(packet)
        longest = max(longest, time.monotonic() - begun)
        if not sent:
            break
    reading.set()
    assert not sent
    assert longest < 3.0
    assert wait_until(lambda: len(raw_server.heads) >= 2)  # and it is tried again
    client.close()


def test_a_web_server_that_is_no_follower_is_reported(caplog):
    with socket.create_server(("127.0.0.1", 0)) as listener, caplog.at_level(logging.WARNING):
        client = Client(port=listener.getsockname()[1])
        connection, _ = listener.accept()
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 400 BAD REQUEST\r\nContent-Length: 0\r\n\r\n")
        assert wait_until(lambda: "400" in caplog.text)
        client.close()
        connection.close()
