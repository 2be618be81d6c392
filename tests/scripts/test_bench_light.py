"""`bench light` counts what is found in pictures as taken and as restored."""

import json

import cv2
import numpy as np
import pytest

from scripts.benchmarks.__main__ import main
from scripts.benchmarks.light import View, row_of


def square(size, column=50):
    mask = np.zeros((256, 256), bool)
    mask[50 : 50 + size, column : column + size] = True
    return mask


PICTURE, NOTHING = np.zeros((256, 256, 3), np.uint8), square(0)


def test_targets_are_counted_by_size_and_false_positives_in_pictures_without_one():
    views = [
        View(PICTURE, PICTURE, square(10), (NOTHING, square(10))),
        View(PICTURE, PICTURE, square(10), (square(10, column=53), square(10))),
        View(PICTURE, PICTURE, square(10), (square(10, column=80), NOTHING)),
        View(PICTURE, PICTURE, square(5), (square(5), NOTHING)),
        View(PICTURE, PICTURE, NOTHING, (square(9), NOTHING)),
        View(PICTURE, PICTURE, NOTHING, (square(1), NOTHING)),
    ]
    assert row_of("fog", views) == {
        "light": "fog",
        "under 15 px": "0, 0 of 0",
        "15-50 px": "1, 0 of 1",
        "50-400 px": "1, 2 of 3",
        "over 400 px": "0, 0 of 0",
        "false positives": "1, 0 of 2",
    }


@pytest.mark.slow
def test_near_targets_are_found_in_all_lights_and_the_picture_is_drawn(tmp_path):
    picture, results = tmp_path / "light.jpg", tmp_path / "light.json"
    assert main(["light", "--cities", "1", "--picture", str(picture), "--json", str(results)]) == 0
    rows = json.loads(results.read_text())
    assert [row["light"] for row in rows] == ["day", "low sun", "dusk", "night", "fog", "rain"]
    for row in rows:
        found, of = row["over 400 px"].split(" of ")
        assert int(found.split(", ")[1]) >= 0.8 * int(of)
    assert cv2.imread(str(picture)).shape == (1024, 1536, 3)
