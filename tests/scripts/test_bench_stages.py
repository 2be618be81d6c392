"""The benchmark of a frame's stages: a short run as a command."""

import json
import time

import pytest

from scripts.benchmarks.__main__ import main
from scripts.benchmarks.stages import StageClock

pytestmark = pytest.mark.slow


def test_a_stage_that_sleeps_takes_time_but_no_processor():
    clock = StageClock()
    with clock.stage("sleep"):
        time.sleep(0.05)
    (row,) = clock.rows()
    assert row["stage"] == "sleep"
    assert row["wall"] >= 50
    assert row["cpu"] < 40


def test_a_missing_device_is_reported_before_anything_is_drawn(tiny_weights, monkeypatch, capsys):
    monkeypatch.setattr("scripts.benchmarks.harness.rounds.draw_frames", lambda: pytest.fail("drawn"))
    monkeypatch.setattr("model.inference.tensorflow_runtime.find_gpus", lambda: [])
    assert main(["stages", "--weights", tiny_weights, "--runtime", "tensorflow", "--device", "gpu"]) == 2
    assert "TensorFlow sees no GPU" in capsys.readouterr().err


def test_a_short_run_shows_every_stage_and_the_whole(tiny_weights, pictures, tmp_path, capfd):
    results = tmp_path / "stages.json"
    arguments = ["--frames", str(pictures), "--seconds", "0.5", "--weights", tiny_weights, "--json", str(results)]
    assert main(["stages", *arguments]) == 0
    written = json.loads(results.read_text())
    names = [row["stage"] for row in written["stages"]]
    assert [name for name in names if "decode" in name] == ["decode colour (JPEG)", "decode depth (PNG)"]
    assert "network" in names
    assert written["sum"]["cpu"] == pytest.approx(sum(row["cpu"] for row in written["stages"]))
    assert all(row["wall"] > 0 for row in written["live"])
    assert "over a websocket, unthrottled" in capfd.readouterr().out
