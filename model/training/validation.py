"""Measure a network on the validation frames while it trains: IoU by target size, recall, false positives."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from dataset.schema import HERO, PEOPLE, SIZE_BANDS
from model.data.packed_frames import PackedFrames
from model.metrics import detection_weight, intersection_over_union, is_visible, predicted_mask, size_bands

BATCH = 32
SIZE_NAMES = tuple(band.name for band in SIZE_BANDS)


@dataclass(frozen=True)
class Validation:
    """Figures of one set of frames, 0 to 1; NaN if the set has no such frame.

    Attributes:
        score: an approximation of the official one: the mean of the IoU of near targets (400 pixels and more) and of
            the other ones, times TP / (TP + FP + FN) over all frames.
        false_positive_rate: fraction of the negative frames with a detection.
        cross_entropy: mean over all pixels, each weighted by its class.
    """

    score: float
    hero_iou: float
    iou_by_size: tuple[float, ...]
    recall_by_size: tuple[float, ...]
    false_positive_rate: float
    people_iou: float
    cross_entropy: float

    def row(self) -> dict[str, float]:
        """Return the figures by column of results.csv."""
        values = asdict(self)
        iou, recall = values.pop("iou_by_size"), values.pop("recall_by_size")
        values |= {f"iou {name}": value for name, value in zip(SIZE_NAMES, iou, strict=True)}
        return values | {f"recall {name}": value for name, value in zip(SIZE_NAMES, recall, strict=True)}


def validate(
    predict: Callable[[np.ndarray], np.ndarray],
    frames: PackedFrames,
    class_weights: Sequence[float] = (1.0, 1.0, 1.0),
) -> Validation:
    """Measure a network on the usable frames of a set.

    Args:
        predict: (n, rows, columns, 3) uint8 -> (n, rows, columns, 3) probabilities.
        class_weights: of the cross-entropy.
    """
    parts = []
    for first in range(0, len(frames.usable), BATCH):
        rows = frames.usable[first : first + BATCH]
        parts.append(_measure(np.asarray(predict(frames.images[rows])), frames.labels[rows], class_weights))
    area, predicted_area, iou, people_iou, entropy = (np.concatenate(values) for values in zip(*parts, strict=True))

    present, detected = is_visible(area), is_visible(predicted_area)
    bands = size_bands(area, frames.labels.shape[1:])
    near, far = bands[-1], present & ~bands[-1]
    means = [iou[group].mean() for group in (near, far) if group.any()]
    weight = detection_weight(int((present & detected).sum()), int((present != detected).sum()))
    return Validation(
        score=float(np.mean(means) * weight) if means else float("nan"),
        hero_iou=_mean(iou[area > 0]),
        iou_by_size=tuple(_mean(iou[band]) for band in bands),
        recall_by_size=tuple(_mean(detected[band]) for band in bands),
        false_positive_rate=_mean(detected[area == 0]),
        people_iou=_mean(people_iou[~np.isnan(people_iou)]),
        cross_entropy=_mean(entropy),
    )


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
