"""Rectangles of a frame in which labels count for nothing, though the mask itself says something."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from dataset.schema import BACKGROUND, IGNORED

MARGIN = 2  # pixels around, of the same person's outline


class Box(NamedTuple):
    """A rectangle of pixels; `bottom` and `right` are exclusive. An empty one stands for the whole frame."""

    top: int = 0
    left: int = 0
    bottom: int = 0
    right: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is no pixel in it."""
        return self.bottom <= self.top or self.right <= self.left

    def holds(self, other: "Box") -> bool:
        """Whether another one lies in this one and its margin."""
        return (
            self.top - MARGIN <= other.top
            and self.left - MARGIN <= other.left
            and other.bottom <= self.bottom + MARGIN
            and other.right <= self.right + MARGIN
        )

    def scaled(self, down: float, across: float) -> "Box":
        """Return the rectangle in an image of another size."""
        return Box(
            int(self.top * down),
            int(self.left * across),
            -int(-self.bottom * down // 1),
            -int(-self.right * across // 1),
        )


class IgnoredBox(NamedTuple):
    """A rectangle in which background and one class are ignored; others in it are labelled as before."""

    box: Box
    label: int


def ignore(labels: np.ndarray, boxes: Iterable[IgnoredBox]) -> np.ndarray:
    """Return a copy of (height, width) labels with IGNORED in the boxes and MARGIN pixels around."""
    labels = np.array(labels)
    for (top, left, bottom, right), label in boxes:
        part = labels[max(top - MARGIN, 0) : bottom + MARGIN, max(left - MARGIN, 0) : right + MARGIN]
        part[(part == label) | (part == BACKGROUND)] = IGNORED
    return labels
