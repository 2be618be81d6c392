"""Figures by group and recall against false positives, on results whose figures are known."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset.archives import Source
from dataset.pairs import Pair, recorded_by
from dataset.schema import DEFAULT_CLASSES
from model.evaluation.breakdown import Estimate, curve, figures, groups, operating_points
from model.evaluation.reports.breakdowns import as_json, breakdown_tables, write_curves
from model.evaluation.results import ALL_FRAMES, Evaluation, FrameResult
from model.score import FrameScore
from tests.model.evaluation.synthetic import evaluate, write_frame

DATA = Path("data")


def result(target: int, confidence: float, person="ada", run="run1", iou=0.5, brightness=35.0) -> FrameResult:
    """A frame with so many pixels of the target, which is detected above so high a threshold."""
    image = Source(DATA / person / run / "images" / "a.jpeg")
    pair = Pair("a", image, image, f"data/{person}/{run}")
    predicted = 20 if confidence >= 0.5 else 0
    score = FrameScore((1.0, 0.0, iou if target and predicted else 0.0), target, predicted)
    light = brightness if target else None
    return FrameResult(pair, ALL_FRAMES, target, light, score, np.zeros((3, 3), int), None, confidence=confidence)


def test_each_person_has_the_figures_of_the_own_frames():
    results = [result(30, 0.9), result(30, 0.2), result(0, 0.8), result(0, 0.1), result(0, 0.1), result(0, 0.1)]
    results += [result(500, 0.9, person="bob", iou=0.75)]
    found = {name: figures(group) for name, group in groups(results, "person", DATA).items()}
    assert list(found) == ["ada", "bob"]
    ada, bob = found["ada"], found["bob"]
    assert (ada.frames, ada.targets, ada.negatives) == (6, 2, 4)
    assert (ada.recall, ada.hero_iou, ada.false_positives) == (Estimate(0.5), Estimate(0.25), Estimate(250.0))
    assert (bob.recall, bob.hero_iou, bob.false_positives) == (Estimate(1.0), Estimate(0.75), Estimate(None))


def test_other_groups():
    results = [result(7, 0.9, run="run2"), result(30, 0.9, brightness=20), result(700, 0.2), result(0, 0.9, run="run2")]
    assert {name: len(group) for name, group in groups(results, "size", DATA).items()} == {
        "under 15 px": 1,
        "15-50 px": 1,
        "over 400 px": 1,
    }
    assert {name: len(group) for name, group in groups(results, "light", DATA).items()} == {"dark": 1, "medium": 2}
    assert [len(group) for group in groups(results, "run", DATA).values()] == [2, 2]


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["ada/images/1.png", "bob/images/1.png"], ["ada", "bob"]),
        (["all/ada/run1/images/1.png", "all/ada/run2/images/1.png", "all/bob/images/1.png"], ["ada", "ada", "bob"]),
        (["images/1.png", "images/2.png"], ["data", "data"]),
        (["ada/images/1.png", "images/2.png"], ["ada", "data"]),
        (["images/ada/1.png", "images/bob/1.png"], ["ada", "bob"]),
    ],
)
def test_a_person_is_the_first_folder_that_tells_frames_apart(paths, names):
    pairs = [Pair("a", Source(DATA / path), Source(DATA / path), "") for path in paths]
    assert recorded_by(pairs, DATA) == names


def test_intervals_are_over_runs_not_frames():
    alike = [result(30, 0.9 if run % 2 else 0.1, run=f"run{run}") for run in range(10) for _ in range(40)]
    mixed = [result(30, 0.9 if frame % 2 else 0.1, run=f"run{run}") for run in range(10) for frame in range(40)]
    wide, narrow = (figures(results).recall for results in (alike, mixed))
    assert wide.value == narrow.value == 0.5
    assert wide.high - wide.low > 0.4
    assert narrow.high - narrow.low < 0.01
    assert wide == figures(alike).recall  # not another one each time


@given(st.lists(st.tuples(st.sampled_from([0, 30, 500]), st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.9])), min_size=1))
def test_the_curve_counts_what_is_detected_at_each_threshold(frames):
    results = [result(target, confidence) for target, confidence in frames]
    thresholds, false_positives, recall = curve(results)
    for threshold, rate, share in zip(thresholds, false_positives, recall, strict=True):
        negative = [confidence >= threshold for target, confidence in frames if target == 0]
        far = [confidence >= threshold for target, confidence in frames if target == 30]
        assert rate == pytest.approx(1000 * np.mean(negative) if negative else 0)
        assert share == pytest.approx(np.mean(far) if far else 0)


def test_operating_points_are_the_most_recall_within_the_false_positives():
    negatives = [result(0, confidence) for confidence in np.linspace(0, 0.8, 500)]  # ten lie above 0.784
    far = [result(30, confidence) for confidence in (0.95, 0.79, 0.75, 0.4)]
    ten, thirty = operating_points([*negatives, *far])
    assert (ten.false_positives, thirty.false_positives) == (10, 30)
    assert ten.recall == 0.25  # 0.79 would let 6 of 500 in, that is 12 of 1,000
    assert thirty.recall == 0.5


def test_without_a_negative_frame_no_false_positives_are_equal():
    results = [result(30, confidence) for confidence in (0.95, 0.2)]
    assert operating_points(results) == []
    evaluation = Evaluation("a", "a", tuple(results), DEFAULT_CLASSES)
    assert not any(
        "equal false positives" in f"{table.title}" for table in breakdown_tables([evaluation], "size", DATA)
    )


def test_iou_at_equal_false_positives_is_of_the_targets_that_are_still_detected():
    targets = [result(30, 0.95, iou=0.8), result(30, 0.6, iou=0.4), result(30, 0.9, iou=0.6), result(700, 0.9, iou=1.0)]
    negatives = [result(0, 0.7), *(result(0, 0.01) for _ in range(99))]  # one of a hundred at 0.7
    assert operating_points(targets + negatives)[0].hero_iou == pytest.approx((0.8 + 0.4 + 0.6) / 3)
    negatives += [result(0, 0.85)]  # two of 101 are too many: above 0.85
    assert operating_points(targets + negatives)[0].hero_iou == pytest.approx((0.8 + 0.6) / 3)


@pytest.fixture
def dataset(tmp_path):
    """Frames of two people; the second has a false positive and a target that is not found."""
    boxes = {
        "ada": [((4, 4, 12, 12), "as labelled"), (None, None)],
        "bob": [((4, 4, 12, 12), None), (None, (2, 2, 9, 9))],
    }
    for person, frames in boxes.items():
        for number, (ground_truth, drawn) in enumerate(frames):
            write_frame(tmp_path / "data" / person, f"{person}{number}", ground_truth, drawn)
    return tmp_path / "data"


def test_tables_and_numbers_of_measured_frames(dataset):
    evaluation = evaluate(dataset)
    (table, points) = breakdown_tables([evaluation], ["person"], dataset)
    assert [row[:2] for row in table.rows] == [("ada", "2"), ("bob", "2")]
    assert [row[2] for row in table.rows] == ["100%", "0%"]
    assert [row[4] for row in table.rows] == ["0", "1000"]
    assert [row[2:] for row in points.rows] == [("none", "0.0%", "0.000")] * 2
    (entry,) = json.loads(json.dumps(as_json([evaluation], ["person"], dataset)))
    assert entry["by"]["person"]["bob"]["false_positives"]["value"] == 1000
    assert "by" not in as_json([evaluation], [], dataset)[0]
    assert breakdown_tables([evaluation], [], dataset) == []


def test_confidence_is_the_threshold_below_which_the_target_is_detected(tmp_path):
    class Certain:
        def predict(self, images):
            hero = np.zeros(images.shape[:3], np.float32)
            hero[:, 0, :5] = (0.9, 0.8, 0.7, 0.6, 0.3)
            return np.stack([1 - hero, np.zeros_like(hero), hero], axis=-1)

    write_frame(tmp_path, "a", ground_truth=(0, 0, 8, 8))
    (measured,) = evaluate(tmp_path, predictor=Certain()).results
    assert measured.confidence == pytest.approx(0.6)  # the fourth pixel: a target has more than three


@pytest.mark.slow
def test_the_plot_has_a_line_for_each_model(dataset, tmp_path):
    write_curves([evaluate(dataset, name) for name in ("one", "two")], tmp_path / "new" / "curves.png")
    picture = cv2.imread(str(tmp_path / "new" / "curves.png"))
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20
