"""The regions of one class in a frame, as annotation programs keep them: an object each."""

from collections.abc import Iterator

import cv2
import numpy as np

from dataset.schema import BACKGROUND, CLASSES

LABELLED = [label for label in range(len(CLASSES)) if label != BACKGROUND]


def regions(labels: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the class and the mask, (height, width) bool, of each connected region that is not background."""
    for label in LABELLED:
        count, numbers = cv2.connectedComponents((labels == label).astype(np.uint8), connectivity=8)
        for number in range(1, count):
            yield label, numbers == number


def draw(labels: np.ndarray, label: int, mask: np.ndarray) -> None:
    """Draw a region into the labels, (height, width) uint8. A class does not cover a higher one: the hero stays."""
    labels[mask & (labels < label)] = label
