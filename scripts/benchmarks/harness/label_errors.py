"""How the labels of the target differ from ground truth, frame by frame."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from dataset.recordings.recording import open_recording
from dataset.schema import HERO, is_visible
from scripts.benchmarks.harness.recorded_flights import Labels

MARGIN = 2  # pixels around a target within which something labelled is the target


@dataclass(frozen=True)
class LabelErrors:
    """Frames whose target is labelled wrongly; frames with both errors are in both."""

    false_positives: frozenset[str]  # frames in which something else than the target is labelled as it
    missed: frozenset[str]  # frames in which the target is not labelled where it is
    pixels: int  # labelled as the target and are not it, or the other way round; in all frames

    @property
    def frames(self) -> frozenset[str]:
        """All frames that are wrong."""
        return self.false_positives | self.missed


def label_errors(recording: Path, truth: Labels) -> LabelErrors:
    """Return the errors of a recording's labels. Raises OSError."""
    false_positives, missed, pixels = set(), set(), 0
    opened = open_recording(recording)
    for record in opened.frames:
        true = truth[record.frame]
        labels = opened.read_labels(record)
        assert labels is not None, "the recorder writes masks of the frame's size"
        labelled, target = labels == HERO, true == HERO
        pixels += int(np.count_nonzero(labelled != target))
        near = cv2.dilate(target.astype(np.uint8), np.ones((2 * MARGIN + 1,) * 2, np.uint8)).astype(bool)
        if _has_group_apart(labelled, near):
            false_positives.add(record.frame)
        if is_visible(np.count_nonzero(target)) and not is_visible(np.count_nonzero(labelled & near)):
            missed.add(record.frame)
    return LabelErrors(frozenset(false_positives), frozenset(missed), pixels)


def _has_group_apart(labelled: np.ndarray, near: np.ndarray) -> bool:
    """Return whether a connected group of labelled pixels, enough to be visible, has none near the target."""
    count, numbers = cv2.connectedComponents(labelled.astype(np.uint8), connectivity=8)
    touching = np.unique(numbers[near])
    sizes = np.bincount(numbers.ravel(), minlength=count)
    return any(is_visible(sizes[number]) for number in range(1, count) if number not in touching)
