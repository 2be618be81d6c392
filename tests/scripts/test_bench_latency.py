"""The latency benchmark as a command, with a tiny network and for a second only."""

import json
from dataclasses import asdict

import pytest

from scripts.benchmarks.__main__ import main
from scripts.benchmarks.harness.rounds import summarise
from scripts.benchmarks.latency import NO_DELAY, ORIGINAL, OURS, QUADSIM, RATES, SPEED_UP, Variant, socket_ratio

pytestmark = pytest.mark.slow


def latencies(p50: float, p99: float) -> list[list[float]]:
    """Two rounds with such percentiles."""
    return [[p50] * 60, [p50] * 38 + [p99] * 3]


def test_ratios_are_to_the_original_on_eventlet_at_the_same_pace():
    results = {
        (hz, Variant(server, mode)): latencies(p50 * slower, p99 * slower)
        for hz, slower in zip(RATES, (1, 2), strict=True)
        for server, mode, p50, p99 in (
            (OURS, "threading", 10, 20),
            (OURS, "eventlet", 20, 25),
            (ORIGINAL, "threading", 90, 95),
            (ORIGINAL, "eventlet", 100, 150),
        )
    }
    rows = summarise(results, Variant(ORIGINAL, "eventlet"), SPEED_UP, asdict)
    assert [row["pace"] for row in rows] == ["5 Hz"] * 4 + ["unthrottled"] * 4
    assert [round(row["p50_x"], 1) for row in rows] == [10.0, 5.0, 1.1, 1.0] * 2
    assert [round(row["p99_x"], 1) for row in rows] == [7.5, 6.0, 1.6, 1.0] * 2


def test_the_two_sockets_are_compared_at_5_hz_on_the_same_transport():
    results = {
        (hz, Variant(OURS, mode, socket)): latencies(p50 * slower, 100)
        for hz, slower in zip(RATES, (1, 3), strict=True)
        for mode, socket, p50 in (
            ("threading", NO_DELAY, 10),
            ("threading", QUADSIM, 12),
            ("eventlet", NO_DELAY, 20),
            ("eventlet", QUADSIM, 60),
        )
    }
    rows = summarise(results, Variant(OURS, "threading", NO_DELAY), SPEED_UP, asdict)
    assert socket_ratio(rows, "threading") == pytest.approx(1.2)
    assert socket_ratio(rows, "eventlet") == pytest.approx(3.0)


def test_a_short_run_measures_both_servers(tiny_weights, pictures, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr("scripts.benchmarks.latency.ROUNDS", 1)
    arguments = ["--frames", str(pictures), "--seconds", "1", "--async-mode", "threading"]
    assert main(["latency", "--weights", tiny_weights, *arguments, "--json", str(tmp_path / "latency.json")]) == 0
    written = json.loads((tmp_path / "latency.json").read_text())
    assert "tiny.h5, 32x32" in written["model"]
    variants = [(row["server"], row["socket"]) for row in written["results"]]
    assert variants == [(OURS, QUADSIM), (OURS, NO_DELAY), (ORIGINAL, QUADSIM)] * 2
    assert written["socket_ratios"] == {"threading": socket_ratio(written["results"], "threading")}
    for row in written["results"]:
        assert row["frames"] > 0
        assert 0 < row["p10"] <= row["p50"] <= row["p99"]
    assert "tiny.h5, 32x32" in capfd.readouterr().out


def test_the_reason_why_a_server_does_not_start_is_reported(pictures, capsys):
    assert main(["latency", "--weights", "nowhere.h5", "--frames", str(pictures), "--async-mode", "threading"]) == 2
    assert "no weights file nowhere.h5" in capsys.readouterr().err


def test_an_unknown_runtime_is_rejected(capsys):
    with pytest.raises(SystemExit):
        main(["latency", "--runtime", "openvin"])
    assert "invalid choice: 'openvin'" in capsys.readouterr().err


def test_a_folder_without_pictures_is_named(tmp_path, capsys):
    assert main(["latency", "--frames", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err
