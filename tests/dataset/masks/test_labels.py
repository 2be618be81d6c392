import numpy as np
import pytest

from dataset.masks.labels import (
    channels_of_labels,
    decode_labels,
    encode_labels,
    labels_of_channels,
    labels_of_probabilities,
)
from tests.model.labelled_frames import draw_labels


@pytest.mark.parametrize("high", [1, 255])
def test_masks_of_0_and_1_or_0_and_255_have_the_same_labels(high):
    labels = draw_labels(np.random.default_rng(2), 32)
    mask = np.eye(3, dtype=np.uint8)[labels] * np.uint8(high)
    np.testing.assert_array_equal(labels_of_channels(mask), labels)
    np.testing.assert_array_equal(channels_of_labels(labels), mask > 0)
    mask[3, 4] = 0, high, high  # two classes
    assert labels_of_channels(mask) is None
    mask[3, 4] = 0
    assert labels_of_channels(mask) is None


def test_labels_survive_encoding():
    labels = np.random.default_rng(3).integers(0, 3, (40, 50)).astype(np.uint8)
    np.testing.assert_array_equal(decode_labels(encode_labels(labels), (40, 50)), labels)
    assert decode_labels(encode_labels(labels), (50, 40)) is None
    assert decode_labels(b"no image", (40, 50)) is None
    assert decode_labels(b"", (40, 50)) is None


def test_labels_are_the_likeliest_classes_at_the_requested_size():
    probabilities = np.zeros((2, 2, 3), np.float32)
    probabilities[0, 0], probabilities[0, 1] = (0.2, 0.3, 0.5), (0.1, 0.6, 0.3)
    probabilities[1, 0], probabilities[1, 1] = (0.9, 0.1, 0.0), (0.4, 0.3, 0.3)
    np.testing.assert_array_equal(
        labels_of_probabilities(probabilities, (4, 4)), [[2, 2, 1, 1], [2, 2, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]]
    )
