"""The baseline server answers frames, also after packets that it cannot read."""

import pytest

from scripts.benchmarks.harness.bridges import connect, process, receive
from scripts.benchmarks.harness.rounds import read_frames, send_frames
from scripts.benchmarks.latency import ORIGINAL, start_server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def port(tiny_weights):
    with process(start_server, ORIGINAL, "threading", tiny_weights, "auto") as server:
        yield receive(server)


@pytest.mark.parametrize("packet", ['42["sensor_frame"', '42["sensor_frame",{}]', "no packet"])
def test_a_refused_packet_does_not_end_the_connection(port, pictures, packet):
    with connect(port) as client:
        assert client.send(packet)
        assert send_frames(client, read_frames(pictures), hz=20, seconds=0.2)
        assert client.connections == 1
