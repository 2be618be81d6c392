"""How good a network is on labelled frames while it trains: hero IoU by size, and heroes seen where there are none."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from dataset.schema import SIZE_BANDS, VISIBLE_PIXELS

SIZE_NAMES = tuple(band.name for band in SIZE_BANDS)


@dataclass(frozen=True)
class Validation:
    """Figures over one set; shares in 0..1, NaN where the set has no such frame.

    `score` imitates the official one: the mean of the IoU of near (400 pixels and more) and of other heroes, times
    TP / (TP + FP + FN) over all frames. `cross_entropy` is the mean over all pixels, each weighted by its class.
    """

    score: float
    hero_iou: float
    iou_by_size: tuple[float, ...]
    recall_by_size: tuple[float, ...]
    false_heroes: float  # share of the hero-free frames in which a hero is seen
    people_iou: float
    cross_entropy: float

    def row(self) -> dict[str, float]:
        """Flat, for a table."""
        values = asdict(self)
        iou, recall = values.pop("iou_by_size"), values.pop("recall_by_size")
        values |= {f"iou {name}": value for name, value in zip(SIZE_NAMES, iou, strict=True)}
        return values | {f"recall {name}": value for name, value in zip(SIZE_NAMES, recall, strict=True)}


def validate(
    predict: Callable[[np.ndarray], np.ndarray],
    images: np.ndarray,
    labels: np.ndarray,
    batch: int = 32,
    frames: np.ndarray | None = None,
    class_weights: Sequence[float] = (1.0, 1.0, 1.0),
) -> Validation:
    """Measures `predict` ((n, rows, cols, 3) uint8 -> probabilities) on (n, ...) images and class indices.

    `frames` are the rows to measure; None for all. `class_weights` are those of the training's cross-entropy.
    """
    frames = np.arange(len(images)) if frames is None else frames
    hero_area, found_area, hero_iou, people_iou, entropy = [], [], [], [], []
    for first in range(0, len(frames), batch):
        rows = frames[first : first + batch]
        probabilities, truth = np.asarray(predict(np.asarray(images[rows]))), np.asarray(labels[rows])
        sure = np.take_along_axis(probabilities, truth[..., None].astype(int), axis=-1)[..., 0]
        entropy.append(-(np.take(class_weights, truth) * np.log(sure + 1e-6)).mean(axis=(1, 2)))
        hero, found = truth == 2, probabilities[..., 2] > 0.5
        hero_area.append(hero.sum(axis=(1, 2)))
        found_area.append(found.sum(axis=(1, 2)))
        hero_iou.append(_iou(hero, found))
        people_iou.append(
            np.where((truth == 1).any(axis=(1, 2)), _iou(truth == 1, probabilities[..., 1] > 0.5), np.nan)
        )
    area, found = np.concatenate(hero_area), np.concatenate(found_area)
    iou, people = np.concatenate(hero_iou), np.concatenate(people_iou)

    there, seen = area > VISIBLE_PIXELS, found > VISIBLE_PIXELS
    hits, errors = (there & seen).sum(), (there != seen).sum()
    size = area * (256 * 256 / labels[0].size)  # whatever size the network works at
    bins = [band.contains(size) for band in SIZE_BANDS]
    near = size >= SIZE_BANDS[-1].low
    far = there & ~near
    parts = [iou[part].mean() for part in (near, far) if part.any()]
    return Validation(
        score=float(np.mean(parts) * hits / max(hits + errors, 1)) if parts else float("nan"),
        hero_iou=_mean(iou[area > 0]),
        iou_by_size=tuple(_mean(iou[part]) for part in bins),
        recall_by_size=tuple(_mean(seen[part]) for part in bins),
        false_heroes=_mean(seen[area == 0]),
        people_iou=_mean(people[~np.isnan(people)]),
        cross_entropy=_mean(np.concatenate(entropy)),
    )


def _iou(truth: np.ndarray, found: np.ndarray) -> np.ndarray:
    union = (truth | found).sum(axis=(1, 2))
    return (truth & found).sum(axis=(1, 2)) / np.maximum(union, 1)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else float("nan")
