"""Mistakes are what a person would call one: a hero where none is, or one who is there and not covered."""

import numpy as np

from dataset.schema import HERO
from model.training.hard_examples import find_errors


class Labelled:
    """As much of a packed set as mining reads."""

    def __init__(self, labels):
        self.labels = np.array(labels, np.uint8)
        self.images = np.repeat(self.labels[..., None], 3, axis=3)  # so that a prediction can know which frame it is


def box(top, left, bottom, right, size=32):
    mask = np.zeros((size, size), bool)
    mask[top:bottom, left:right] = True
    return mask


def mistakes(truths, predictions):
    frames = Labelled([np.where(truth, HERO, 0) for truth in truths])
    answers = iter(predictions)

    def predict(images):
        hero = np.stack([next(answers) for _ in images]).astype(np.float32)
        return np.stack([1 - hero, np.zeros_like(hero), hero], axis=-1)

    return find_errors(predict, frames, np.arange(len(truths))).tolist()


NOBODY = box(0, 0, 0, 0)


HERE, THERE = box(4, 4, 12, 8), box(20, 20, 28, 24)


def test_what_is_right_is_no_mistake():
    speck = box(0, 0, 1, 3)  # three pixels do not count as a hero, here as in the score
    assert mistakes([HERE, NOBODY, NOBODY], [HERE, NOBODY, speck]) == [[-1, -1]] * 3


def test_a_wrong_hero_is_pointed_at():
    ((row, column),) = mistakes([NOBODY], [THERE])
    assert THERE[row, column]


def test_a_missed_hero_is_pointed_at_even_if_another_is_seen():
    for seen in (NOBODY, THERE, box(4, 4, 5, 8)):  # nothing, somebody else, an eighth of her
        ((row, column),) = mistakes([HERE], [seen])
        assert HERE[row, column]


def test_only_the_frames_asked_for_are_looked_at():
    frames = Labelled([np.zeros((32, 32))] * 40)
    asked = np.array([3, 17, 39])
    sizes = []

    def predict(images):
        sizes.append(len(images))
        return np.zeros((len(images), 32, 32, 3), np.float32)

    assert find_errors(predict, frames, asked).shape == (3, 2)
    assert sum(sizes) == 3
