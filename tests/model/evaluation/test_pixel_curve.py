"""MaxF and average precision of pixels, against every threshold tried one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.evaluation.pixel_curve import BINS, PixelCurve, pixel_histograms


def curve_of(road, labels):
    """The curve of road's probabilities, (n,), in two frames of half the pixels."""
    both = np.stack([1 - road, road], axis=-1)[None]
    half = len(labels) // 2
    parts = np.s_[:, :half], np.s_[:, half:]
    return PixelCurve(sum(pixel_histograms(both[at], labels[None][at]) for at in parts))


@given(st.lists(st.tuples(st.integers(0, 256), st.sampled_from([0, 1, 255])), min_size=2, max_size=60))
def test_max_f_and_average_precision_are_those_of_the_best_thresholds(pixels):
    road, labels = np.array([value for value, _ in pixels]) / 256, np.array([label for _, label in pixels], np.uint8)
    counted = labels != 255
    points = []
    for threshold in np.arange(BINS) / BINS:
        predicted = (road >= threshold) & counted
        hits, total = (predicted & (labels == 1)).sum(), (labels == 1).sum()
        points.append((hits / max(predicted.sum(), 1), hits / max(total, 1)))
    curve = curve_of(road, labels)
    expected = max(2 * p * r / (p + r) if p + r else 0 for p, r in points)
    assert curve.best.f == pytest.approx(expected)
    precisions = [max([p for p, r in points if r >= least], default=0) for least in np.linspace(0, 1, 11)]
    assert curve.average_precision == pytest.approx(np.mean(precisions))


def test_a_perfect_prediction_has_1_and_pixels_that_are_ignored_do_not_count():
    labels = np.array([0, 0, 1, 1, 255, 255], np.uint8)
    curve = curve_of(np.array([0.1, 0.2, 0.7, 0.9, 0.0, 1.0]), labels)
    assert (curve.best.f, curve.average_precision, curve.fraction) == (1, 1, 0.5)
    assert 0.2 < curve.best.threshold <= 0.7
