"""Metrics: predicted pixels, IoU, detection, size bands, and the official score of the Follow Me project.

The score is reproduced number for number: it follows `score_run_iou` of the original's `scoring_utils.py` and the way
its `model_tools.py` saved predictions. Functions up to `detection_weight` take the tensors of any Keras backend, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from dataset.images import resize_bilinear
from dataset.schema import HERO, IGNORED, SIZE_BANDS, at_reference_size, is_visible


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


def size_bands(pixels: Any, shape: tuple[int, ...]) -> list[Any]:
    """Return, for each of SIZE_BANDS, whether targets of these pixel counts in images of `shape` belong to it."""
    return [band.contains(at_reference_size(pixels, shape)) for band in SIZE_BANDS]


def detection_weight(hits: int, errors: int) -> float:
    """Return TP / (TP + FP + FN), the factor of the official score; 0 where there is nothing to detect."""
    return hits / max(hits + errors, 1)


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Return (classes, classes) int: pixels of each label (rows) by predicted class (columns), without ignored ones."""
    counted = labels != IGNORED
    pairs = labels[counted].astype(int) * classes + predicted[counted]
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def class_ious(confusion: np.ndarray) -> np.ndarray:
    """Return the IoU of each class over all pixels; NaN for a class that neither labels nor predictions show."""
    hits = np.diag(confusion)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - hits
    return np.where(union > 0, hits / np.maximum(union, 1), np.nan)


def mean_iou(confusion: np.ndarray) -> float:
    """Return the mean IoU of the classes that have one; NaN if none has."""
    ious = class_ious(confusion)
    return float(np.nanmean(ious)) if not np.isnan(ious).all() else float("nan")


def pixel_accuracy(confusion: np.ndarray) -> float:
    """Return the fraction of the pixels that are predicted rightly; NaN without pixels."""
    total = confusion.sum()
    return float(np.trace(confusion) / total) if total else float("nan")


@dataclass(frozen=True)
class FrameScore:
    """One frame: IoU of each class, and the target's pixels: at the prediction's size, as the original counts them.

    For classes of one's own they are scaled to the reference size.
    """

    iou: tuple[float, ...]
    target_pixels: float  # ground truth
    predicted_pixels: float

    @property
    def present(self) -> bool:
        """Whether the ground truth shows the target."""
        return bool(is_visible(self.target_pixels))

    @property
    def detected(self) -> bool:
        """Whether the prediction shows a target, anywhere in the frame."""
        return bool(is_visible(self.predicted_pixels))


@dataclass(frozen=True)
class SetScore:
    """One set of frames: mean IoU of each class, and detections of the target."""

    frames: int
    iou: tuple[float, ...]
    true_positives: int
    false_positives: int
    false_negatives: int

    @property
    def hero_iou(self) -> float:
        """Mean IoU of the target; frames without one count as 0."""
        return self.iou[HERO]


def resize_mask(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a mask, (height, width, 3) uint8, 0 or "is of this class", at (rows, columns) `size`, bool.

    A mask of another size is resized as `scipy.misc.imresize` did: clipped to 0 and 1, then Pillow's antialiased
    bilinear filter, first along the rows and then along the columns, each pass rounded to 0 or 1.
    """
    mask = np.clip(mask, 0, 1).astype(np.uint8)
    return resize_bilinear(mask, size) > 0


def score_frame(
    probabilities: np.ndarray, mask: np.ndarray, target: int | None = HERO, counted: np.ndarray | None = None
) -> FrameScore:
    """Score one prediction, (rows, columns, classes) float 0..1, against its mask of as many channels and any size.

    The mask is uint8, or bool of the prediction's size. `counted` is (rows, columns) bool, False where pixels are
    ignored.
    """
    predicted = predicted_mask(probabilities)
    ground_truth = mask if mask.dtype == bool else resize_mask(mask, predicted.shape[:2])
    if counted is not None:
        predicted, ground_truth = predicted & counted[..., None], ground_truth & counted[..., None]
    found, present = (0, 0) if target is None else (predicted[..., target], ground_truth[..., target])
    return FrameScore(
        iou=tuple(intersection_over_union(ground_truth[None], predicted[None])[0].tolist()),
        target_pixels=int(np.count_nonzero(present)),
        predicted_pixels=int(np.count_nonzero(found)),
    )


def score_set(frames: Sequence[FrameScore]) -> SetScore:
    """Return the averages over a set of frames, of which there is at least one."""
    return SetScore(
        frames=len(frames),
        iou=tuple(np.mean([frame.iou for frame in frames], axis=0).tolist()),
        true_positives=sum(frame.present and frame.detected for frame in frames),
        false_positives=sum(frame.detected and not frame.present for frame in frames),
        false_negatives=sum(frame.present and not frame.detected for frame in frames),
    )


def final_score(following: SetScore, patrol_without_target: SetScore, patrol_with_target: SetScore) -> float:
    """Return the mean hero IoU of the two sets with a target, times TP / (TP + FP + FN) over all three; 0..1."""
    sets = (following, patrol_without_target, patrol_with_target)
    hits = sum(each.true_positives for each in sets)
    errors = sum(each.false_positives + each.false_negatives for each in sets)
    return (following.hero_iou + patrol_with_target.hero_iou) / 2 * detection_weight(hits, errors)
