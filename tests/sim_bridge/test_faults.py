"""Invalid events, slow networks, vanishing clients: each is survived and counted, and the flight continues."""

import contextlib
import gc
import json
import logging
import os
import socket
import struct
import subprocess
import sys
import textwrap
import threading
import time
from statistics import median

import pytest

from follower.types import Decision, ObjectDetected, TargetState
from sim_bridge.events import Subscriber
from sim_bridge.wire.messages import SensorFrame

pytestmark = pytest.mark.slow

MODES = ["threading", "eventlet"]


def answers(client, payload, timestamp: float) -> bool:
    """Return whether a valid frame is still answered."""
    while client.events.qsize():
        client.events.get_nowait()
    client.send_frame(payload(timestamp=timestamp))
    return client.events.get(timeout=10)[1]["coords"][0] == timestamp


BAD_PACKETS = {
    "binary event": ("not-an-object", ['451-["sensor_frame",{"_placeholder":true,"num":0}]', b"\xff\xd8 binary"]),
    "binary image": ("missing-key", ['451-["sensor_frame",{"rgb_image":{"_placeholder":true,"num":0}}]', b"\xff\xd8"]),
    "binary event without attachment": ("bad-packet", ['451-["sensor_frame",{"_placeholder":true,"num":0}]']),
    "attachment that is not there": ("bad-packet", ['451-["sensor_frame",{"_placeholder":true,"num":5}]', b"a"]),
    "stray attachment": ("bad-packet", [b"unannounced"]),
    "nested event": ("not-an-object", ['42["sensor_frame",["sensor_frame",{}]]']),
    "no argument": ("wrong-arguments", ['42["sensor_frame"]']),
    "two arguments": ("wrong-arguments", ['42["sensor_frame",{},{}]']),
    "unknown event": ("unknown-event", ['42["fly_to_the_moon",{}]']),
    "reserved event": ("unknown-event", ['42["connect",{}]']),
    "event without a name": ("bad-packet", ["42[]"]),
    "event that is an object": ("bad-packet", ['42{"sensor_frame":1}']),
    "event that is no JSON": ("bad-packet", ['42["sensor_frame",{"timestamp":']),
    "event with a name that is a list": ("bad-packet", ["42[[1],2]"]),
    "endless nesting": ("bad-packet", ["42" + "[" * 100_000]),
    "endless digits": ("bad-packet", ["42" + "9" * 5000 + "[]"]),
    "no Engine.IO packet": ("bad-packet", ["hello"]),
    "second connect": ("bad-packet", ["40"]),
    "ten megabytes": ("too-big", ['42["sensor_frame",{"timestamp":"' + "1" * 10_000_000 + '"}]']),
}


@pytest.mark.parametrize("case", BAD_PACKETS)
def test_a_bad_packet_is_counted_and_the_flight_continues(serve, connect, payload, eventually, case):
    kind, packets = BAD_PACKETS[case]
    server = serve()
    client = connect(server.port)
    assert answers(client, payload, 1)
    (session,) = server.sessions
    for packet in packets:
        client.send(packet, fragment=1016 if len(packet) < 10**6 else 10**6)
    assert answers(client, payload, 2)
    assert session.counts.refused == {kind: 1}, server.status()
    assert server.sessions == [session]


def test_the_refusal_of_a_long_message_names_the_setting(serve, connect, eventually, caplog):
    client = connect(serve(largest_message=10_000).port)
    with caplog.at_level(logging.WARNING, logger="sim_bridge"):
        client.send("42" + "1" * 10_000)
        expected = "a message of 10001 characters; at most 10000 are read (the setting bridge.largest_message)"
        assert eventually(lambda: expected in caplog.text)


