"""Measure a network while it trains: figures of the validation frames, and errors in the training frames."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from dataset.schema import DEFAULT_CLASSES, IGNORED, PEOPLE, SIZE_BANDS, Classes, at_reference_size, is_visible
from model.data.packed_frames import PackedFrames
from model.inference.choices import Predict
from model.score import (
    class_ious,
    confusion_matrix,
    detection_weight,
    intersection_over_union,
    mean_iou,
    pixel_accuracy,
    predicted_mask,
    size_bands,
)
from model.training.losses import headline

BATCH = 32
MIN_IOU = 0.2  # of a target that is not missed
SIZE_NAMES = tuple(band.name for band in SIZE_BANDS)


def validate(predict: Predict, frames: PackedFrames, class_weights: Sequence[float]) -> dict[str, float]:
    """Measure a network on the usable frames of a set: figures, 0 to 1, by column of results.csv.

    NaN if the set has no such frame. With a target the score approximates the official one: it is the mean of the IoU
    of near targets (400 pixels and more) and of the other ones, times TP / (TP + FP + FN) over all frames. Without one
    it is the mean IoU of all classes. The cross-entropy is the mean over all pixels, each weighted by its class.
    """
    classes = frames.classes
    parts = [
        _measure(probabilities, labels, class_weights, classes)
        for labels, probabilities in _predictions(predict, frames, frames.usable)
    ]
    merged = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    figures, by_size = dict[str, float](), dict[str, float]()
    if classes.target is not None:
        figures, by_size = _target_figures(merged, frames.labels.shape[1:], classes)
    if classes == DEFAULT_CLASSES:
        figures["people_iou"] = _mean(merged["people_iou"][~np.isnan(merged["people_iou"])])
    else:
        figures |= _class_figures(merged["confusion"].sum(axis=0), classes)
    figures.setdefault("score", figures.get("mean_iou", 0.0))
    return figures | {"cross_entropy": _mean(merged["entropy"])} | by_size


def has_score(frames: PackedFrames) -> bool:
    """Return whether `validate` gives a score: if there is a target, some usable frame must show it large enough."""
    number = frames.classes.target
    return number is None or bool(_visible(frames.areas[frames.usable, number], frames.size, frames.classes).any())


def describe_figures(figures: Mapping[str, float], classes: Classes) -> str:
    """Return what `validate` measured, apart from the score, on one line."""
    text = ""
    if classes.target is not None:
        iou = " ".join(f"{figures[f'iou {name}']:.3f}" for name in SIZE_NAMES)
        recall = " ".join(f"{figures[f'recall {name}']:.2f}" for name in SIZE_NAMES)
        rate = figures["false_positive_rate"]
        text = f"IoU by size {iou}  recall {recall}  false-positive rate {rate:.3f}"
    if classes != DEFAULT_CLASSES:
        ious = "  ".join(f"{name} {figures[f'iou {name}']:.3f}" for name in classes.names)
        text += f"  IoU {ious}  mean {figures['mean_iou']:.3f}  pixel accuracy {figures['pixel_accuracy']:.3f}"
    return text.strip()


def find_errors(predict: Predict, frames: PackedFrames, rows: np.ndarray) -> np.ndarray:
    """Find a false positive or a missed target in each of the frames `rows`, (m,), for hard-example mining.

    Most of a training set is soon easy. Errors are left, and training is faster if their frames are drawn more often
    (Shrivastava et al. 2016). The classes must have a target.

    Returns (m, 2) int16: row and column of a pixel of the false positive or the missed target, -1 if there is neither.
    """
    errors: list[tuple[int, int]] = []
    number = frames.classes.target
    assert number is not None
    for labels, probabilities in _predictions(predict, frames, rows):
        target, predicted = labels == number, predicted_mask(probabilities[..., number]) & (labels != IGNORED)
        present, detected = (
            _visible(np.count_nonzero(mask, axis=(1, 2)), frames.labels.shape[1:], frames.classes)
            for mask in (target, predicted)
        )
        missed = present & (intersection_over_union(target, predicted) < MIN_IOU)
        wrong = np.where(missed[:, None, None], target, predicted & ~present[:, None, None] & detected[:, None, None])
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


def _measure(
    probabilities: np.ndarray, labels: np.ndarray, class_weights: Sequence[float], classes: Classes
) -> dict[str, np.ndarray]:
    """Return figures of n frames, (n, ...): the cross-entropy, the target's if there is one, those of all classes."""
    counted = labels != IGNORED
    predicted = predicted_mask(probabilities) & counted[..., None]
    indices = np.where(counted, labels, 0)
    assigned = np.take_along_axis(probabilities, indices[..., None].astype(int), axis=-1)[..., 0]
    entropies = -(np.take(class_weights, indices) * np.log(assigned + 1e-6))
    if not counted.all():
        entropies = (
            np.where(counted, entropies, 0.0)
            * (counted[0].size / np.maximum(counted.sum(axis=(1, 2)), 1))[:, None, None]
        )
    figures = {"entropy": entropies.mean(axis=(1, 2))}
    if classes.target is not None:
        target, found = labels == classes.target, predicted[..., classes.target]
        figures["area"], figures["predicted_area"] = (np.count_nonzero(each, axis=(1, 2)) for each in (target, found))
        figures["iou"] = intersection_over_union(target, found)
    if classes == DEFAULT_CLASSES:
        people = labels == PEOPLE
        ious = intersection_over_union(people, predicted[..., PEOPLE])
        figures["people_iou"] = np.where(people.any(axis=(1, 2)), ious, np.nan)
    else:
        pairs = zip(labels, probabilities.argmax(axis=-1), strict=True)
        figures["confusion"] = np.stack([confusion_matrix(*pair, len(classes)) for pair in pairs])
    return figures


def _target_figures(
    of: Mapping[str, np.ndarray], shape: tuple[int, ...], classes: Classes
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the figures of all targets, and those by size."""
    area, iou, detected = of["area"], of["iou"], _visible(of["predicted_area"], shape, classes)
    present, bands = _visible(area, shape, classes), size_bands(area, shape)
    near, far = bands[-1], present & ~bands[-1]
    means = [iou[group].mean() for group in (near, far) if group.any()]
    weight = detection_weight(int((present & detected).sum()), int((present != detected).sum()))
    figures = {
        "score": float(np.mean(means) * weight) if means else float("nan"),
        headline(classes): _mean(iou[area > 0]),
        "false_positive_rate": _mean(detected[area == 0]),
    }
    by_size = {
        f"{figure} {name}": _mean(values[band])
        for figure, values in (("iou", iou), ("recall", detected))
        for name, band in zip(SIZE_NAMES, bands, strict=True)
    }
    return figures, by_size


def _visible(pixels: np.ndarray, shape: tuple[int, ...], classes: Classes) -> np.ndarray:
    """Return which targets count, as in `model.evaluate`: those of classes of one's own by their size at 256x256."""
    return np.asarray(is_visible(pixels if classes == DEFAULT_CLASSES else at_reference_size(pixels, shape)))


def _class_figures(confusion: np.ndarray, classes: Classes) -> dict[str, float]:
    """Return the IoU of each class over all pixels, their mean, and the pixel accuracy."""
    figures = {f"iou {name}": float(iou) for name, iou in zip(classes.names, class_ious(confusion), strict=True)}
    return figures | {"mean_iou": mean_iou(confusion), "pixel_accuracy": pixel_accuracy(confusion)}


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else float("nan")
