"""The official score of the Follow Me project, reproduced number for number: IoU, detections and the final score.

It follows `score_run_iou` of the original's `scoring_utils.py` and the way its `model_tools.py` saved predictions.
Arrays only; `model.evaluation` reads frames and runs networks.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from dataset.resize import resize_bilinear
from dataset.schema import HERO
from model.metrics import detection_weight, intersection_over_union, is_visible, predicted_mask


@dataclass(frozen=True)
class FrameScore:
    """One frame: IoU of background, people and hero, and the target's pixels at the prediction's size."""

    iou: tuple[float, float, float]
    target_pixels: int  # ground truth
    predicted_pixels: int

    @property
    def present(self) -> bool:
        """The ground truth shows the target."""
        return bool(is_visible(self.target_pixels))

    @property
    def detected(self) -> bool:
        """The prediction shows a target, wherever in the frame."""
        return bool(is_visible(self.predicted_pixels))


@dataclass(frozen=True)
class SetScore:
    """One set of frames: mean IoU of background, people and hero, and detections of the target."""

    frames: int
    iou: tuple[float, float, float]
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


def score_frame(probabilities: np.ndarray, mask: np.ndarray) -> FrameScore:
    """Score one prediction, (rows, columns, 3) float 0..1, against its mask, (height, width, 3) uint8 of any size."""
    predicted = predicted_mask(probabilities)
    ground_truth = resize_mask(mask, predicted.shape[:2])
    background, people, hero = intersection_over_union(ground_truth[None], predicted[None])[0].tolist()
    return FrameScore(
        iou=(background, people, hero),
        target_pixels=int(np.count_nonzero(ground_truth[..., HERO])),
        predicted_pixels=int(np.count_nonzero(predicted[..., HERO])),
    )


def score_set(frames: Iterable[FrameScore]) -> SetScore:
    """Return the averages over a set of frames. Raises ValueError when it is empty."""
    frames = list(frames)
    if not frames:
        raise ValueError("expected at least one frame to score, got none")
    background, people, hero = np.mean([frame.iou for frame in frames], axis=0).tolist()
    return SetScore(
        frames=len(frames),
        iou=(background, people, hero),
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
