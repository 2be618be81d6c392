"""Definitions that all measurements share: predicted pixels, IoU, detection, size bands.

They are those of the official score. All functions take NumPy arrays and the tensors of any Keras backend.
"""

from types import ModuleType
from typing import Any

import numpy as np

from dataset.schema import SIZE_BANDS, VISIBLE_PIXELS, at_reference_size


def predicted_mask(probabilities: Any) -> Any:
    """Return which pixels are predicted, bool, of the same shape; at most one class of a pixel, maybe none.

    The original project saved `int(p * 255)` in 8-bit PNGs and took values above 127 for predicted.
    """
    return probabilities * 255 >= 128


def intersection_over_union(ground_truth: Any, predicted: Any, xp: ModuleType = np) -> Any:
    """Return the IoU of bool masks (n, rows, columns, ...), float (n, ...); `xp` is `keras.ops` for tensors.

    Where neither has a pixel the IoU is 0, not 1, as in the original project.
    """
    intersection = xp.sum(xp.logical_and(ground_truth, predicted), axis=(1, 2))
    union = xp.sum(xp.logical_or(ground_truth, predicted), axis=(1, 2))
    return xp.divide(intersection, xp.maximum(union, 1))


def is_visible(pixels: Any) -> Any:
    """Return whether a target of this many pixels counts as present (ground truth) or detected (prediction)."""
    return pixels > VISIBLE_PIXELS


def size_bands(pixels: Any, shape: tuple[int, ...]) -> list[Any]:
    """Return, for each of SIZE_BANDS, whether targets of these pixel counts in images of `shape` belong to it."""
    return [band.contains(at_reference_size(pixels, shape)) for band in SIZE_BANDS]


def detection_weight(hits: int, errors: int) -> float:
    """Return TP / (TP + FP + FN), the factor of the official score; 0 where there is nothing to detect."""
    return hits / max(hits + errors, 1)
