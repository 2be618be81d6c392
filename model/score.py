"""The grade of the Follow Me project, reproduced number for number: IoU per class, detections and the final score.

It follows `score_run_iou` of the original's `scoring_utils.py` and the way its `model_tools.py` saved predictions. It
knows arrays only; reading frames and running a network is `evaluate.py`'s work.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from dataset.schema import HERO, VISIBLE_PIXELS


@dataclass(frozen=True)
class FrameScore:
    """One frame: IoU of background, people and hero, and the hero's pixels at the prediction's size."""

    iou: tuple[float, float, float]
    truth_pixels: int
    predicted_pixels: int

    @property
    def there(self) -> bool:
        """The truth shows a target."""
        return self.truth_pixels > VISIBLE_PIXELS

    @property
    def found(self) -> bool:
        """The prediction shows a target, wherever in the frame."""
        return self.predicted_pixels > VISIBLE_PIXELS


@dataclass(frozen=True)
class SetScore:
    """One set of frames: mean IoU of background, people and hero, and how often the hero was found."""

    frames: int
    iou: tuple[float, float, float]
    true_positives: int
    false_positives: int
    false_negatives: int

    @property
    def hero_iou(self) -> float:
        """Mean IoU of the hero, 0 counted for every frame without one."""
        return self.iou[HERO]


def quantise(probabilities: np.ndarray) -> np.ndarray:
    """Probabilities as the original saved them in 8-bit PNGs: times 255, cut off and not rounded; same shape, uint8."""
    return (np.asarray(probabilities, np.float32) * 255).astype(np.uint8)


def predicted_classes(probabilities: np.ndarray) -> np.ndarray:
    """Which classes each pixel is given, (..., 3) bool: value above 127 in the 8-bit picture, so none may be given."""
    return quantise(probabilities) > 127


def truth_classes(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The truth at (rows, columns) `size`, (rows, columns, 3) bool.

    A mask of another size is brought there as `scipy.misc.imresize` did: clipped to 0 and 1, then Pillow's antialiased
    bilinear filter, first along the rows and then along the columns, each pass rounded to 0 or 1.

    Args:
        mask: (height, width, 3) uint8, 0 for "not of this class", anything else for "is".
    """
    truth = np.clip(mask, 0, 1).astype(np.uint8)
    if truth.shape[:2] != tuple(size):
        rows, columns = size
        truth = np.asarray(Image.fromarray(truth).resize((columns, rows), Image.Resampling.BILINEAR))
    return truth > 0


def score_frame(probabilities: np.ndarray, mask: np.ndarray) -> FrameScore:
    """Scores one prediction, (rows, columns, 3) float 0..1, against its mask, (height, width, 3) uint8 of any size."""
    predicted = predicted_classes(probabilities)
    truth = truth_classes(mask, predicted.shape[:2])
    intersection = np.count_nonzero(predicted & truth, axis=(0, 1))
    union = np.count_nonzero(predicted | truth, axis=(0, 1))
    iou = intersection / np.maximum(union, 1)  # nothing predicted where nothing is: the original gives 0, not 1
    return FrameScore(
        iou=tuple(iou.tolist()),
        truth_pixels=int(np.count_nonzero(truth[..., HERO])),
        predicted_pixels=int(np.count_nonzero(predicted[..., HERO])),
    )


def score_set(frames: Iterable[FrameScore]) -> SetScore:
    """Averages a set. Raises ValueError when it is empty, since a mean over nothing is no score."""
    frames = list(frames)
    if not frames:
        raise ValueError("expected at least one frame to score, got none")
    return SetScore(
        frames=len(frames),
        iou=tuple(np.mean([frame.iou for frame in frames], axis=0).tolist()),
        true_positives=sum(frame.there and frame.found for frame in frames),
        false_positives=sum(frame.found and not frame.there for frame in frames),
        false_negatives=sum(frame.there and not frame.found for frame in frames),
    )


def final_score(following: SetScore, patrol_without_target: SetScore, patrol_with_target: SetScore) -> float:
    """Mean hero IoU of the two sets that show the hero, times TP / (TP + FP + FN) over all three; 0..1."""
    sets = (following, patrol_without_target, patrol_with_target)
    hits = sum(each.true_positives for each in sets)
    errors = sum(each.false_positives + each.false_negatives for each in sets)
    detection_weight = hits / (hits + errors) if hits + errors else 0.0
    return (following.hero_iou + patrol_with_target.hero_iou) / 2 * detection_weight
