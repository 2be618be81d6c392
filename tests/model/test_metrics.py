"""The shared definitions against the original project's 8-bit pictures and counts by hand, for arrays and tensors."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset.schema import is_visible
from model.score import (
    detection_weight,
    intersection_over_union,
    predicted_mask,
    size_bands,
)

BACKENDS = pytest.mark.parametrize(
    ("array", "xp"), [(np.asarray, np), (keras.ops.convert_to_tensor, keras.ops)], ids=["numpy", "keras"]
)


@given(st.floats(0, 1, width=32))
def test_a_pixel_is_predicted_where_the_8_bit_picture_exceeds_127(probability):
    picture = (np.array([probability], np.float32) * 255).astype(np.uint8)  # cut off, not rounded
    assert predicted_mask(np.array([probability], np.float32)) == (picture > 127)


@BACKENDS
def test_the_threshold_is_128_of_255(array, xp):
    # p = 0.5 becomes 127 in the original's pictures and is not kept.
    probabilities = array(np.array([0.5, 0.5019, 128 / 255, 0.51], np.float32))
    assert np.asarray(predicted_mask(probabilities)).tolist() == [False, False, True, True]


@BACKENDS
def test_iou_by_hand(array, xp):
    ground_truth, predicted = np.zeros((2, 3, 8, 8), bool)
    ground_truth[0, 0:4, 0:4] = True  # 16 pixels, 8 of them shared
    predicted[0, 0:4, 2:6] = True
    predicted[1, 0, 0] = True  # nothing there; the third frame is empty
    iou = np.asarray(intersection_over_union(array(ground_truth), array(predicted), xp))
    assert iou == pytest.approx([8 / 24, 0, 0])


def test_iou_of_several_classes():
    masks = np.zeros((1, 4, 4, 3), bool)
    masks[..., 0] = True
    assert intersection_over_union(masks, masks).tolist() == [[1, 0, 0]]


@BACKENDS
def test_more_than_three_pixels_are_visible(array, xp):
    assert np.asarray(is_visible(array([0, 3, 4]))).tolist() == [False, False, True]


@BACKENDS
def test_size_bands_are_those_of_the_reference_size(array, xp):
    # At 128x128 a pixel stands for four.
    bands = np.asarray([np.asarray(band) for band in size_bands(array([0, 2, 9, 25, 400]), (128, 128))])
    assert bands.argmax(axis=0)[1:].tolist() == [0, 1, 2, 3]
    assert bands.sum(axis=0).tolist() == [0, 1, 1, 1, 1]


@pytest.mark.parametrize(("hits", "errors", "weight"), [(9, 6, 0.6), (0, 3, 0.0), (0, 0, 0.0)])
def test_detection_weight(hits, errors, weight):
    assert detection_weight(hits, errors) == weight