def test_a_client_that_sends_far_too_much_is_disconnected(serve, connect, payload, eventually):
    server = serve(largest_message=10_000)
    client, other = connect(server.port), connect(server.port)
    assert answers(client, payload, 1)
    assert answers(other, payload, 1)
    with contextlib.suppress(OSError):
        client.send("42" + "1" * 33_000_000, fragment=10**6)
    assert eventually(lambda: len(server.sessions) == 1)
    assert eventually(client.closed.is_set)
    assert answers(other, payload, 2)


def test_noise_that_is_not_engine_io_is_survived(serve, connect, payload):
    server = serve()
    client = connect(server.port)
    for packet in ["", "x", "9", "hello", "b!", "2" * 3000, "4", "4x", "0{}", "5", "6", "ü", b"", b"\0\0"]:
        client.send(packet)
    assert answers(client, payload, 3)


@pytest.mark.parametrize("async_mode", MODES)
def test_bad_frames_between_good_ones(serve, connect, payload, eventually, async_mode):
    server = serve(async_mode=async_mode)
    client = connect(server.port)
    for number in range(3):
        assert answers(client, payload, number + 1)
        client.send_frame(payload() | {"pose": "1,2,3"})
        client.send_frame(payload() | {"rgb_image": "@"})
    (session,) = server.sessions
    assert eventually(lambda: session.counts.refused == {"bad-pose": 3, "bad-base64": 3})
    assert session.counts.answered == 3
    assert session.counts.received == 9


def test_refusals_are_logged_once_a_second(serve, connect, payload, eventually, caplog):
    server = serve()
    client = connect(server.port)
    with caplog.at_level(logging.WARNING, logger="sim_bridge"):
        for _ in range(50):
            client.send_frame(payload() | {"pose": "1,2,3"})
        client.send_frame(payload() | {"timestamp": None})
        assert answers(client, payload, 1)
    lines = [record.getMessage() for record in caplog.records]
    assert 1 <= len([line for line in lines if "six numbers" in line]) <= 3
    assert len([line for line in lines if "timestamp" in line]) == 1


def test_commands_go_only_to_the_simulator_that_sent_the_frame(serve, connect, payload, eventually):
    server = serve()
    clients = [connect(server.port) for _ in range(3)]
    for number in range(10):
        for index, client in enumerate(clients):
            client.send_frame(payload(timestamp=1000 * index + number, brightness=50 * (index + 1)))
        time.sleep(0.02)
    assert eventually(lambda: all(s.counts.answered + s.counts.skipped == 10 for s in server.sessions))
    time.sleep(0.1)
    for index, client in enumerate(clients):
        coordinates = [client.events.get_nowait()[1]["coords"] for _ in range(client.events.qsize())]
        assert coordinates
        assert all(1000 * index <= coords[0] < 1000 * index + 10 for coords in coordinates)
        assert all(coords[1] == pytest.approx(50 * (index + 1) / 255, abs=0.02) for coords in coordinates)


def test_frames_of_all_sessions_share_a_batch(serve, connect, payload, slow_segmenter, eventually):
    segmenter = slow_segmenter(0.2)
    server = serve(segmenter)
    clients = [connect(server.port) for _ in range(3)]
    for _ in range(2):
        for client in clients:
            client.send_frame(payload())
        time.sleep(0.05)
    assert eventually(lambda: sum(s.counts.answered + s.counts.skipped for s in server.sessions) == 6)
    assert max(segmenter.batches) == 3


@pytest.mark.parametrize("async_mode", MODES)
def test_pings_are_answered_while_the_network_computes(serve, connect, payload, slow_segmenter, eventually, async_mode):
    server = serve(slow_segmenter(3.0), async_mode=async_mode)
    client = connect(server.port)
    client.send_frame(payload())
    time.sleep(0.2)
    for _ in range(10):
        before = len(client.texts)
        client.send("2")
        assert eventually(lambda before=before: any(text == "3" for _, text in client.texts[before:]), 1)
        time.sleep(0.1)
    time.sleep(1.2)
    assert [text for _, text in client.texts].count("2") >= 2  # our pings reset its watchdog of 3 s, too
    assert not client.events.qsize()  # all of it while one frame was being processed


