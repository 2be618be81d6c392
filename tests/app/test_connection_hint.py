"""The hint for people whose QuadSim does not connect."""

import threading

from app.connection_hint import ConnectionHint, hint
from tests.bridge_fixtures import make_session


def test_it_comes_once_if_no_simulator_does():
    reported, said = [], threading.Event()

    def report(text):
        reported.append(text)
        said.set()

    with ConnectionHint(report, "127.0.0.1", 4567, seconds=0.01):
        assert said.wait(10)
    assert reported == [hint("127.0.0.1", 4567)]


def test_it_does_not_come_once_a_simulator_has():
    reported = []
    with ConnectionHint(reported.append, "127.0.0.1", 4567, seconds=0.2) as waiting:
        waiting.connected(make_session())
        waiting._timer.join(10)  # at once, since it was cancelled
    assert reported == []


def test_it_says_what_quadsim_can_do_with_the_port():
    for host in ("127.0.0.1", "0.0.0.0"):
        assert "ssh -L 4567:127.0.0.1:4567" in hint(host, 4567)
        assert "Follow Me" in hint(host, 4567)
    assert "start without another --port" in hint("127.0.0.1", 5000)
    assert "start without --host 192.168.1.5" in hint("192.168.1.5", 4567)
