"""Labels as runs of equal pixels, row by row: [class, length, class, length, ...]. Short, exact, and plain JSON."""

from collections.abc import Sequence

import numpy as np

from dataset.schema import CLASSES


def runs_of_labels(labels: np.ndarray) -> list[int]:
    """Return the runs of (height, width) uint8 labels."""
    flat = labels.reshape(-1)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(flat)) + 1])
    lengths = np.diff(np.append(starts, flat.size))
    return np.column_stack([flat[starts], lengths]).ravel().tolist() if flat.size else []


def labels_of_runs(runs: Sequence[int], size: tuple[int, int]) -> np.ndarray:
    """Return the labels, uint8 of (height, width) `size`. Raises ValueError for runs that do not fit."""
    classes, lengths = runs[0::2], runs[1::2]
    height, width = size
    pixels = height * width
    if len(classes) != len(lengths):
        raise ValueError("expected runs of labels as [class, length, class, length, ...], got an odd count of numbers")
    if wrong := set(classes) - set(range(len(CLASSES))):
        raise ValueError(f"expected the classes 0 to {len(CLASSES) - 1} in runs of labels, got {min(wrong)}")
    if min(lengths, default=0) < 1 or sum(lengths) != pixels:
        raise ValueError(f"expected labels of {pixels} pixels ({height} rows of {width}), got {sum(lengths)}")
    return np.repeat(np.array(classes, np.uint8), lengths).reshape(size)
