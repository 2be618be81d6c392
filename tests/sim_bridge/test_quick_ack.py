"""Acknowledgements are not delayed: on Linux the kernel says so itself, for Windows the call is checked."""

import ctypes
import socket

import pytest

from sim_bridge.transports import green_threads, quick_ack, threads
from sim_bridge.transports.quick_ack import QuickAckSocket, set_ack_frequency

needs_option = pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="needs a system with TCP_QUICKACK")


def delays_acknowledgements(connection: socket.socket) -> bool:
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK) == 0


@pytest.fixture
def pair():
    """Both ends of a connection over TCP on which an exchange has taken place, after which Linux delays."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    with client, server:
        for _ in range(3):
            client.sendall(b"frame")
            server.recv(100)
            server.sendall(b"command")
            client.recv(100)
        yield client, server


@needs_option
def test_received_bytes_are_acknowledged_at_once(pair):
    client, server = pair
    client.sendall(b"frame")
    assert server.recv(100) == b"frame"
    assert delays_acknowledgements(server)  # the case to be cured
    client.sendall(b"frame")
    assert QuickAckSocket(server).recv(100) == b"frame"
    assert not delays_acknowledgements(server)


@needs_option
@pytest.mark.parametrize("async_mode", ["threading", "eventlet"])
def test_both_transports_do_so_after_each_receive(serve, connect, payload, eventually, monkeypatch, async_mode):
    delayed = []

    class Observed(QuickAckSocket):
        def recv(self, size):
            data = super().recv(size)
            if data:
                delayed.append(delays_acknowledgements(self))
            return data

    for module in (threads, green_threads):
        monkeypatch.setattr(module, "QuickAckSocket", Observed)
    client = connect(serve(async_mode=async_mode).port)
    for number in range(1, 4):
        client.send_frame(payload())
        assert eventually(lambda number=number: client.events.qsize() == number)
    assert len(delayed) >= 3
    assert not any(delayed)


def test_a_closed_connection_is_no_defect(pair):
    client, server = pair
    client.close()
    assert QuickAckSocket(server).recv(100) == b""


@pytest.mark.parametrize("status", [0, -1])
def test_windows_is_asked_once_for_each_connection(monkeypatch, status):
    calls = []

    class Winsock:
        def WSAIoctl(self, handle, code, value, size, *rest):
            calls.append((handle.value, code.value, value._obj.value, size.value, len(rest)))
            return status

    monkeypatch.setattr(ctypes, "WinDLL", lambda name: Winsock(), raising=False)
    set_ack_frequency(77)  # fails on old versions of Windows: slower, but no error
    assert calls == [(77, quick_ack._SIO_TCP_SET_ACK_FREQUENCY, 1, 4, 5)]
