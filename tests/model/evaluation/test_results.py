"""Results on small data, against answers worked out by hand."""

import zipfile

import cv2
import numpy as np
import pytest

from model.evaluation.reports import report
from model.evaluation.results import OFFICIAL_SETS, FalsePositives
from tests.model.evaluation.synthetic import evaluate, write_frame


def test_official_data_by_hand(official):
    evaluation = evaluate(official)
    assert list(evaluation.sets) == list(OFFICIAL_SETS)
    assert [score.hero_iou for score in evaluation.sets.values()] == [1.0, 0.0, 0.25]
    # mean(1, 0.25) * 3 TP / (3 TP + 1 FP + 1 FN)
    assert evaluation.final_score == pytest.approx(0.625 * 0.6)
    assert evaluation.false_positives() == {"patrol_non_targ": FalsePositives(negative_frames=2, false_positives=1)}


def test_a_zip_gives_what_the_folder_gives(official, tmp_path):
    archive = tmp_path / "sample_evaluation_data.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(official.rglob("*.png")):
            file.write(path, path.relative_to(tmp_path))
    assert evaluate(archive).sets == evaluate(official).sets


def test_sizes_are_those_at_256_pixels(tmp_path):
    # At 128x128 one pixel stands for four: 2x1 -> 8, 3x3 -> 36, 5x5 -> 100, 20x20 -> 1600
    for name, (rows, columns) in {"a": (2, 1), "b": (3, 3), "c": (5, 5), "d": (20, 20)}.items():
        write_frame(tmp_path, name, ground_truth=(4, 4, 4 + rows, 4 + columns), size=128)
    write_frame(tmp_path, "e", ground_truth=(4, 4, 9, 9), drawn=None, size=128)
    bands = evaluate(tmp_path).by_size()
    assert [(band.frames, band.detected) for band in bands.values()] == [(1, 0), (1, 1), (2, 1), (1, 1)]
    assert bands["50-400 px"].hero_iou == 0.5


def test_brightness_is_the_targets_not_the_frames(tmp_path):
    write_frame(tmp_path, "a", ground_truth=(0, 0, 8, 8), shade=(40, 5, 5))  # grey value 0.299 * 40 + 0.701 * 5 = 15
    write_frame(tmp_path, "b", ground_truth=(0, 0, 8, 8), shade=(90, 10, 10))  # 34
    write_frame(tmp_path, "c", ground_truth=(0, 0, 8, 8), shade=(250, 60, 60))  # 117
    assert {name: band.frames for name, band in evaluate(tmp_path).by_brightness().items()} == {
        "dark": 1,
        "medium": 1,
        "bright": 1,
    }


class PredictsColours:
    """Predicts hero where a pixel is red, people where it is green, else background."""

    def predict(self, images):
        hero = images[..., 0].astype(int) - images[..., 1] > 20
        people = images[..., 1].astype(int) - images[..., 0] > 20
        return np.stack([~hero & ~people, people, hero], axis=-1).astype(np.float32)


def test_confusion_by_hand(tmp_path):
    # At 128x128 a pixel stands for four: 400 of a near target, all red; 8 of a far one, half green and a quarter grey.
    write_frame(tmp_path, "near", ground_truth=(0, 0, 20, 20), size=128)
    write_frame(tmp_path, "far", ground_truth=(0, 0, 2, 4), drawn=(0, 0, 2, 1), size=128)
    path = tmp_path / "images" / "far_cam1_1.png"
    image = cv2.imread(str(path))
    image[0:2, 1:3] = (20, 200, 20)
    cv2.imwrite(str(path), image)
    evaluation = evaluate(tmp_path, predictor=PredictsColours())
    assert evaluation.confusion().tolist() == [[2 * 128 * 128 - 408, 0, 0], [0, 0, 0], [2, 4, 402]]
    assert {name: pixels.tolist() for name, pixels in evaluation.hero_confusion_by_size().items()} == {
        "under 15 px": [0, 0, 0],
        "15-50 px": [2, 4, 2],
        "50-400 px": [0, 0, 0],
        "over 400 px": [0, 0, 400],
    }
    page = report.markdown("", [evaluation])
    assert "| hero | 1.25% | 0.49% | 0.98% | 98.53% |" in page
    assert "| 15-50 px | 1 | 25.0% | 50.0% | 25.0% |" in page
    entry = report.as_json([evaluation])[0]
    assert entry["hero_confusion_by_size"]["15-50 px"] == {"pixels": 8, "background": 0.25, "people": 0.5, "hero": 0.25}
    assert entry["confusion"]["people"]["people"] is None
    assert entry["confusion"]["background"]["background"] == 1


def test_worst_frames_are_the_least_iou_then_the_largest(tmp_path):
    write_frame(tmp_path, "fine", ground_truth=(0, 0, 8, 8))
    write_frame(tmp_path, "half", ground_truth=(0, 0, 8, 8), drawn=(0, 0, 8, 4))
    write_frame(tmp_path, "missed_small", ground_truth=(0, 0, 3, 3), drawn=None)
    write_frame(tmp_path, "missed_large", ground_truth=(0, 0, 20, 20), drawn=None)
    write_frame(tmp_path, "wrong", drawn=(0, 0, 9, 9))
    write_frame(tmp_path, "nothing")
    names = [each.pair.name.removesuffix("_1") for each in evaluate(tmp_path).worst(10)]
    assert names == ["missed_large", "wrong", "missed_small", "half", "fine"]
