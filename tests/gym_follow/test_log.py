"""Logs of flights in files."""

import pytest

from gym_follow.log import read_log, write_log
from tests.gym_follow.moments import WRONG, flight, moment, searching


def test_a_log_comes_back_as_it_was(tmp_path):
    log = flight((3, searching, {}), (5, moment, {"error": 1 / 3}), (2, moment, WRONG), (1, moment, {"collisions": 2}))
    path = tmp_path / "plain" / "100.jsonl"
    write_log(path, log, {"seed": 100, "people": None})
    assert read_log(path) == (log, {"seed": 100, "people": None})


@pytest.mark.parametrize("damage", ["cut", "empty", "columns", "not JSON"])
def test_a_file_that_is_no_log_is_one_sentence(tmp_path, damage):
    path = tmp_path / "100.jsonl"
    write_log(path, flight((3, moment, {})), {})
    text = path.read_text()
    path.write_text(
        {"cut": text[:-40], "empty": "", "columns": text.replace('"quad"', '"drone"'), "not JSON": "hello"}[damage]
    )
    with pytest.raises(ValueError, match=r"100\.jsonl: expected the log of a flight .*; remove the file") as refused:
        read_log(path)
    assert "\n" not in str(refused.value)


def test_bearing_and_distances():
    """The target is 3 m ahead, 3 m to the left and 4 m below; the camera looks 30 degrees to the left."""
    seen = moment(0.0, quad=(7.0, -3.0, 5.0), camera_yaw=0.5235988)
    assert seen.bearing == pytest.approx(0.2617994)
    assert seen.horizontal_distance == pytest.approx(18**0.5)
    assert seen.distance == pytest.approx(34**0.5)
    assert moment(0.0, quad=(13.0, 0.0, 1.0), camera_yaw=-3.0).bearing == pytest.approx(-(3.1415927 - 3.0))
