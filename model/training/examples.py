"""A few of the frames that a training measures on, with what the network makes of them by now; always the same ones."""

from collections.abc import Callable

import numpy as np

from dataset.schema import HERO
from model.data.packed_frames import Frames
from model.evaluation.metrics import predicted_mask
from model.evaluation.previews import contact_sheet, outlined_views

COUNT = 6  # frames


def draw_examples(predict: Callable[[np.ndarray], np.ndarray], frames: Frames) -> np.ndarray:
    """(height, width, 3) uint8 RGB; `predict` takes (n, rows, columns, 3) uint8 and gives probabilities."""
    rows = choose_examples(frames)
    predictions = np.asarray(predict(np.stack([frames.images[row] for row in rows])))
    return contact_sheet(
        [
            outlined_views(np.asarray(frames.images[row]), np.asarray(frames.labels[row]) == HERO, seen)
            for row, seen in zip(rows, predicted_mask(predictions)[..., HERO], strict=True)
        ],
        columns=2,
    )


def choose_examples(frames: Frames) -> list[int]:
    """Heroes from the farthest to the nearest, and one frame without a hero where there is one."""
    areas = frames.areas[frames.used, HERO]
    heroes = frames.used[areas > 0][np.argsort(areas[areas > 0], kind="stable")]
    others = frames.used[areas == 0][:1] if len(heroes) else frames.used[:COUNT]
    places = np.linspace(0, len(heroes) - 1, min(COUNT - len(others), len(heroes))).round().astype(int)
    return [*heroes[places].tolist(), *others.tolist()]
