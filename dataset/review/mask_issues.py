"""Issues about labels that come from the shapes in their masks."""

from collections.abc import Iterator

import cv2
import numpy as np

from dataset.masks.labels import decode_labels
from dataset.recordings.frame_record import FrameRecord
from dataset.recordings.recording import Recording
from dataset.review.label_issue import LabelIssue
from dataset.schema import BACKGROUND, HERO, PEOPLE, VISIBLE_PIXELS, at_reference_size, is_visible

APART = 0.5  # of the larger one's height: groups of pixels that are this far apart are not one person
MIXED = 0.15  # of a person's pixels of the other class
TINY = 12  # pixels at the reference size


def mask_issues(recording: Recording, record: FrameRecord) -> Iterator[LabelIssue]:
    """Yield the issues about the mask of a frame. Raises OSError."""
    if record.hero_pixels == 0:
        return
    try:
        mask = (recording.path / record.mask_file).read_bytes()
    except FileNotFoundError:
        return
    labels = decode_labels(mask, recording.frame_size)
    if labels is None:
        yield LabelIssue("the mask cannot be read", 1.0)
        return
    if groups := _groups_apart(labels == HERO):
        yield LabelIssue(f"{groups} groups of pixels far apart are labelled as the target", 0.45)
    if is_visible(record.hero_pixels) and _is_mixed(labels):
        yield LabelIssue("one person is labelled partly as the target, partly as another person", 0.35)
    if VISIBLE_PIXELS < at_reference_size(record.hero_pixels, labels.shape) < TINY:
        yield LabelIssue(f"only {record.hero_pixels} pixels are labelled as the target", 0.8)


def _groups_apart(target: np.ndarray) -> int:
    """Return how many groups of target pixels lie too far apart for one person; 0 if there are not several."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(target.astype(np.uint8), connectivity=8)
    boxes = sorted(stats[1:count].tolist(), key=lambda box: -box[cv2.CC_STAT_AREA])
    boxes = [box for box in boxes if is_visible(box[cv2.CC_STAT_AREA])]
    apart: list[list[int]] = []
    for box in boxes:
        if all(_gap(box, other) > APART * max(other[3], 4) for other in apart):
            apart.append(box)
    return len(apart) if len(apart) > 1 else 0


def _gap(one: list[int], other: list[int]) -> int:
    across = max(one[0] - other[0] - other[2], other[0] - one[0] - one[2], 0)
    down = max(one[1] - other[1] - other[3], other[1] - one[1] - one[3], 0)
    return max(across, down)


def _is_mixed(labels: np.ndarray) -> bool:
    """Return whether pixels of hero and people form one shape that has much of both."""
    count, numbers = cv2.connectedComponents((labels != BACKGROUND).astype(np.uint8), connectivity=8)
    hero = np.bincount(numbers[labels == HERO], minlength=count)
    people = np.bincount(numbers[labels == PEOPLE], minlength=count)
    whole = hero + people
    return bool(((hero > MIXED * whole) & (people > MIXED * whole)).any())
