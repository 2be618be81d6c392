"""Find the frames that a network gets wrong, for hard-example mining (Shrivastava et al. 2016).

Most of a training set is soon easy. False positives and missed targets are left, and training is faster if their frames
are drawn more often.
"""

from collections.abc import Callable

import numpy as np

from dataset.schema import HERO
from model.data.packed_frames import PackedFrames
from model.metrics import intersection_over_union, is_visible, predicted_mask

MIN_IOU = 0.2  # of a target that is not missed
BATCH = 16


def find_errors(predict: Callable[[np.ndarray], np.ndarray], frames: PackedFrames, rows: np.ndarray) -> np.ndarray:
    """Find a false positive or a missed target in each of the frames `rows`, (m,).

    Args:
        predict: (n, height, width, 3) uint8 -> (n, height, width, 3) probabilities.

    Returns (m, 2) int16: row and column of a pixel of the false positive or the missed target, -1 if there is neither.
    """
    errors = np.full((len(rows), 2), -1, np.int16)
    for first in range(0, len(rows), BATCH):
        batch = rows[first : first + BATCH]
        predicted = predicted_mask(np.asarray(predict(np.asarray(frames.images[batch])))[..., HERO])
        hero = np.asarray(frames.labels[batch]) == HERO
        present, detected = (is_visible(np.count_nonzero(mask, axis=(1, 2))) for mask in (hero, predicted))
        missed = present & (intersection_over_union(hero, predicted) < MIN_IOU)
        wrong = missed | (detected & ~present)
        for number in np.flatnonzero(wrong):
            errors[first + number] = _middle_pixel(hero[number] if missed[number] else predicted[number])
    return errors


def _middle_pixel(mask: np.ndarray) -> tuple[int, int]:
    """Return the middle pixel of a mask in reading order, which lies in it whatever its shape."""
    rows, columns = np.nonzero(mask)
    return int(rows[rows.size // 2]), int(columns[rows.size // 2])
