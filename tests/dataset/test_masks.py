import numpy as np
import pytest

from dataset.masks import decode_labels, encode_labels, labels_of_mask, labels_of_probabilities
from tests.model.labelled_frames import draw_labels


@pytest.mark.parametrize("values", [(0, 255), (0, 1)])
def test_masks_of_0_and_1_or_0_and_255_have_the_same_labels(values):
    labels = draw_labels(np.random.default_rng(2), 32)
    mask = np.eye(3, dtype=np.uint8)[labels] * values[1]
    np.testing.assert_array_equal(labels_of_mask(mask), labels)


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
