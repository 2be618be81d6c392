"""What the benchmarks have in common, and what that of recordings counts."""

import os
import shutil
from importlib import import_module
from pathlib import Path

import keras
import pytest

from model import networks
from model.weights import save_model
from scripts.benchmarks.harness import client, draw_frames, hear, process, turn
from scripts.benchmarks.recording import serve
from simulator.rendering.renderer import RendererError

RECORDINGS = Path(__file__).resolve().parents[1] / "dataset" / "recordings"


@pytest.mark.parametrize("name", ["latency", "recording", "viewers", "training", "render"])
def test_a_machine_that_cannot_draw_is_one_sentence(name, monkeypatch, capsys):
    if name == "training" and os.name == "nt":
        pytest.skip("needs POSIX signals")

    def refuse(*arguments):
        raise RendererError("nothing here can draw")

    monkeypatch.setattr("simulator.rendering.renderer.make_renderer", refuse)
    assert import_module(f"scripts.benchmarks.{name}").main([]) == 2
    assert capsys.readouterr().err.strip().splitlines()[-1] == f"bench {name}: nothing here can draw"


def test_recordings_that_were_there_before_do_not_count(tmp_path):
    keras.utils.set_random_seed(0)
    save_model(networks.build("pyramid-small", 32), tmp_path / "tiny.h5")
    folder = tmp_path / "recordings"
    shutil.copytree(RECORDINGS / "walk", folder / "bench")
    with process(serve, str(tmp_path / "tiny.h5"), folder) as bridge:
        with client(hear(bridge)) as simulator:
            turn(simulator, draw_frames(count=2, behind_after=0.5), 0.05, 0.2)
            bridge.send("count")
            answered = hear(bridge)
        bridge.send("stop")
        assert 0 < hear(bridge)["on_disk"] == answered
