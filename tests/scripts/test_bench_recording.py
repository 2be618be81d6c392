"""The statistics of a recording that the recording benchmark prints."""

import shutil
from pathlib import Path

import pytest

from scripts.benchmarks.harness.bridges import STOP, connect, process, receive, request
from scripts.benchmarks.harness.rounds import draw_frames, send_frames
from scripts.benchmarks.recording import start_bridge

pytestmark = pytest.mark.slow

RECORDINGS = Path(__file__).resolve().parents[1] / "dataset" / "recordings"


def test_earlier_recordings_do_not_count(tiny_weights, tmp_path):
    folder = tmp_path / "recordings"
    shutil.copytree(RECORDINGS / "walk", folder / "bench")
    with process(start_bridge, tiny_weights, folder) as bridge:
        with connect(receive(bridge)) as client:
            send_frames(client, draw_frames(count=2, after=0.5), hz=20, seconds=0.2)
            answered = request(bridge, "answered")
        assert 0 < request(bridge, STOP)["on_disk"] == answered
