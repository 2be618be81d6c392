"""The harness of the benchmarks: commands, frames, rounds."""

import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from multiprocessing import Pipe
from pathlib import Path

import pytest

from scripts.benchmarks.__main__ import main
from scripts.benchmarks.harness.bridges import request, run_target, serve
from scripts.benchmarks.harness.rounds import draw_frames, run_rounds
from sim_bridge.wire.messages import parse_sensor_frame
from simulator.rendering.renderer import RendererError

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


def test_the_command_lists_its_benchmarks():
    result = subprocess.run([sys.executable, ROOT / "scripts" / "bench.py"], capture_output=True, text=True)
    assert result.returncode == 2
    assert "latency" in result.stdout
    assert "follow" in result.stdout


@pytest.mark.parametrize("name", ["latency", "fleet", "recording", "viewers", "training", "render"])
def test_a_machine_that_cannot_draw_is_one_sentence(name, monkeypatch, capsys):
    if name == "training" and os.name == "nt":
        pytest.skip("needs POSIX signals")

    def refuse(*arguments):
        raise RendererError("nothing here can draw")

    monkeypatch.setattr("simulator.rendering.renderer.Renderer.__init__", refuse)
    assert main([name]) == 2
    assert capsys.readouterr().err.strip().splitlines()[-1] == f"bench {name}: nothing here can draw"


@pytest.mark.parametrize("name", ["soak", "stages"])
def test_missing_weights_are_reported_before_anything_is_drawn(name, monkeypatch, capsys):
    monkeypatch.setattr("scripts.benchmarks.harness.rounds.draw_frames", lambda: pytest.fail("drawn"))
    assert main([name, "--weights", "nowhere.h5"]) == 2
    assert "no weights file nowhere.h5" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "soon"])
def test_an_invalid_time_is_rejected(seconds, capsys):
    with pytest.raises(SystemExit) as rejected:
        main(["latency", "--seconds", seconds])
    assert rejected.value.code == 2
    assert "--seconds" in capsys.readouterr().err


def test_frames_that_are_drawn_are_good_frames(capfd):
    frames = draw_frames(count=2, after=0.5)
    assert len(frames) == 2
    for frame in frames:
        assert parse_sensor_frame((frame,), 256).image.std() > 10
    assert capfd.readouterr().err == ""


class WaitingServer:
    """A server that does nothing until it is stopped."""

    port = 4567

    def __init__(self):
        self.stopped = threading.Event()

    def listen(self):
        pass

    def serve(self):
        self.stopped.wait(10)

    def stop(self):
        self.stopped.set()


def test_a_bridge_ends_with_a_benchmark_that_is_killed():
    ours, theirs = Pipe()
    server = WaitingServer()
    bridge = threading.Thread(target=serve, args=(server, theirs, {"cpu": lambda: 1.5}))
    bridge.start()
    assert ours.recv() == 4567
    ours.send("cpu")
    assert ours.recv() == 1.5
    ours.close()  # as the system does it for a process that was killed
    bridge.join(20)
    assert server.stopped.is_set()


def test_a_request_that_fails_raises_and_further_ones_are_answered():
    def swap():
        raise OSError("no such file")

    ours, theirs = Pipe()
    server = WaitingServer()
    bridge = threading.Thread(target=serve, args=(server, theirs, {"swap": swap, "cpu": lambda: 1.5}))
    bridge.start()
    assert ours.recv() == 4567
    with pytest.raises(RuntimeError, match="the request 'swap' failed: no such file"):
        request(ours, "swap")
    assert request(ours, "cpu") == 1.5
    ours.close()
    bridge.join(20)


def test_a_request_to_a_process_that_has_ended_says_so():
    ours, theirs = Pipe()
    theirs.close()
    with pytest.raises(RuntimeError, match="it ended"):
        request(ours, "cpu")


def test_a_process_ends_quietly_with_a_benchmark_that_is_killed():
    ours, theirs = Pipe()
    ours.close()  # as the system does it for a process that was killed
    run_target(lambda pipe: pipe.recv(), theirs)
    run_target(lambda pipe: pipe.send("an answer"), theirs)


def test_variants_take_turns_in_alternating_order():
    @dataclass(frozen=True)
    class Variant:
        name: str

    one, other, order = Variant("one"), Variant("other"), []

    def run_round(hz, variant):
        order.append((hz, variant.name))
        return [float(len(order))]

    results = run_rounds([5.0, 20.0], [one, other], 2, run_round)
    assert [name for _, name in order] == ["one", "other", "other", "one"] * 2
    assert [hz for hz, _ in order] == [5.0] * 4 + [20.0] * 4
    assert results[5.0, one] == [[1.0], [4.0]]
