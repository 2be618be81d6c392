"""Silhouettes of people in the output of a network, by the depth image of the same frame."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from dataset.schema import HERO, PEOPLE
from follower.detection import AROUND, Blob, is_beside
from follower.geometry import SATURATED, Camera, part_at_centres, rescale_pixel
from follower.ranging import Measurement
from follower.types import Frame

MAX_PERSON_HEIGHT = 1.25  # ratio to the target's height, of a person whose depth is known
# Horizontal metres from a person's axis beyond which pixels belong to another person; half a step of the depth image
# comes on top. With steps of 0.39 m, in flights of the built-in simulator, 99.5 % of the target's pixels are
# nearer, and 10 % of those of people beside it.
BODY_RADIUS = 0.3
HALF_WIDTH = 0.35  # metres, of a body with its arms, to each side


class Silhouette(NamedTuple):
    """A person in the network's output: its rows and columns, and a mask (bool) of that part."""

    rows: slice
    columns: slice
    mask: np.ndarray


@dataclass(frozen=True)
class Silhouettes:
    """The people of one frame. Its depth image is decoded only where there is a person."""

    frame: Frame | None  # for its depth image; None if that is not to be used
    probabilities: np.ndarray  # (rows, columns, 3) float: background, people, hero
    camera: Camera

    @property
    def size(self) -> tuple[int, int]:
        """(rows, columns) of the network's output."""
        rows, columns, _ = self.probabilities.shape
        return rows, columns

    @property
    def depth_image(self) -> np.ndarray | None:
        """The frame's depth image, (height, width) uint8; None if that is not to be used."""
        return None if self.frame is None else self.frame.depth_image

    def of_blob(self, blob: Blob, measurement: Measurement) -> Silhouette:
        """Return the person a blob belongs to.

        The person consists of the people and target pixels that are connected with the blob, no wider than it, and as
        far away, where the depth image says so. Above and below the blob, it reaches as far as a person's height leaves
        room, at most the blob's own height: that includes the head and legs beyond a coat, but rarely a neighbour.
        """
        left, top, width, height = cv2.boundingRect(blob.detection.mask.view(np.uint8))
        beyond = height
        if measurement.point_by_depth is not None and measurement.height_ratio is not None:
            beyond = math.ceil(height * min(max(0.0, MAX_PERSON_HEIGHT / measurement.height_ratio[0] - 1), 1.0))
        rows = slice(max(0, top - beyond), top + height + beyond)
        columns = slice(max(0, left - 1), left + width + 1)
        inside = blob.detection.mask[rows, columns]
        silhouettes = inside | self.in_part(rows, columns, measurement.point_by_depth)
        count, labels = cv2.connectedComponents(silhouettes.view(np.uint8), connectivity=8)
        connected = np.zeros(count, dtype=bool)
        connected[labels[inside]] = True
        return Silhouette(rows, columns, connected[labels])

    def in_part(self, rows: slice, columns: slice, point: np.ndarray | None, radius: float = BODY_RADIUS) -> np.ndarray:
        """Return where a part of the image shows people or the target, unless nearer or farther than `point` (3,).

        People are upright: seen from above, their heads and feet differ in planar depth, not in horizontal distance.
        """
        person: np.ndarray = self.probabilities[rows, columns, PEOPLE] + self.probabilities[rows, columns, HERO] > 0.5
        if point is None or not person.any() or (depth_image := self.depth_image) is None:
            return person
        camera, size = self.camera, self.size
        depths = camera.depth_metres(part_at_centres(depth_image, rows, columns, size))
        pixels = np.arange(size[0])[rows], np.arange(size[1])[columns]
        offsets = camera.horizontal_offsets(*rescale_pixel(pixels, size, camera.image_size), depths, point)
        # An unknown depth (NaN) excludes nothing.
        person &= ~(np.abs(offsets) > radius + camera.depth_far / SATURATED / 2)
        return person

    def target_fraction(self, person: Silhouette) -> float:
        """Return the fraction of a person that is target, by probability, in (0, 1]."""
        rows, columns, mask = person
        people, target = (float(self.probabilities[rows, columns, label][mask].sum()) for label in (PEOPLE, HERO))
        return target / (people + target)

    def in_group(self, person: Silhouette, metres: float) -> bool:
        """Return whether other people are beside a person, `metres` away, in the picture.

        A blob may be narrower than its person. What is beside it, but neither wider than a body nor taller than the
        silhouette, is the person's own arms and sides.
        """
        left, top, width, height = cv2.boundingRect(person.mask.view(np.uint8))
        left, top = left + person.columns.start, top + person.rows.start
        reach = HALF_WIDTH * self.camera.focal / metres * self.size[1] / self.camera.image_size[1]
        first, last = left + width / 2 - reach, left + width / 2 + reach
        # The part of the image that shows whether something is wider or taller.
        margin = AROUND + 1
        rows = slice(max(0, top - margin), top + height + margin)
        columns = slice(max(0, math.floor(min(left, first)) - margin), math.ceil(max(left + width, last)) + margin)
        mask = np.zeros(self.size, bool)
        mask[person.rows, person.columns] = person.mask
        mask = mask[rows, columns]
        others = ~mask & (self.probabilities[rows, columns, PEOPLE] > 0.5)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(others.view(np.uint8), connectivity=8)
        begin, above, wide, tall, _ = stats.T
        begin, above = begin + columns.start, above + rows.start
        own = (begin >= first) & (begin + wide <= last) & (above >= top - 1) & (above + tall <= top + height + 1)
        return is_beside(mask, others & ~own[labels])
