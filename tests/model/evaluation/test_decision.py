"""A retrained model is promoted only when it is better where asked and not worse elsewhere."""

import math
from pathlib import Path

import numpy as np
import pytest

from dataset.archives import Source
from dataset.pairs import Pair, find_pairs
from dataset.recordings.frame_record import FrameRecord, RecordedRange
from model.evaluation.promotion import compare, decide, target_ranges
from model.evaluation.results import ALL_FRAMES, Evaluation, FrameResult
from model.score import FrameScore


def frame(number, pixels, iou, detected=None, people=0.5):
    """The result of a frame with a target of `pixels`; detected unless its IoU is 0."""
    detected = (iou > 0) if detected is None else detected
    source = Source(Path(f"images/{number}.jpeg"))
    score = FrameScore((0.9, people, iou), pixels, 50 if detected else 0)
    pair = Pair(str(number), source, source, "run")
    return FrameResult(pair, ALL_FRAMES, pixels, 40.0 if pixels else None, score, np.zeros((3, 3), int), 0.001)


def evaluation(far=0.5, near=0.8, false_positives=0, people=0.5):
    results = [frame(number, 30, far, people=people) for number in range(20)]
    results += [frame(20 + number, 500, near, people=people) for number in range(30)]
    results += [frame(50 + number, 0, 0.0, number < false_positives, people) for number in range(50)]
    return Evaluation("model", "", tuple(results))


def test_figures_by_hand():
    changes = compare(evaluation(), evaluation(far=0.75, false_positives=5))
    changes = {(each.figure, each.group): each for each in changes}
    assert changes["hero IoU", "far targets"].before == pytest.approx(0.5)
    assert changes["hero IoU", "far targets"].after == pytest.approx(0.75)
    assert changes["hero IoU", "15-50 px"].frames == 20
    assert changes["hero IoU", "all targets"].gain == pytest.approx(0.25 * 20 / 50)
    assert changes["false-positive rate", "negative frames"].after == pytest.approx(0.1)
    assert changes["false-positive rate", "negative frames"].gain == pytest.approx(-0.1)


@pytest.mark.parametrize(
    ("after", "better", "promoted", "why"),
    [
        ({"far": 0.6}, "far", True, "from 0.500 to 0.600"),
        ({"far": 0.6}, "near", False, "not better where asked"),
        ({}, "all", False, "not better where asked"),
        ({"far": 0.9, "near": 0.79}, "all", True, "nothing got worse"),
        ({"far": 0.9, "near": 0.75}, "far", False, "near targets got worse by 0.050"),
        ({"far": 0.9, "false_positives": 2}, "far", False, "negative frames got worse by 0.040"),
        ({"far": 0.9, "people": 0.4}, "far", False, "people IoU"),
    ],
)
def test_better_where_asked_and_not_worse_elsewhere(after, better, promoted, why):
    promote, reason = decide(compare(evaluation(), evaluation(**after)), better, tolerance=0.02)
    assert promote == promoted
    assert why in reason


def test_fewer_false_positives_can_be_asked():
    changes = compare(evaluation(false_positives=10), evaluation(false_positives=4))
    assert decide(changes, "false-positives", 0.02)[0]
    assert not decide(changes, "all", 0.02)[0]


def test_few_frames_decide_nothing():
    old = Evaluation("old", "", tuple(frame(number, 30, 0.1) for number in range(19)))
    new = Evaluation("new", "", tuple(frame(number, 30, 0.9) for number in range(19)))
    promote, reason = decide(compare(old, new), "all", 0.02)
    assert not promote
    assert "only 19 frames" in reason


def test_ranges_come_from_the_recording(tmp_path):
    pose, estimate = (0.0, 0.0, 10.0, 0.0, 0.0, 0.0), RecordedRange(7.0, "depth")
    records = [
        record("0", pose=pose, ground_truth_target=(30.0, 40.0, 10.0), range=estimate),
        record("1", pose=pose, range=estimate),
        record("2"),
    ]
    lines = b"".join(each.to_line() for each in records)
    for folder, suffix in (("images", "jpeg"), ("masks", "png")):
        (tmp_path / folder).mkdir()
        for number in range(4):
            (tmp_path / folder / f"{number}.{suffix}").write_bytes(b"not read")
    (tmp_path / "frames.jsonl").write_bytes(lines + b'{"image": "3.jp')  # an interrupted recording
    metres = target_ranges(find_pairs(tmp_path)[0])
    assert metres == pytest.approx([50.0, 7.0, math.nan, math.nan], nan_ok=True)


def record(frame, **values):
    return FrameRecord(frame, f"{frame}.jpeg", "simulator", hero_pixels=100, people_pixels=0, **values)
