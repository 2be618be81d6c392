"""The latency benchmark measures both ways in one run; with a tiny network and a second only, it is the real thing."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import keras
import pytest

from model import networks
from model.inference.sanity_inputs import sanity_frames
from model.weights import save_model
from scripts.benchmarks.harness import draw_frames
from scripts.benchmarks.latency import ORIGINAL, OURS, Figures, main, table
from sim_bridge.wire.messages import parse_sensor_frame

ROOT = Path(__file__).resolve().parents[2]


def test_ratios_are_to_the_original_on_eventlet_at_the_same_pace():
    figures = [
        Figures(who, mode, pace, 10, p50 * slower, p99 * slower)
        for pace, slower in (("paced", 1), ("flat out", 2))
        for who, mode, p50, p99 in (
            (OURS, "threading", 10, 20),
            (OURS, "eventlet", 20, 25),
            (ORIGINAL, "threading", 90, 95),
            (ORIGINAL, "eventlet", 100, 150),
        )
    ]
    drawn = table(figures)
    p50, p99 = (list(drawn.columns[index].cells) for index in (-2, -1))
    assert p50 == ["10.0", "5.0", "1.1", "1.0"] * 2
    assert p99 == ["7.5", "6.0", "1.6", "1.0"] * 2


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for index, frame in enumerate(sanity_frames((256, 256))[:4]):
        cv2.imwrite(str(folder / f"{index}.jpeg"), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    return folder


def test_a_short_run_measures_both_ways(pictures, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr("scripts.benchmarks.latency.ROUNDS", 1)
    keras.utils.set_random_seed(0)
    save_model(networks.build("pyramid-small", 32), tmp_path / "tiny.h5")
    arguments = ["--frames", str(pictures), "--seconds", "1", "--async-mode", "threading"]
    assert main(["--weights", str(tmp_path / "tiny.h5"), *arguments, "--json", str(tmp_path / "latency.json")]) == 0
    written = json.loads((tmp_path / "latency.json").read_text())
    assert "tiny.h5, 32x32" in written["model"]
    assert len(written["figures"]) == 4
    for each in written["figures"]:
        assert each["frames"] > 0
        assert 0 < each["p50"] <= each["p99"]
    assert "tiny.h5, 32x32" in capfd.readouterr().out


def test_what_keeps_a_server_from_starting_is_said(pictures, capsys):
    assert main(["--weights", "nowhere.h5", "--frames", str(pictures), "--async-mode", "threading"]) == 2
    assert "no weights file nowhere.h5" in capsys.readouterr().err


def test_frames_that_are_drawn_are_good_frames(capfd):
    frames = draw_frames(count=2, behind_after=0.5)
    assert len(frames) == 2
    for frame in frames:
        assert parse_sensor_frame((frame,), 256).image.std() > 10
    assert capfd.readouterr().err == ""


def test_a_folder_without_pictures_is_named(tmp_path, capsys):
    assert main(["--frames", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err


def test_the_command_lists_its_benchmarks():
    result = subprocess.run([sys.executable, ROOT / "scripts" / "bench.py"], capture_output=True, text=True)
    assert result.returncode == 2
    assert "latency" in result.stdout
    assert "follow" in result.stdout
