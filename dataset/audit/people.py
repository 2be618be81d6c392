"""Regions of single frames whose labels do not say what is seen: people hidden by leaves, people too far for a mask.

QuadSim's mask cameras do not draw leaves, and nothing beyond 50 m. Only colour and texture of the picture are asked, no
network: what a network does not recognise is no defect of the labels.
"""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from dataset.audit.findings import Kind
from dataset.masks.ignored import Box
from dataset.schema import BACKGROUND, CLASSES, HERO, PEOPLE

MIN_PIXELS = 12  # of a person that is judged
SURROUNDINGS = 10  # pixels around a person that leaves are looked for in
NEAR_COLOUR = 16  # RGB distance between two pixels of the same leaves
NEIGHBOURS = 5  # pixels of the surroundings that have to have a pixel's colour
COMPARED_INSIDE, COMPARED_AROUND = 150, 300  # pixels, so that near people take no longer
MIN_HIDDEN = 0.75  # of a person's pixels that have the colours of the surroundings
MIN_LEAVES = 0.5  # of a person's pixels that are green or red
MIN_TEXTURE = 18  # mean step between neighbouring grey values around a person: leaves, but not a lawn

BEYOND = 3, 8  # pixels that a person beyond 50 m is high
WIDTHS = 2, 4
MIN_UPRIGHT = 1.4  # height to width
CONTRAST = 50  # summed over lightness and colour (CIE Lab, 8 bit), by which such a person differs from the ground
BACKDROP = 11  # pixels of the median that shows the ground without small things
STANDS_OUT = 24  # of its pixels, likewise summed
MAX_SPREAD = np.array([7.0, 5.0, 5.0])  # standard deviation of the ground's lightness and colour
LAWN = 115  # of the ground's second component, below which it is green; elsewhere posts and marks look alike
RIM = 8  # pixels from the edge of the frame within which nothing is looked for


class Region(NamedTuple):
    """A part of a frame whose labels are not to be learned."""

    kind: Kind
    label: str
    box: Box
    score: float
    certain: bool
    reason: str


def hidden_people(image: np.ndarray, labels: np.ndarray) -> Iterator[Region]:
    """Yield the labelled people who are hidden by leaves.

    Such a person's pixels are green or red as leaves, have the colours of the pixels around, and those are as restless
    as leaves are. Whoever is seen on a lawn differs from it, however green.
    """
    red, green, blue = (image[..., channel].astype(np.int16) for channel in range(3))
    leaves = ((green > blue + 8) & (20 * green > 21 * red)) | ((5 * red > 7 * green) & (red > blue + 15))
    texture = _texture(image)
    free = cv2.dilate((labels != BACKGROUND).astype(np.uint8), np.ones((3, 3), np.uint8)) == 0
    reach = np.ones((2 * SURROUNDINGS - 5, 2 * SURROUNDINGS - 5), np.uint8)
    for label in (PEOPLE, HERO):
        _, numbers, stats, _ = cv2.connectedComponentsWithStats((labels == label).astype(np.uint8), connectivity=8)
        for number, (left, top, width, height, area) in enumerate(stats.tolist()):
            if number == 0 or area < MIN_PIXELS:
                continue
            around = _around(left, top, width, height, SURROUNDINGS)
            inside = numbers[around] == number
            if leaves[around][inside].mean() < MIN_LEAVES:
                continue
            grown = inside.astype(np.uint8)
            rim = free[around] & (cv2.dilate(grown, np.ones((7, 7), np.uint8)) > 0)
            if not rim.any() or texture[around][rim].mean() < MIN_TEXTURE:
                continue
            outside = free[around] & (cv2.dilate(grown, reach) > 0)
            like = _explained(image[around][inside], image[around][outside])
            if like >= MIN_HIDDEN:
                reason = f"{like:.0%} of {area} pixels have the colours of the leaves around"
                box = Box(top, left, top + height, left + width)
                yield Region("hidden", CLASSES[label], box, like, False, reason)  # listed only: right too seldom


def distant_people(image: np.ndarray, labels: np.ndarray) -> Iterator[Region]:
    """Yield what stands upright on a lawn, is as small as people beyond 50 m, and is not labelled."""
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    difference = np.abs(lab.astype(np.int16) - cv2.medianBlur(lab, BACKDROP)).sum(axis=2)
    far_from_labels = cv2.dilate((labels != BACKGROUND).astype(np.uint8), np.ones((9, 9), np.uint8)) == 0
    small = ((difference > STANDS_OUT) & far_from_labels).astype(np.uint8)
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(small, connectivity=8)
    rows, columns = labels.shape
    boxes = stats[1:count].astype(int)
    left, top, width, height = boxes[:, :4].T
    fits = (height >= BEYOND[0]) & (height <= BEYOND[1]) & (width >= WIDTHS[0]) & (width <= WIDTHS[1])
    fits &= (height >= MIN_UPRIGHT * width) & (left > RIM) & (top > RIM)
    fits &= (left + width < columns - RIM) & (top + height < rows - RIM)
    for index in np.flatnonzero(fits).tolist():
        left, top, width, height, _ = boxes[index].tolist()
        around = _around(left, top, width, height, 5)
        ground = np.ones(lab[around].shape[:2], bool)
        ground[4:-4, 4:-4] = False  # the thing itself and a pixel around
        pixels = lab[around][ground].astype(np.float32)
        if (pixels.std(axis=0) > MAX_SPREAD).any() or pixels[:, 1].mean() > LAWN:
            continue
        thing = lab[numbers == index + 1].astype(np.float32).mean(axis=0)
        contrast = float(np.abs(thing - pixels.mean(axis=0)).sum())
        if contrast >= CONTRAST:
            reason = f"{height} pixels high, stands out from the lawn, and is not labelled"
            box = Box(top, left, top + height, left + width)
            yield Region("distant", CLASSES[BACKGROUND], box, min(contrast / 150, 1.0), True, reason)


def _around(left: int, top: int, width: int, height: int, margin: int) -> tuple[slice, slice]:
    rows = slice(max(top - margin, 0), top + height + margin)
    return rows, slice(max(left - margin, 0), left + width + margin)


def _texture(image: np.ndarray) -> np.ndarray:
    """Return (height, width): the steps to the next pixel to the right and below, summed."""
    grey = image.mean(axis=2, dtype=np.float32)
    across = np.abs(np.diff(grey, axis=1, append=grey[:, -1:]))
    return np.asarray(across + np.abs(np.diff(grey, axis=0, append=grey[-1:])))


def _explained(inside: np.ndarray, around: np.ndarray) -> float:
    """Return the fraction of pixels, (n, 3), with several of nearly the same colour among those around, (m, 3)."""
    if len(around) < 4 * NEIGHBOURS:
        return 0.0
    inside, around = _some(inside, COMPARED_INSIDE), _some(around, COMPARED_AROUND)
    squares = ((inside[:, None] - around[None]) ** 2).sum(axis=2)
    return float((np.count_nonzero(squares < NEAR_COLOUR**2, axis=1) >= NEIGHBOURS).mean())


def _some(pixels: np.ndarray, most: int) -> np.ndarray:
    chosen = np.linspace(0, len(pixels) - 1, min(len(pixels), most)).astype(int)
    return np.asarray(pixels[chosen], np.int32)
