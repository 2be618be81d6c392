"""The bridge over real websockets: QuadSim's own bytes, modern clients, several at once, faults."""

import time

import pytest
import socketio

MODES = ["threading", "eventlet"]


@pytest.fixture
def capture(quadsim_session):
    """Messages of QuadSim's own client in order: (seconds since the start, text)."""
    sent = [(row["t"], row["text"]) for row in quadsim_session if row["from"] == "quadsim" and "text" in row]
    return [(float(t) - float(sent[0][0]), text) for t, text in sent]


def drain(client) -> list:
    return [client.events.get_nowait() for _ in range(client.events.qsize())]


@pytest.mark.slow
@pytest.mark.parametrize(("async_mode", "speed"), [("threading", 1), ("eventlet", 2)])
def test_a_captured_session_is_answered(serve, connect, eventually, capture, async_mode, speed):
    server = serve(async_mode=async_mode)
    client = connect(server.port, answer_pings=False)  # the capture holds its own pongs
    started = time.perf_counter()
    frames = 0
    for moment, text in capture:
        if text in ("1", "41"):  # disconnecting is for the end of the test
            continue
        time.sleep(max(0.0, moment / speed - (time.perf_counter() - started)))
        client.send(text)
        frames += text.startswith("42")
    (session,) = server.sessions
    assert frames == 28
    assert eventually(lambda: session.counts.answered + session.counts.skipped == frames)
    assert session.counts.answered >= frames - 3
    assert not session.counts.refused
    texts = [text for _, text in client.texts]
    assert "3" in texts  # its own ping was answered
    assert texts.count("2") >= 2 / speed  # and ours reset its watchdog
    assert eventually(lambda: client.events.qsize() == session.counts.answered)  # counted first, sent later
    events = drain(client)
    assert all(name == "object_detected" and set(body) == {"coords"} for name, body in events)
    for _, text in capture:
        if text in ("1", "41"):
            client.send(text)
    assert eventually(lambda: not server.sessions)


@pytest.mark.parametrize("async_mode", MODES)
def test_a_modern_client_works_beside_an_old_one(serve, connect, eventually, payload, async_mode):
    server = serve(async_mode=async_mode)
    old = connect(server.port)
    modern, received = socketio.SimpleClient(), []
    modern.connect(f"http://127.0.0.1:{server.port}")
    try:
        for number in range(5):
            old.send_frame(payload(timestamp=100 + number, brightness=50))
            modern.emit("sensor_frame", payload(timestamp=200 + number, brightness=200))
            received.append(modern.receive(timeout=5))
        assert eventually(lambda: old.events.qsize() == 5)
        assert [body["coords"][0] for _, body in drain(old)] == [100, 101, 102, 103, 104]
        assert [body["coords"][0] for _, body in received] == [200, 201, 202, 203, 204]
    finally:
        modern.disconnect()
    assert eventually(lambda: len(server.sessions) == 1)


def test_events_carry_exactly_one_object(serve, connect, payload):
    server = serve()
    client = connect(server.port)
    client.send_frame(payload(brightness=0))
    assert client.events.get(timeout=5) == ("object_lost", {})
    assert client.events.get(timeout=5) == ("delete_marker", {"id": 1})


@pytest.mark.parametrize(("trusted", "address"), [(True, "10.0.0.7"), (False, "127.0.0.1")])
def test_the_address_that_a_load_balancer_forwards_is_believed_if_the_settings_say_so(
    serve, connect, payload, eventually, trusted, address
):
    server = serve(trust_forwarded_for=trusted)
    connect(server.port, header="X-Forwarded-For: 6.6.6.6, 10.0.0.7\r\n").send_frame(payload())
    assert eventually(lambda: [session.address.rpartition(":")[0] for session in server.sessions] == [address])
