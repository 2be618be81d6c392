"""Validation figures, counted by hand."""

from dataclasses import dataclass

import numpy as np
import pytest

from dataset.schema import DEFAULT_CLASSES, Classes
from model.training.validation import SIZE_NAMES, find_errors, validate


@dataclass
class ArrayFrames:
    """What `validate` reads of packed frames."""

    images: np.ndarray
    labels: np.ndarray
    usable: np.ndarray
    classes: Classes = DEFAULT_CLASSES


def test_validation_counts_by_hand():
    """Four frames: a far target detected, one missed, a near target half covered, and a false positive."""
    labels = np.zeros((4, 64, 64), np.uint8)
    predicted = np.zeros((4, 64, 64, 3), np.float32)
    predicted[..., 0] = 1
    labels[0, 0:4, 0:5] = 2
    predicted[0, 0:4, 0:5, 2] = 0.9
    labels[1, 10:14, 0:5] = 2
    labels[2, 0:40, 0:20] = 2
    predicted[2, 0:20, 0:20, 2] = 0.8
    predicted[3, 0:3, 0:3, 2] = 0.7
    answers = iter(predicted)
    frames = ArrayFrames(np.zeros((4, 64, 64, 3), np.uint8), labels, np.arange(4))
    measured = validate(lambda images: np.stack([next(answers) for _ in images]), frames, (1.0, 6.0, 8.0))
    # Target pixels, of weight 8: 20 predicted and 20 not, 400 predicted and 400 not; a probability is at least 1e-6.
    logs = 20 * np.log(0.9) + 400 * np.log(0.8) + (20 + 400) * np.log(1e-6)
    assert measured["cross_entropy"] == pytest.approx(-8 * logs / (4 * 64 * 64), rel=1e-3)
    # In a frame of 64x64 a pixel counts 16 times: 20 pixels are 320 of a frame of 256x256.
    assert measured[f"iou {SIZE_NAMES[2]}"] == pytest.approx(0.5)
    assert measured[f"iou {SIZE_NAMES[3]}"] == pytest.approx(0.5)
    assert measured[f"recall {SIZE_NAMES[2]}"] == pytest.approx(0.5)
    assert measured["false_positive_rate"] == 1.0
    # Mean of far (0.5) and near (0.5) IoU, times TP 2 / (TP 2 + FP 1 + FN 1).
    assert measured["score"] == pytest.approx(0.5 * 0.5)


@pytest.mark.parametrize(("width", "counts"), [(10, False), (40, True)])  # 2.5 and 10 pixels at 256x256
def test_targets_of_own_classes_count_by_their_size_at_256_pixels(width, counts):
    """One that is found in a frame of 512x512, one that is missed, and one in a frame without."""
    classes = Classes(("road", "cone"), target=1, colours=(0, 1))
    labels, predicted = np.zeros((3, 512, 512), np.uint8), np.zeros((3, 512, 512), int)
    labels[:2, 100, 100 : 100 + width] = 1
    predicted[::2, 100, 100 : 100 + width] = 1
    frames = ArrayFrames(np.zeros((3, 512, 512, 3), np.uint8), labels, np.arange(3), classes)

    def predict(images):
        return np.eye(2, dtype=np.float32)[predicted]

    measured = validate(predict, frames, (1.0, 1.0))
    assert measured["false_positive_rate"] == counts
    assert measured["score"] == pytest.approx(0.5 / 3 if counts else np.nan, nan_ok=True)
    errors = find_errors(predict, frames, np.arange(3))
    assert (errors >= 0).all(axis=1).tolist() == [False, counts, counts]
