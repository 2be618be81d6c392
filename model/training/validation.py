"""Measure and show a network while it trains: figures, examples and curves, and errors in the training frames."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dataset.files import replacing
from dataset.schema import HERO, PEOPLE, SIZE_BANDS
from model.data.packed_frames import PackedFrames
from model.evaluation.previews import contact_sheet, outlined_views
from model.inference.choices import Predict
from model.score import detection_weight, intersection_over_union, is_visible, predicted_mask, size_bands

BATCH = 32
MIN_IOU = 0.2  # of a target that is not missed
EXAMPLES = 6
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


def draw_examples(predict: Predict, frames: PackedFrames) -> np.ndarray:
    """Return a sheet of validation frames with ground truth and prediction outlined, (height, width, 3) uint8 RGB."""
    rows = choose_examples(frames)
    images, labels = np.asarray(frames.images[rows]), np.asarray(frames.labels[rows])
    predicted = predicted_mask(np.asarray(predict(images)))[..., HERO]
    return contact_sheet(map(outlined_views, images, labels == HERO, predicted), columns=2)


def choose_examples(frames: PackedFrames) -> list[int]:
    """Return frames with targets from the farthest to the nearest, then a negative one; always the same ones."""
    areas = frames.areas[frames.usable, HERO]
    positive = frames.usable[areas > 0][np.argsort(areas[areas > 0], kind="stable")]
    negative = frames.usable[areas == 0][: 1 if len(positive) else EXAMPLES]
    count = min(EXAMPLES - len(negative), len(positive))
    places = np.linspace(0, len(positive) - 1, count).round().astype(int)
    return [*positive[places].tolist(), *negative.tolist()]


def plot_curves(rows: Sequence[Mapping[str, str]], path: Path) -> None:
    """Plot the rows of results.csv, by minutes: losses, IoU and recall by target size, false positives."""
    from matplotlib.figure import Figure

    def curve(axes: Any, key: str, label: str | None = None, **style: Any) -> None:
        points = [(float(row["minutes"]), float(row[key])) for row in rows if row.get(key) not in (None, "", "nan")]
        if points:
            axes.plot(*zip(*points, strict=True), label=label or key, **style)

    figure = Figure(figsize=(20, 4.2), layout="constrained")
    losses, training, overlap, recall = figure.subplots(1, 4)
    curve(losses, "loss", "training: all terms, per sample", color="grey")
    validation = losses.twinx()  # other terms on other frames, so another scale
    curve(validation, "cross_entropy", "validation: cross-entropy, per pixel (right)", color="tab:red")
    curve(overlap, "score", color="black", linewidth=2)
    curve(training, "hero_iou_train", "all", color="grey", linestyle="--")
    for name in SIZE_NAMES:
        curve(training, f"hero_iou_train {name}", name)
        curve(overlap, f"iou {name}")
        curve(recall, f"recall {name}")
    curve(recall, "false_positive_rate", color="red", linestyle="--")
    for axes, title in (
        (losses, "loss"),
        (training, "training: hero IoU by its size"),
        (overlap, "validation: hero IoU by its size"),
        (recall, "validation: recall"),
    ):
        axes.set(title=title, xlabel="minutes", ylim=(0, None))
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend(fontsize="small")
    losses.legend(handles=[*losses.lines, *validation.lines], fontsize="small")
    validation.set(ylim=(0, None), visible=bool(validation.lines))
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=110)


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
