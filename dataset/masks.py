"""Class masks as recordings keep them: PNG, R background, G people, B hero, 0 or 255."""

import cv2
import numpy as np

from dataset.schema import BACKGROUND, HERO, PEOPLE

# Four times as fast as OpenCV's default for masks, and no larger.
_PNG = [
    *(cv2.IMWRITE_PNG_COMPRESSION, 1),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_SUB),
]


def labels_of_probabilities(probabilities: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The likeliest class of each pixel, at the frame's own size.

    Args:
        probabilities: (rows, columns, 3): background, people, hero.
        size: (height, width) of the frame, pixels.

    Returns: (height, width) uint8: 0 background, 1 people, 2 hero.
    """
    background, people, hero = (probabilities[..., index] for index in range(3))
    labels = (people > background).astype(np.uint8)
    labels[hero > np.maximum(background, people)] = HERO
    if labels.shape == tuple(size):
        return labels
    height, width = size
    return cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)


def labels_of_mask(png: bytes, size: tuple[int, int]) -> np.ndarray | None:
    """The classes in a mask's file, as above; None where it is no mask of this size with one class for each pixel."""
    mask = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED) if png else None
    if mask is None or mask.shape != (*size, 3) or mask.dtype != np.uint8:
        return None
    hero, people, background = (mask[..., index] > 0 for index in range(3))  # OpenCV has blue first
    if ((hero.astype(np.uint8) + people + background) != 1).any():
        return None
    return people * np.uint8(PEOPLE) + hero * np.uint8(HERO)


def encode_labels(labels: np.ndarray) -> bytes:
    """A mask's file from (height, width) uint8 classes."""
    bgr = cv2.merge([cv2.compare(labels, label, cv2.CMP_EQ) for label in (HERO, PEOPLE, BACKGROUND)])
    done, data = cv2.imencode(".png", bgr, _PNG)
    if not done:
        raise ValueError(f"OpenCV could not write a PNG of shape {bgr.shape}")
    return data.tobytes()
