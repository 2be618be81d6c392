"""Labels and this project's own mask files: PNG; R background, G people, B hero; 0 or 255 in each channel."""

import struct

import cv2
import numpy as np

from dataset.images import decode_with_opencv, png_defect
from dataset.schema import BACKGROUND, CLASSES, DEFAULT_CLASSES, HERO, PEOPLE, Classes, rgb

# Measured for masks: four times as fast as OpenCV's default, and no larger.
_PNG = [
    *(cv2.IMWRITE_PNG_COMPRESSION, 1),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_SUB),
]


def labels_of_probabilities(probabilities: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return the likeliest class of each pixel, uint8 at the (height, width) `size`, of (rows, columns, 3)."""
    background, people, hero = (probabilities[..., index] for index in range(3))
    labels = (people > background).astype(np.uint8)
    labels[hero > np.maximum(background, people)] = HERO
    if labels.shape == tuple(size):
        return labels
    height, width = size
    return np.asarray(cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST_EXACT))


def decode_labels(png: bytes, size: tuple[int, int]) -> np.ndarray | None:
    """Return the labels in a mask file; None unless it has this (height, width) and exactly one class per pixel."""
    if png_defect(png) or struct.unpack_from(">II", png, 16) != tuple(size)[::-1]:  # a huge one is never unpacked
        return None
    bgr = decode_with_opencv(png, cv2.IMREAD_UNCHANGED)
    if bgr is None or bgr.shape != (*size, 3) or bgr.dtype != np.uint8:
        return None
    return labels_of_channels(np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)))


def labels_of_channels(mask: np.ndarray) -> np.ndarray | None:
    """Return the labels of (height, width, 3) uint8 RGB; None unless exactly one channel of each pixel is not 0."""
    classes = np.minimum(mask, 1)
    if (classes[..., 0] + classes[..., 1] + classes[..., 2] != 1).any():
        return None
    return np.asarray(classes[..., PEOPLE] + HERO * classes[..., HERO], np.uint8)


def channels_of_labels(labels: np.ndarray) -> np.ndarray:
    """Return (height, width, 3) uint8, 1 in the channel of each pixel's class, else 0; ignored pixels have no 1."""
    return np.asarray(np.eye(256, len(CLASSES), dtype=np.uint8)[labels])


def encode_labels(labels: np.ndarray) -> bytes:
    """Return the mask file of (height, width) uint8 labels."""
    return _png(np.stack([labels == label for label in (HERO, PEOPLE, BACKGROUND)], axis=2) * np.uint8(255))


def encode_in_colours(labels: np.ndarray, classes: Classes) -> bytes:
    """Return a PNG of (height, width) uint8 labels in the colours of their classes; ignored pixels are transparent."""
    colours = np.zeros((256, 4), np.uint8)  # BGR and opacity, by label
    for label, colour in enumerate(classes.colours):
        colours[label] = *rgb(colour)[::-1], 255
    return _png(colours[labels])


def class_areas(labels: np.ndarray | None, classes: Classes = DEFAULT_CLASSES) -> np.ndarray:
    """Return the number of pixels of each class, (classes,), ignored ones left out; zeros without labels."""
    count = len(classes)
    return np.bincount(() if labels is None else labels.reshape(-1), minlength=count)[:count]


def _png(pixels: np.ndarray) -> bytes:
    done, data = cv2.imencode(".png", pixels, _PNG)
    if not done:
        raise ValueError(f"OpenCV could not encode a PNG of shape {pixels.shape}")
    return data.tobytes()
