"""Errors are false positives and missed targets, each with a pixel to focus crops on."""

import numpy as np

from dataset.schema import DEFAULT_CLASSES, HERO
from model.training.validation import find_errors


class Labelled:
    """What `find_errors` reads of packed frames."""

    classes = DEFAULT_CLASSES

    def __init__(self, labels):
        self.labels = np.array(labels, np.uint8)
        self.images = np.repeat(self.labels[..., None], 3, axis=3)


def box(top, left, bottom, right, size=32):
    mask = np.zeros((size, size), bool)
    mask[top:bottom, left:right] = True
    return mask


def errors(ground_truths, predictions):
    frames = Labelled([np.where(mask, HERO, 0) for mask in ground_truths])
    answers = iter(predictions)

    def predict(images):
        hero = np.stack([next(answers) for _ in images]).astype(np.float32)
        return np.stack([1 - hero, np.zeros_like(hero), hero], axis=-1)

    return find_errors(predict, frames, np.arange(len(ground_truths))).tolist()


NOTHING = box(0, 0, 0, 0)
HERE, THERE = box(4, 4, 12, 8), box(20, 20, 28, 24)


def test_correct_predictions_are_no_errors():
    speck = box(0, 0, 1, 3)  # three pixels are no detection, as in the score
    assert errors([HERE, NOTHING, NOTHING], [HERE, NOTHING, speck]) == [[-1, -1]] * 3


def test_a_false_positive_has_one_of_its_pixels():
    ((row, column),) = errors([NOTHING], [THERE])
    assert THERE[row, column]


def test_a_missed_target_has_one_of_its_pixels_even_if_another_is_predicted():
    for predicted in (NOTHING, THERE, box(4, 4, 5, 8)):  # nothing, another place, an eighth of the target
        ((row, column),) = errors([HERE], [predicted])
        assert HERE[row, column]


def test_only_the_given_frames_are_predicted():
    frames = Labelled([np.zeros((32, 32))] * 40)
    rows = np.array([3, 17, 39])
    sizes = []

    def predict(images):
        sizes.append(len(images))
        return np.zeros((len(images), 32, 32, 3), np.float32)

    assert find_errors(predict, frames, rows).shape == (3, 2)
    assert sum(sizes) == 3
