"""Measure a network while it trains: figures of the validation frames, and errors in the training frames."""

from collections.abc import Iterator, Sequence

import numpy as np

from dataset.schema import HERO, PEOPLE, SIZE_BANDS
from model.data.packed_frames import PackedFrames
from model.inference.choices import Predict
from model.score import detection_weight, intersection_over_union, is_visible, predicted_mask, size_bands

BATCH = 32
MIN_IOU = 0.2  # of a target that is not missed
SIZE_NAMES = tuple(band.name for band in SIZE_BANDS)


def validate(predict: Predict, frames: PackedFrames, class_weights: Sequence[float]) -> dict[str, float]:
    """Measure a network on the usable frames of a set: figures, 0 to 1, by column of results.csv.

    NaN if the set has no such frame. The score approximates the official one: it is the mean of the IoU of near targets
    (400 pixels and more) and of the other ones, times TP / (TP + FP + FN) over all frames. The cross-entropy is the
    mean over all pixels, each weighted by its class.
    """
    parts = [
        _measure(probabilities, labels, class_weights)
        for labels, probabilities in _predictions(predict, frames, frames.usable)
    ]
    area, predicted_area, iou, people_iou, entropy = (np.concatenate(values) for values in zip(*parts, strict=True))

    present, detected = is_visible(area), is_visible(predicted_area)
    bands = size_bands(area, frames.labels.shape[1:])
    near, far = bands[-1], present & ~bands[-1]
    means = [iou[group].mean() for group in (near, far) if group.any()]
    weight = detection_weight(int((present & detected).sum()), int((present != detected).sum()))
    figures = {
        "score": float(np.mean(means) * weight) if means else float("nan"),
        "hero_iou": _mean(iou[area > 0]),
        "false_positive_rate": _mean(detected[area == 0]),
        "people_iou": _mean(people_iou[~np.isnan(people_iou)]),
        "cross_entropy": _mean(entropy),
    }
    for figure, values in (("iou", iou), ("recall", detected)):
        figures |= {f"{figure} {name}": _mean(values[band]) for name, band in zip(SIZE_NAMES, bands, strict=True)}
    return figures


def find_errors(predict: Predict, frames: PackedFrames, rows: np.ndarray) -> np.ndarray:
    """Find a false positive or a missed target in each of the frames `rows`, (m,), for hard-example mining.

    Most of a training set is soon easy. Errors are left, and training is faster if their frames are drawn more often
    (Shrivastava et al. 2016).

    Returns (m, 2) int16: row and column of a pixel of the false positive or the missed target, -1 if there is neither.
    """
    errors: list[tuple[int, int]] = []
    for labels, probabilities in _predictions(predict, frames, rows):
        hero, predicted = labels == HERO, predicted_mask(probabilities[..., HERO])
        present, detected = (is_visible(np.count_nonzero(mask, axis=(1, 2))) for mask in (hero, predicted))
        missed = present & (intersection_over_union(hero, predicted) < MIN_IOU)
        wrong = np.where(missed[:, None, None], hero, predicted & ~present[:, None, None] & detected[:, None, None])
        errors += map(_middle_pixel, wrong)
    return np.array(errors, np.int16).reshape(-1, 2)


def _middle_pixel(mask: np.ndarray) -> tuple[int, int]:
    """Return the middle pixel of a mask in reading order, which lies in it whatever its shape; -1 if it is empty."""
    rows, columns = np.nonzero(mask)
    return (int(rows[rows.size // 2]), int(columns[rows.size // 2])) if rows.size else (-1, -1)


def _predictions(predict: Predict, frames: PackedFrames, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield labels and predicted probabilities, a batch at a time."""
    for first in range(0, len(rows), BATCH):
        batch = rows[first : first + BATCH]
        yield np.asarray(frames.labels[batch]), np.asarray(predict(np.asarray(frames.images[batch])))


def _measure(probabilities: np.ndarray, labels: np.ndarray, class_weights: Sequence[float]) -> tuple[np.ndarray, ...]:
    """Return, per frame, the hero's pixels and predicted pixels, the IoU of hero and people, and the cross-entropy."""
    predicted = predicted_mask(probabilities)
    hero, people = labels == HERO, labels == PEOPLE
    assigned = np.take_along_axis(probabilities, labels[..., None].astype(int), axis=-1)[..., 0]
    return (
        np.count_nonzero(hero, axis=(1, 2)),
        np.count_nonzero(predicted[..., HERO], axis=(1, 2)),
        intersection_over_union(hero, predicted[..., HERO]),
        np.where(people.any(axis=(1, 2)), intersection_over_union(people, predicted[..., PEOPLE]), np.nan),
        -(np.take(class_weights, labels) * np.log(assigned + 1e-6)).mean(axis=(1, 2)),
    )


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else float("nan")
