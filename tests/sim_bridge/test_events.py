"""Events reach every subscriber in order; a slow one delays no other, and what must not be dropped is not."""

import threading

import pytest

from sim_bridge.events import Publisher, Subscriber
from tests.bridge_fixtures import make_session


def test_a_change_of_the_model_is_never_dropped():
    go, received = threading.Event(), []

    class Slow(Subscriber):
        def refused(self, session, reason):
            go.wait(30)
            received.append("refused")

        def model_changed(self, origin):
            received.append(origin)

    publisher = Publisher([Slow()], capacity=2)
    session = make_session()
    for _ in range(10):
        publisher.publish(Subscriber.refused, session, None)
    publisher.publish(Subscriber.model_changed, {"model": "two"})
    go.set()
    publisher.close()
    assert received == ["refused"] * (10 - publisher.dropped) + [{"model": "two"}]
    assert publisher.dropped >= 7


def test_a_stuck_subscriber_delays_no_other(eventually):
    go, received = threading.Event(), []

    class Stuck(Subscriber):
        def refused(self, session, reason):
            go.wait(30)

    class Prompt(Subscriber):
        def refused(self, session, reason):
            received.append(reason)

    publisher = Publisher([Stuck(), Prompt()])
    for number in range(3):
        publisher.publish(Subscriber.refused, make_session(), number)
    assert eventually(lambda: received == [0, 1, 2])
    go.set()
    publisher.close()


def test_no_event_of_a_session_follows_its_disconnected():
    received = []

    class Observer(Subscriber):
        def frame_processed(self, session, processed):
            received.append(session.number)

        def disconnected(self, session):
            received.append("disconnected")

    publisher = Publisher([Observer()])
    first, second = make_session(1), make_session(2)
    publisher.publish(Subscriber.frame_processed, first, None)
    publisher.publish(Subscriber.disconnected, first)
    publisher.publish(Subscriber.frame_processed, first, None)
    publisher.publish(Subscriber.frame_processed, second, None)
    publisher.close()
    assert received == [1, "disconnected", 2]


@pytest.mark.slow
def test_a_slow_subscriber_misses_frames_but_no_connection(serve, connect, payload, eventually):
    go, received = threading.Event(), []

    class Slow(Subscriber):
        def frame_processed(self, session, processed):
            go.wait(30)

        def connected(self, session):
            received.append(("connected", session.number))

        def disconnected(self, session):
            received.append(("disconnected", session.number))

    server = serve(subscribers=[Slow()])
    clients = []
    for number in range(2):
        client = connect(server.port)
        clients.append(client)
        for frame in range(300 if number == 0 else 1):
            client.send_frame(payload(timestamp=frame), str(frame))
            assert eventually(lambda client=client, frame=frame: frame in client.acknowledged)
    assert server.status()["events_dropped"]
    for client in clients:
        client.close()
    assert eventually(lambda: not server.sessions)
    go.set()
    assert eventually(lambda: len(received) == 4)
    assert sorted(received) == [("connected", 1), ("connected", 2), ("disconnected", 1), ("disconnected", 2)]
