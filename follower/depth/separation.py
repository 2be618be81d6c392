"""Separate people whose pixels touch in the picture, by where the depth image puts them."""

import cv2
import numpy as np

from follower.detection import Blob, blob_of
from follower.geometry import SATURATED, Camera, part_at_centres, rescale_pixel

FARTHEST = 12.0  # metres, beyond which a person has too few pixels
MIN_AREA, MAX_AREA = 0.25, 4.0  # square metres of silhouettes, of two people from above to five in a row
# Horizontal metres between the middles of two people, the fraction of the pixels that the smaller part has, and the
# metres from its lowest to its highest pixel. Measured in flights of the built-in simulator: halves of one person are
# nearer in 99 of 100 pictures, and two people are farther apart in 19 of 20. Background that was segmented with a
# person has fewer pixels, or lies flat, or is a seam around it: of a person, more than MIN_CORE is left of its pixels
# without those at its edge.
MIN_APART = 0.52
MIN_PART = 0.2
MIN_TALL = 0.5
MIN_CORE = 0.25
MAX_STEP = 0.5  # metres from one depth byte to the next; coarser ones put one person in two places
MIN_KNOWN = 0.5  # fraction of the pixels whose depth is known
SAMPLES = 400  # pixels that are enough to find the middles
CRITERIA = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 0.01)  # iterations, metres


def separate(blob: Blob, target: np.ndarray, depth_image: np.ndarray, camera: Camera) -> list[Blob]:
    """Return the blobs of the people that a blob shows: itself, unless its pixels show people in several places.

    Of three in a row, the one in the middle may be in two parts. Pixels of unknown depth are left out of the parts.
    `target` (rows, columns) float: target probabilities; `depth_image`: (height, width) uint8.
    """
    size, mask = (target.shape[0], target.shape[1]), blob.detection.mask
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    box = slice(top, top + height), slice(left, left + width)
    depths = camera.depth_metres(part_at_centres(depth_image, *box, size)[mask[box]])
    rows, columns = np.nonzero(mask[box])
    known = np.flatnonzero(~np.isnan(depths))

    def places(pixels: np.ndarray) -> np.ndarray:
        """Return where some of the pixels are from the camera, (n, 3) metres along the world's axes."""
        pixel = rescale_pixel((rows[pixels] + float(top), columns[pixels] + float(left)), size, camera.image_size)
        world = camera.world_from_pixel(np.stack(pixel, axis=-1), depths[pixels])
        return np.asarray(world - camera.position)

    if not _may_be_several(blob, depths[known], len(depths), camera):
        return [blob]
    middles = _middles(places(known[:: -(-len(known) // SAMPLES)])[:, :2])
    if middles is None:
        return [blob]
    points = places(known)
    in_second = _nearer_second(points[:, :2], *middles)
    halves = np.zeros((2, height, width), dtype=bool)
    halves[in_second.astype(int), rows[known], columns[known]] = True
    if not all(_looks_like_a_person(halves[n], points[in_second == n, 2]) for n in (0, 1)):
        return [blob]
    people = []
    for half in halves:
        across, down, wide, tall = cv2.boundingRect(half.view(np.uint8))
        part = half[down : down + tall, across : across + wide]
        person = blob_of(target, part, (top + down, left + across), camera.image_size)
        people += separate(person, target, depth_image, camera)
    return people


def _looks_like_a_person(inside: np.ndarray, heights: np.ndarray) -> bool:
    """Return whether pixels, `inside` (n, m) bool of their `heights`, metres, can be a person's, not background."""
    core = cv2.erode(inside.view(np.uint8), np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    low, high = np.quantile(heights, (0.05, 0.95))
    return bool(high - low > MIN_TALL and core.sum() > MIN_CORE * len(heights))


def _may_be_several(blob: Blob, known: np.ndarray, pixels: int, camera: Camera) -> bool:
    """Return whether a blob of some `pixels`, of which the `known` depths are given, can be of several people."""
    if len(known) <= max(MIN_KNOWN * pixels, 2) or camera.depth_far / SATURATED > MAX_STEP:
        return False
    metres = float(np.median(known))
    return metres < FARTHEST and MIN_AREA < blob.detection.area * (metres / camera.focal) ** 2 < MAX_AREA


def _middles(points: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the middles (2,) of two people whom the points (n, 2), metres, belong to; None: of one, and background."""
    person = points
    while len(person) > MIN_PART * len(points):
        first, second = middles = _two_means(person)
        if np.linalg.norm(second - first) < MIN_APART:
            return None
        in_second = _nearer_second(person, *middles)
        fraction = float(in_second.mean())
        if MIN_PART <= fraction <= 1 - MIN_PART:
            return middles
        if not 0 < fraction < 1:
            return None
        person = person[in_second == (fraction > 0.5)]
    return None


def _two_means(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the means (2,) of two clusters of points (n, 2), metres; twice the same if too near for people."""
    middle = points.mean(axis=0)
    variances, axes = np.linalg.eigh(np.cov(points.T))
    if variances[-1] < MIN_PART * (1 - MIN_PART) * MIN_APART**2:  # two people would make it that great
        return middle, middle
    along = (points - middle) @ axes[:, -1]
    labels = (along > np.quantile(along, (0.1, 0.9)).mean()).astype(np.int32)  # at first
    _, _, means = cv2.kmeans(points.astype(np.float32), 2, labels, CRITERIA, 1, cv2.KMEANS_USE_INITIAL_LABELS)
    return means[0], means[1]


def _nearer_second(points: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return which of the points (n, 2) are nearer to the second of two places (2,) than to the first."""
    return np.asarray(points @ (second - first) > (second - first) @ (first + second) / 2)
