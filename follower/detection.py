"""Target probabilities to blobs: groups of pixels that could be the target. The tracker decides which of them is."""

from dataclasses import dataclass

import cv2
import numpy as np

from dataset.schema import HERO, REFERENCE_PIXELS
from follower.geometry import rescale_pixel
from follower.types import Detection

MAX_COMPONENTS = 24  # the largest ones are kept; more than that is noise
AROUND = 2  # pixels: what is this near to a person is beside it
MIN_BESIDE = 0.15  # fraction of these pixels
MERGE_GAP = 0.2  # of the larger fragment's height: a little more than what a lamp post hides of a person's width


@dataclass(frozen=True)
class Blob:
    """Group of target pixels."""

    detection: Detection
    reference_area: float  # pixels of a 256x256 image


def find_blobs(probabilities: np.ndarray, image_size: tuple[int, int], threshold: float, min_area: float) -> list[Blob]:
    """Return everything that could be the target, strongest first.

    Pixels above the threshold are grouped into 8-connected components; fragments close to a larger one are merged into
    it (an occluder can cut a silhouette in two). Groups smaller than `min_area` are left out.

    Args:
        probabilities: (rows, columns, 3) float: background, people, hero. Raises ValueError for another shape.
        image_size: (height, width) of the colour image, in whose pixels the detections are given.
        threshold: target probability above which a pixel counts, 0..1.
        min_area: pixels of a 256x256 image, whatever the network's resolution.
    """
    if probabilities.ndim != 3 or probabilities.shape[2] != 3:
        raise ValueError(
            f"expected probabilities of shape (rows, columns, 3) for background, people and hero, got "
            f"{probabilities.shape}; pass one frame at a time, and a network with these three classes"
        )
    rows, columns, _ = probabilities.shape
    target = probabilities[:, :, HERO]
    mask = (target > threshold).view(np.uint8)
    left, top, width, height = cv2.boundingRect(mask)
    if not width:
        return []
    # Most of a frame shows no target: label only the part that does.
    part = mask[top : top + height, left : left + width]
    _, labels, stats, _ = cv2.connectedComponentsWithStats(part, connectivity=8)
    order = 1 + np.argsort(-stats[1:, cv2.CC_STAT_AREA], kind="stable")[:MAX_COMPONENTS]
    smallest = min_area * rows * columns / REFERENCE_PIXELS
    blobs = [
        _blob(target, labels, stats, group, (top, left), image_size)
        for group in _group_fragments(stats, order.tolist())
        if sum(stats[label, cv2.CC_STAT_AREA] for label in group) >= smallest
    ]
    return sorted(blobs, key=lambda blob: -blob.reference_area * blob.detection.confidence)


def _group_fragments(stats: np.ndarray, order: list[int]) -> list[list[int]]:
    """Return labels in groups: each fragment joins the largest component whose box is close enough."""
    groups: list[list[int]] = []
    for label in order:
        for group in groups:
            # The reach is the first, largest fragment's and does not grow: groups must not creep along a row of blobs.
            reach = max(2.0, MERGE_GAP * stats[group[0], cv2.CC_STAT_HEIGHT])
            if _gap(stats[group[0]], stats[label]) <= reach:
                group.append(label)
                break
        else:
            groups.append([label])
    return groups


def _gap(one: np.ndarray, other: np.ndarray) -> int:
    """Return the pixels between two boxes, along rows or columns, whichever is more; 0 where they overlap."""
    left, top, width, height = map(int, one[:4])
    other_left, other_top, other_width, other_height = map(int, other[:4])
    across = max(left - (other_left + other_width), other_left - (left + width), 0)
    down = max(top - (other_top + other_height), other_top - (top + height), 0)
    return max(across, down)


def _blob(
    target: np.ndarray,
    labels: np.ndarray,
    stats: np.ndarray,
    group: list[int],
    corner: tuple[int, int],
    image_size: tuple[int, int],
) -> Blob:
    """Return the blob of a group; `labels` and `stats` count from `corner` (row, column) of `target`."""
    starts = stats[group][:, [cv2.CC_STAT_TOP, cv2.CC_STAT_LEFT]]
    ends = starts + stats[group][:, [cv2.CC_STAT_HEIGHT, cv2.CC_STAT_WIDTH]]
    (top, left), (bottom, right) = starts.min(axis=0), ends.max(axis=0)
    in_group = np.zeros(len(stats), dtype=bool)
    in_group[group] = True
    inside = in_group[labels[top:bottom, left:right]]
    return blob_of(target, inside, (top + corner[0], left + corner[1]), image_size)


def blob_of(target: np.ndarray, inside: np.ndarray, corner: tuple[int, int], image_size: tuple[int, int]) -> Blob:
    """Return the blob of pixels: `inside` (n, m) bool is what belongs to it of its box, with `corner` (row, column).

    `target` (rows, columns) float: target probabilities; `image_size`: see `find_blobs`.
    """
    (rows, columns), (top, left), (tall, wide) = target.shape, corner, inside.shape
    mask = np.zeros(target.shape, dtype=bool)
    mask[top : top + tall, left : left + wide] = inside
    in_rows, in_columns = np.nonzero(inside)
    centroid = rescale_pixel((top + in_rows.mean(), left + in_columns.mean()), (rows, columns), image_size)
    down, across = image_size[0] / rows, image_size[1] / columns
    detection = Detection(
        centroid=(float(centroid[0]), float(centroid[1])),
        box=(float(top * down), float(left * across), float((top + tall) * down), float((left + wide) * across)),
        area=float(in_rows.size * down * across),
        confidence=float(target[top : top + tall, left : left + wide][inside].mean()),
        mask=mask,
    )
    return Blob(detection, in_rows.size * REFERENCE_PIXELS / (rows * columns))


def is_beside(person: np.ndarray, others: np.ndarray) -> bool:
    """Return whether other people are beside a person in the picture; both are masks, (rows, columns) bool."""
    left, top, width, height = cv2.boundingRect(person.view(np.uint8))
    part = tuple(slice(max(0, start - AROUND), start + size + AROUND) for start, size in ((top, height), (left, width)))
    mask = person[part].view(np.uint8)
    around = cv2.dilate(mask, np.ones((2 * AROUND + 1, 2 * AROUND + 1), np.uint8)) > mask
    return bool(around.any() and others[part][around].mean() > MIN_BESIDE)
