"""Finds the frames that a network gets wrong, so that training can dwell on them.

Most of a training set is easy soon. What is left is people taken for the hero and heroes taken for other people, and
learning goes faster where those are seen more often (Shrivastava et al. 2016, online hard example mining).
"""

from collections.abc import Callable

import numpy as np

from dataset.schema import HERO, VISIBLE_PIXELS
from model.data.packed_frames import Frames

OVERLAP = 0.2  # IoU of hero and prediction below which she is missed
BATCH = 16


def find_mistakes(predict: Callable[[np.ndarray], np.ndarray], frames: Frames, rows: np.ndarray) -> np.ndarray:
    """Where the network is wrong in each of the frames `rows`.

    A frame is wrong where a hero is seen that is not there, or the one who is there is hardly covered.

    Args:
        predict: (n, height, width, 3) uint8 -> (n, height, width, 3) probabilities.
        frames: the set that `rows` (m,) counts in.

    Returns: (m, 2) int16 row and column of a pixel of the wrong hero or of the missed one, -1 where all is well.
    """
    found = np.full((len(rows), 2), -1, np.int16)
    for first in range(0, len(rows), BATCH):
        part = rows[first : first + BATCH]
        seen = np.asarray(predict(np.asarray(frames.images[part])))[..., HERO] > 0.5
        there = np.asarray(frames.labels[part]) == HERO
        for number, (prediction, truth) in enumerate(zip(seen, there, strict=True)):
            found[first + number] = _mistake(prediction, truth)
    return found


def _mistake(seen: np.ndarray, there: np.ndarray) -> tuple[int, int]:
    if there.sum() > VISIBLE_PIXELS:
        wrong = (seen & there).sum() < OVERLAP * (seen | there).sum()
        pixels = there
    else:
        wrong = seen.sum() > VISIBLE_PIXELS
        pixels = seen
    return _middle(pixels) if wrong else (-1, -1)


def _middle(pixels: np.ndarray) -> tuple[int, int]:
    """The middle one of the pixels in reading order: always one of them, whatever their shape."""
    rows, columns = np.nonzero(pixels)
    return int(rows[rows.size // 2]), int(columns[rows.size // 2])
