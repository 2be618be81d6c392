"""What the transports add to the libraries they use."""

import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import websocket
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.serving import make_server
from wsproto.events import CloseConnection

from sim_bridge.transports.green_threads import _unmask
from sim_bridge.transports.threads import ThreadedWebSocket, ThreadingTransport

ROOT = Path(__file__).resolve().parents[2]


@given(st.binary(max_size=300), st.tuples(*[st.integers(0, 255)] * 4), st.integers(0, 1000))
def test_unmasking_is_exclusive_or(data, mask, offset):
    expected = bytes(byte ^ mask[(offset + index) % 4] for index, byte in enumerate(data))
    assert _unmask(data, mask, len(data), offset) == expected


def test_two_threads_may_close_a_connection_at_the_same_time():
    errors = []

    def handle(connection):
        connection.ws.ws.send(CloseConnection(1000))  # as far as another thread has come
        try:
            connection.close()
        except Exception as error:
            errors.append(error)

    class Engine:
        max_http_buffer_size = 10_000

    with make_server("127.0.0.1", 0, ThreadedWebSocket(handle, Engine()), threaded=True) as server:
        threading.Thread(target=server.serve_forever).start()
        client = websocket.create_connection(f"ws://127.0.0.1:{server.port}", timeout=10)
        with pytest.raises((websocket.WebSocketException, OSError)):
            client.recv_frame()
        client.shutdown()
        server.shutdown()
    assert errors == []


def test_a_body_is_closed_although_the_client_resets_its_connection():
    requested, vanished, closed = threading.Event(), threading.Event(), threading.Event()

    class Body:
        def __iter__(self):
            yield b"picture"
            requested.set()
            vanished.wait(10)

        def close(self):
            closed.set()

    def application(environ, start_response):
        start_response("200 OK", [("Content-Length", "7")])
        return Body()

    transport = ThreadingTransport()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = threading.Thread(target=transport.serve, args=(listener, application))
        serving.start()
        client = socket.create_connection(listener.getsockname())
        client.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        assert requested.wait(10)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close with a reset
        client.close()
        vanished.set()
        try:
            assert closed.wait(10)
        finally:
            transport.stop()
            serving.join(10)


@pytest.mark.slow
@pytest.mark.parametrize("async_mode", ["threading", "eventlet"])
def test_a_flood_starves_neither_pings_nor_commands(serve, connect, payload, slow_segmenter, async_mode):
    server = serve(slow_segmenter(0.05), async_mode=async_mode)
    client = connect(server.port)
    text = "42" + json.dumps(["sensor_frame", payload() | {"padding": "x" * 60_000}])
    began, sent = time.perf_counter(), 0
    while time.perf_counter() - began < 2.5:  # as fast as the socket takes it
        client.send(text, fragment=2**20)
        sent += 1
    during = [text for moment, text in client.texts if moment < began + 2.5]
    assert sent > 100
    assert during.count("2") >= 2
    assert client.events.qsize() > 10


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_while_a_green_thread_handles_a_message_ends_serving():
    code = """
import os, signal, socket
from sim_bridge.transports.green_threads import EventletTransport
def application(environ, start_response):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):  # where Python notices it
            pass
    except BaseException:
        pass  # as the engine has it, which logs errors of handlers
    start_response("200 OK", [])
    return [b"answer"]
with socket.create_server(("127.0.0.1", 0)) as listener:
    print(listener.getsockname()[1], flush=True)
    EventletTransport().serve(listener, application)
print("ended")
"""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        address = ("127.0.0.1", int(process.stdout.readline()))
        with socket.create_connection(address) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            try:
                assert process.communicate(timeout=20)[0] == "ended\n"
            finally:
                process.kill()
