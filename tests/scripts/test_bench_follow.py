"""The follow benchmark as a command: flights too short for a detection, a folder of flights, and errors."""

import json

import pytest

from scripts.benchmarks.__main__ import main

pytestmark = pytest.mark.slow


def no_number(name):
    raise AssertionError(f"{name} is not JSON")


SHORT = ["--perfect", "--seconds", "1", "--people", "0", "--processes", "1", "--agents", "scripted"]


def test_flights_without_a_detection_leave_blanks_in_valid_json(tmp_path, capsys):
    flight = ["--episodes", "1", "--seconds", "1", "--people", "0", "--processes", "1", "--agents", "ours"]
    assert main(["follow", "--perfect", *flight, "--out", str(tmp_path)]) == 0
    content = json.loads((tmp_path / "follow.json").read_text(), parse_constant=no_number)
    ours = content["difficulties"]["plain"]["ours"]
    assert ours["overall"]["first_detection"] is None
    assert ours["episodes"]["100"]["position_error_p95_by_range"] == [None] * 5
    assert ours["field"]["reacquisition_time"] == {"value": None, "low": None, "high": None}
    printed = capsys.readouterr().out
    assert "p95 at 20-50 m, m" in printed
    assert "ours: not followed to the end with seeds 100" in printed
    assert (tmp_path / "follow_plain.png").stat().st_size > 1000


def test_a_folder_of_flights_is_continued_and_never_replaced(tmp_path, capsys):
    folder = ["--out", str(tmp_path)]
    assert main(["follow", *SHORT, "--episodes", "1", *folder]) == 0
    first = tmp_path / "flights" / "plain" / "scripted" / "100.jsonl"
    before = first.stat().st_mtime_ns
    assert len(first.read_text().splitlines()) == 1 + 5

    assert main(["follow", *SHORT, "--episodes", "2", *folder]) == 2
    assert "has flights already: add --resume to keep them" in capsys.readouterr().err

    assert main(["follow", *SHORT, "--episodes", "2", "--seconds", "2", *folder, "--resume"]) == 2
    assert "100.jsonl: expected a flight with seconds 2.0, this one has 1.0" in capsys.readouterr().err

    assert main(["follow", *SHORT, "--episodes", "2", *folder, "--resume"]) == 0
    assert first.stat().st_mtime_ns == before
    assert sorted(path.name for path in first.parent.iterdir()) == ["100.jsonl", "101.jsonl"]
    figures = json.loads((tmp_path / "follow.json").read_text())["difficulties"]["plain"]["scripted"]
    assert list(figures["episodes"]) == ["100", "101"]


def test_resuming_needs_a_folder(capsys):
    assert main(["follow", *SHORT, "--resume"]) == 2
    assert "expected --out FOLDER with --resume" in capsys.readouterr().err


def test_an_agent_that_is_not_there_is_refused_before_anything_flies(capsys):
    with pytest.raises(SystemExit) as refused:
        main(["follow", *SHORT, "--agents", "nowhere.py:Agent"])
    assert refused.value.code == 2
    assert "there is no such file" in capsys.readouterr().err


def test_a_model_that_is_not_there_is_one_sentence(capsys):
    assert main(["follow", "--weights", "nosuch.h5", "--episodes", "1", "--processes", "1"]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("bench follow: There is no weights file nosuch.h5")


@pytest.mark.parametrize("option", ["--processes", "--episodes", "--seconds"])
def test_zero_is_rejected(option, capsys):
    with pytest.raises(SystemExit) as refused:
        main(["follow", "--perfect", option, "0"])
    assert refused.value.code == 2
    assert "number of at least 1, got '0'" in capsys.readouterr().err
