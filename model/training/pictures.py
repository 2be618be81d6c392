"""Show how a training goes: examples of validation frames, and curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dataset.files import replacing
from dataset.schema import DEFAULT_CLASSES, HERO, Classes
from model.data.packed_frames import PackedFrames
from model.evaluation.previews import coloured_sheet, coloured_views, contact_sheet, outlined_views
from model.inference.choices import Predict
from model.score import predicted_mask
from model.training.losses import headline
from model.training.validation import SIZE_NAMES

EXAMPLES = 6


def draw_examples(predict: Predict, frames: PackedFrames) -> np.ndarray:
    """Return a sheet of validation frames with ground truth and prediction drawn in, (height, width, 3) uint8 RGB."""
    rows = choose_examples(frames)
    images, labels = np.asarray(frames.images[rows]), np.asarray(frames.labels[rows])
    probabilities = np.asarray(predict(images))
    if frames.classes != DEFAULT_CLASSES:
        both = zip(images, labels, probabilities.argmax(axis=-1).astype(np.uint8), strict=True)
        return coloured_sheet([coloured_views(*each, frames.classes) for each in both], frames.classes, columns=2)
    predicted = predicted_mask(probabilities)[..., HERO]
    return contact_sheet(map(outlined_views, images, labels == HERO, predicted), columns=2)


def choose_examples(frames: PackedFrames) -> list[int]:
    """Return frames with targets from the farthest to the nearest, then a negative one; always the same ones.

    Without a target, frames spread evenly.
    """
    if frames.classes.target is None:
        places = np.linspace(0, len(frames.usable) - 1, min(EXAMPLES, len(frames.usable))).round().astype(int)
        return frames.usable[places].tolist()
    areas = frames.areas[frames.usable, frames.classes.target]
    positive = frames.usable[areas > 0][np.argsort(areas[areas > 0], kind="stable")]
    negative = frames.usable[areas == 0][: 1 if len(positive) else EXAMPLES]
    count = min(EXAMPLES - len(negative), len(positive))
    places = np.linspace(0, len(positive) - 1, count).round().astype(int)
    return [*positive[places].tolist(), *negative.tolist()]


def plot_curves(rows: Sequence[Mapping[str, str]], path: Path, classes: Classes) -> None:
    """Plot the rows of results.csv, by minutes: losses, IoU and recall by target size, false positives.

    Without a target, the IoU of each class instead.
    """
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
    name = headline(classes)
    curve(training, f"{name}_train", "all", color="grey", linestyle="--")
    for band in SIZE_NAMES:
        curve(training, f"{name}_train {band}", band)
        curve(recall, f"recall {band}")
    for each in SIZE_NAMES if classes.target_name else classes.names:
        curve(overlap, f"iou {each}")
    curve(recall, "false_positive_rate", color="red", linestyle="--")
    curve(recall, "pixel_accuracy", color="black", linestyle=":")
    of, last = (
        (f"{classes.target_name} IoU by its size", "recall") if classes.target_name else ("IoU", "pixel accuracy")
    )
    for axes, title in (
        (losses, "loss"),
        (training, f"training: {of}"),
        (overlap, f"validation: {of}"),
        (recall, f"validation: {last}"),
    ):
        axes.set(title=title, xlabel="minutes", ylim=(0, None))
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend(fontsize="small")
    losses.legend(handles=[*losses.lines, *validation.lines], fontsize="small")
    validation.set(ylim=(0, None), visible=bool(validation.lines))
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=110)
