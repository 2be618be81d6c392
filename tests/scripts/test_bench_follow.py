"""The follow benchmark as a command: flights too short for a detection, and errors."""

import json

import pytest

from scripts.benchmarks.__main__ import main

pytestmark = pytest.mark.slow


def no_number(name):
    raise AssertionError(f"{name} is not JSON")


def test_flights_without_a_detection_leave_blanks_in_valid_json(tmp_path, capsys):
    flight = ["--episodes", "1", "--seconds", "1", "--people", "0", "--processes", "1", "--agents", "ours"]
    assert main(["follow", "--perfect", *flight, "--out", str(tmp_path)]) == 0
    content = json.loads((tmp_path / "follow.json").read_text(), parse_constant=no_number)
    assert content["overall"]["ours"]["first_detection"] is None
    assert content["episodes"]["ours"]["100"]["position_error_p95_by_range"] == [None] * 5
    assert "p95 at 20-50 m, m" in capsys.readouterr().out
    assert (tmp_path / "follow.png").stat().st_size > 1000


def test_a_model_that_is_not_there_is_one_sentence(capsys):
    assert main(["follow", "--weights", "nosuch.h5", "--episodes", "1", "--processes", "1"]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("bench follow: There is no weights file nosuch.h5")


@pytest.mark.parametrize("option", ["--processes", "--episodes", "--seconds"])
def test_zero_is_rejected(option, capsys):
    with pytest.raises(SystemExit) as refused:
        main(["follow", "--perfect", option, "0"])
    assert refused.value.code == 2
    assert "expected at least 1" in capsys.readouterr().err
