"""Pictures at night and at dusk, as bright as by day."""

import cv2
import numpy as np

from follower.restoration.sampling import sample

BRIGHTEST = 0.99  # fraction of a picture's values that are at most its white level
WHITE = 235.0  # white level that a picture should have
MAX_GAIN = 2.0


def white_level(picture: np.ndarray) -> float:
    """Return the brightness, 0..255, that hardly anything in a picture, (height, width, 3) uint8, exceeds."""
    counts = np.bincount(sample(picture).ravel(), minlength=256).cumsum()
    return float(np.searchsorted(counts, BRIGHTEST * counts[-1]))


def brighten(picture: np.ndarray) -> np.ndarray:
    """Return a picture, (height, width, 3) uint8, as bright as by day; unchanged if it is bright enough."""
    gain = min(WHITE / max(white_level(picture), 1.0), MAX_GAIN)
    if gain <= 1:
        return picture
    table = np.minimum(np.arange(256) * gain + 0.5, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(picture, table), np.uint8)