def frames_in_memory() -> int:
    gc.collect()
    return sum(type(each) is SensorFrame for each in gc.get_objects())


@pytest.mark.parametrize("async_mode", MODES)
def test_ten_times_too_many_frames_change_neither_latency_nor_memory(
    serve, connect, payload, slow_segmenter, eventually, async_mode
):
    before = frames_in_memory()  # left by other tests of this process
    server = serve(slow_segmenter(0.1), async_mode=async_mode)
    client = connect(server.port)
    sent, frames = {}, []
    for number in range(1, 201):  # 100 frames a second for 2 s; 10 can be processed
        sent[number] = time.perf_counter()
        client.send_frame(payload(timestamp=number))
        time.sleep(0.01)
        if number % 50 == 0:
            frames.append(frames_in_memory() - before)
    (session,) = server.sessions
    assert eventually(lambda: session.counts.answered + session.counts.skipped == 200)
    assert session.counts.skipped > 130
    assert max(frames) <= 4  # one processed, one waiting, one arriving
    assert eventually(lambda: client.events.qsize() == session.counts.answered)
    arrived = [(moment, json.loads(text[2:])) for moment, text in list(client.texts) if text.startswith("42")]
    assert len(arrived) == session.counts.answered
    turns = [  # of the network, in which a frame waited
        sum(sent[int(body["coords"][0])] < earlier < moment for earlier, _ in arrived) for moment, (_, body) in arrived
    ]
    assert median(turns) <= 1  # a backlog would delay all later frames
    assert median(turns[-len(turns) // 3 :]) <= 1


@pytest.mark.parametrize("async_mode", MODES)
def test_a_client_that_vanishes_in_mid_frame_is_cleaned_up(serve, connect, payload, eventually, async_mode):
    server = serve(async_mode=async_mode)
    survivor = connect(server.port)
    assert answers(survivor, payload, 1)
    for _ in range(5):
        client = connect(server.port)
        assert answers(client, payload, 2)
        whole = ('42["sensor_frame",' + json.dumps(payload()) + "]").encode()
        client.socket.sendall(client._header(0x01, whole[:1016]) + b"\x80")  # a fragment and half a header
        reset = struct.pack("ii", 1, 0)  # close with a reset, as a killed process does
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        client.close()
    assert eventually(lambda: len(server.sessions) == 1)
    assert answers(survivor, payload, 3)


@pytest.mark.parametrize("async_mode", MODES)
def test_a_half_open_connection_is_detected_and_cleaned_up(serve, connect, payload, eventually, async_mode):
    server = serve(async_mode=async_mode, ping_timeout=1.0)
    alive = connect(server.port)
    assert answers(alive, payload, 1)
    threads = threading.active_count()
    silent = connect(server.port, answer_pings=False)  # the cable is pulled: it sends nothing any more
    silent.send_frame(payload())
    assert eventually(lambda: len(server.sessions) == 2)
    assert eventually(lambda: len(server.sessions) == 1, seconds=8)
    assert eventually(lambda: len(server.sio.eio.sockets) == 1)
    assert eventually(silent.closed.is_set)
    assert eventually(lambda: threading.active_count() <= threads + 1)
    assert answers(alive, payload, 2)  # it answers pings and stays connected


def test_reconnecting_at_full_speed(serve, connect, payload, eventually):
    server = serve()
    threads = threading.active_count()
    for number in range(40):
        client = connect(server.port)
        client.send("2")
        client.send_frame(payload(timestamp=number))
        client.close()
    client = connect(server.port)
    assert answers(client, payload, 99)
    assert eventually(lambda: len(server.sessions) == 1)
    assert eventually(lambda: threading.active_count() < threads + 10)


def test_a_client_killed_in_flight_is_cleaned_up(serve, payload, eventually):
    server = serve()
    script = textwrap.dedent(
        f"""
        import socketio, time
        client = socketio.Client()
        client.connect("http://127.0.0.1:{server.port}", transports=["websocket"])
        while True:
            client.emit("sensor_frame", {payload()!r})
            time.sleep(0.05)
        """
    )
    process = subprocess.Popen([sys.executable, "-c", script], env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"})
    try:
        assert eventually(lambda: any(s.counts.answered for s in server.sessions), seconds=20)
    finally:
        process.kill()
        process.wait()
    assert eventually(lambda: not server.sessions)


class DefectiveAgent:
    def network_picture(self, frame):
        if frame.timestamp == 665:
            raise ZeroDivisionError("a defect")
        return frame.image

    def step(self, frame, probabilities, typical_fraction):
        if frame.timestamp == 666:
            raise ZeroDivisionError("a defect")
        coords = (float("nan") if frame.timestamp == 667 else frame.timestamp, 0, 0)
        return Decision(TargetState.FOUND, False, (ObjectDetected(coords),))


def test_a_defect_of_ours_loses_one_frame(serve, connect, payload, eventually):
    server = serve(make_agent=DefectiveAgent)
    client = connect(server.port)
    assert answers(client, payload, 1)
    client.send_frame(payload(timestamp=666))
    (session,) = server.sessions
    assert eventually(lambda: session.counts.failed == 1)
    client.send_frame(payload(timestamp=665))
    assert eventually(lambda: session.counts.failed == 2)
    client.send_frame(payload(timestamp=667))  # a NaN is never sent
    assert eventually(lambda: session.counts.answered == 2)
    assert answers(client, payload, 2)
    assert all("NaN" not in text for _, text in client.texts)


class FailingSubscriber(Subscriber):
    def __init__(self):
        self.received = []

    def connected(self, session):
        self.received.append("connected")

    def frame_processed(self, session, processed):
        self.received.append(("processed", processed.frame.timestamp, set(processed.timings)))
        raise RuntimeError("the disk is full")

    def refused(self, session, reason):
        self.received.append(("refused", reason.kind))

    def disconnected(self, session):
        self.received.append("disconnected")


class SlowSubscriber(Subscriber):
    def frame_processed(self, session, processed):
        time.sleep(1)


def test_a_failing_subscriber_receives_everything_in_order(serve, connect, payload, eventually):
    subscriber = FailingSubscriber()
    server = serve(subscribers=[subscriber])
    client = connect(server.port)
    for number in (1, 2):
        assert answers(client, payload, number)
    client.send_frame({})
    assert answers(client, payload, 3)
    assert eventually(lambda: len(subscriber.received) == 5)  # commands are sent before events are published
    client.send("41")
    assert eventually(lambda: subscriber.received[-1:] == ["disconnected"])
    stages = {"wait", "decode", "network", "agent", "total"}
    processed = [("processed", number, stages) for number in (1, 2, 3)]
    assert subscriber.received == [
        "connected",
        *processed[:2],
        ("refused", "missing-key"),
        processed[2],
        "disconnected",
    ]


def test_a_slow_subscriber_delays_no_command(serve, connect, payload):
    server = serve(subscribers=[SlowSubscriber()])
    client = connect(server.port)
    began = time.perf_counter()
    assert all(answers(client, payload, number) for number in range(1, 11))
    assert time.perf_counter() - began < 3


def test_requested_acknowledgements_have_the_result_of_each_frame(serve, connect, payload, slow_segmenter, eventually):
    server = serve(slow_segmenter(0.3))
    client = connect(server.port)
    client.send_frame(payload(), id="1")
    time.sleep(0.1)
    client.send_frame(payload(), id="2")
    client.send_frame(payload(), id="3")
    client.send_frame({}, id="4")
    assert eventually(lambda: len(client.acknowledged) == 4)
    outcomes = {id: answer[0]["outcome"] for id, answer in client.acknowledged.items()}
    assert outcomes == {1: "answered", 2: "skipped", 3: "answered", 4: "refused"}
