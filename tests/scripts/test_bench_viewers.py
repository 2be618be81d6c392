"""The benchmark of viewers: which frames it counts as received, and viewers that are left without a follower."""

import os
import threading
from contextlib import suppress
from multiprocessing import Pipe

import pytest

from scripts.benchmarks.harness.bridges import connect, request
from scripts.benchmarks.harness.rounds import WARM_UP_FRAMES, send_frames
from scripts.benchmarks.viewers import NO_AUDIENCE, Audience, Viewer, run_audiences

pytestmark = pytest.mark.slow


def test_viewers_receive_the_frames_of_their_round(serve_with_dashboard, payload, monkeypatch):
    monkeypatch.delattr(os, "nice", raising=False)
    bridge = serve_with_dashboard()
    ours, theirs = Pipe()

    def run():
        with suppress(EOFError):  # the test has ended
            run_audiences(theirs, bridge.port)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    with connect(bridge.port) as client:

        def fly():
            return WARM_UP_FRAMES + len(send_frames(client, [payload()], 10.0, 0.25))

        request(ours, Audience(viewers=2))
        sent = fly()
        assert request(ours, NO_AUDIENCE) == 2 * sent
        request(ours, Audience(viewers=2))
        assert request(ours, NO_AUDIENCE) == 0  # the last frame of the previous round is not one of theirs
        request(ours, Audience(viewers=2))
        sent = fly()
        assert request(ours, NO_AUDIENCE) == 2 * sent
    ours.close()
    thread.join(5)


def test_a_viewer_without_a_follower_says_so(serve_with_dashboard):
    bridge = serve_with_dashboard()
    port = bridge.port
    viewer = Viewer(port)
    bridge.close()
    viewer._thread.join(10)
    with pytest.raises(RuntimeError, match="lost its connection to the follower after 0 frames"):
        viewer.close()
    with pytest.raises(RuntimeError, match="the follower does not answer a viewer"):
        Viewer(port)
