"""`bench light` counts what is found in pictures as taken and as restored."""

import json

import cv2
import numpy as np
import pytest

from scripts.benchmarks.__main__ import main
from scripts.benchmarks.light import View, counts_of, prediction, row_of


def square(size, column=50):
    mask = np.zeros((256, 256), bool)
    mask[50 : 50 + size, column : column + size] = True
    return mask


PICTURE, NOTHING = np.zeros((256, 256, 3), np.uint8), square(0)


def view(target, taken, restored):
    return View(int(target.sum()), *(prediction(PICTURE, predicted, target) for predicted in (taken, restored)))


def test_targets_are_counted_by_size_and_false_positives_wherever_no_target_is():
    tree = square(9, column=120)
    views = [
        view(square(10), NOTHING, square(10)),
        view(square(10), square(10, column=53) | tree, square(10) | tree),
        view(square(10), tree, NOTHING),
        view(square(5), square(5), square(5, column=54)),
        view(NOTHING, tree | square(9), NOTHING),
        view(NOTHING, square(1), NOTHING),
    ]
    assert row_of("fog", [counts_of(each) for each in views]) == {
        "light": "fog",
        "under 15 px": "0, 0 of 0",
        "15-50 px": "1, 0 of 1",
        "50-400 px": "1, 2 of 3",
        "over 400 px": "0, 0 of 0",
        "false positives": "4, 1",
    }


def test_there_may_be_a_target_in_every_view():
    assert row_of("fog", [counts_of(view(square(10), NOTHING, square(10)))])["false positives"] == "0, 0"


@pytest.mark.slow
def test_near_targets_are_found_in_all_lights_and_the_picture_is_drawn(tmp_path):
    picture, results = tmp_path / "light.jpg", tmp_path / "light.json"
    assert main(["light", "--cities", "1", "--picture", str(picture), "--json", str(results)]) == 0
    rows = json.loads(results.read_text())["rows"]
    assert [row["light"] for row in rows] == ["day", "low sun", "dusk", "night", "fog", "rain"]
    for row in rows:
        found, of = row["over 400 px"].split(" of ")
        assert int(found.split(", ")[1]) >= 0.8 * int(of)
    assert cv2.imread(str(picture)).shape == (1024, 1536, 3)
