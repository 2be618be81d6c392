"""Evidence of a single frame that a person is the target; the tracker accumulates it over frames.

Other people wear red too, and a network takes their coat or skirt for the target, but seldom all of the person. What
distinguishes the target is that nearly its whole silhouette is classified as the target, and the more pixels there
are, the more reliable that is.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from dataset.schema import HERO, PEOPLE, REFERENCE_PIXELS
from follower.detection import Blob, is_beside
from follower.geometry import SATURATED, Camera, part_at_centres, rescale_pixel
from follower.ranging import Measurement
from follower.tracking.candidates import Absence
from follower.types import Frame

TYPICAL_FRACTION = 0.95  # of a target in plain view, by a network of which that is not known
UNCLEAR_FRACTION = 0.99  # the most that is typical in haze and in the dark
TYPICAL_RANGE = (0.9, 0.998)  # what is believed
# A fraction whose log-odds are this much less than those of the typical one speaks neither for the target nor against;
NEUTRAL_MARGIN = 2.0
NEUTRAL_FRACTION = 0.75  # but none that is less than this speaks for it
REFERENCE_LOG_ODDS = 2.0  # of a silhouette of REFERENCE_AREA with at least the typical fraction
REFERENCE_AREA = 40.0  # pixels of a 256x256 image; the evidence grows with the square root of the area,
MAX_AREA_GAIN = 2.0  # up to this factor
MOST_AGAINST = -3.0  # ratio of the evidence of a person who is nothing of the target to that of one who is all of it
CLOSE_RANGE = 10.0  # metres, within which a view of a person is reliable evidence
MIN_PERSON_AREA = 0.4  # square metres of silhouette; anything smaller is a part of a person, or a leaf
MAX_PERSON_HEIGHT = 1.25  # ratio to the target's height, of a person whose depth is known
RELIABLE_PIXELS = 60.0  # of a 256x256 image, in a person: networks seldom miss a target that has as many
SEARCH_HALF_WIDTH = 0.4  # metres to each side of a predicted position in which its person is looked for
# Horizontal metres from a person's axis beyond which pixels belong to another person; half a step of the depth image
# comes on top. With steps of 0.39 m, in flights of the built-in simulator, 99.5 % of the target's pixels are
# nearer, and 10 % of those of people beside it.
BODY_RADIUS = 0.3
PREDICTED_RADIUS = 0.8  # the same around a predicted position
IN_FRONT = 1.0  # metres by which whatever hides a person is nearer
UPRIGHT = np.outer([-0.5, 0.0, 0.5], [0.0, 0.0, 1.0])  # metres, from a person's middle to what must be hidden of it


def log_odds(fraction: float, pixels: float, area: float, typical_fraction: float = TYPICAL_FRACTION) -> float:
    """Return the log-odds that a person is the target rather than a false positive, from one frame alone.

    `fraction` of the person's silhouette is target; the silhouette has `pixels` in a 256x256 image, and an `area` in
    square metres. A network that classifies `typical_fraction` of a target in plain view as target is as certain of few
    others, so the evidence grows with the log-odds of the fraction. A fraction that is not a number, as networks of
    half precision may give, says nothing.

    The constants fit counts in flights of the built-in simulator: 13,000 silhouettes of the target, 350 of others.
    """
    if math.isnan(fraction):
        return 0.0
    least, most = TYPICAL_RANGE
    typical = _logit(min(max(typical_fraction, least), most))
    neutral = max(typical - NEUTRAL_MARGIN, _logit(NEUTRAL_FRACTION))
    highest = REFERENCE_LOG_ODDS * _area_gain(pixels) * min(area / MIN_PERSON_AREA, 1.0)
    return highest * min(max((_logit(fraction) - neutral) / (typical - neutral), MOST_AGAINST), 1.0)


def _logit(fraction: float) -> float:
    within = min(max(fraction, 1e-6), 1 - 1e-6)
    return math.log(within / (1 - within))


class Silhouette(NamedTuple):
    """A person in the network's output: its rows and columns, and a mask (bool) of that part."""

    rows: slice
    columns: slice
    mask: np.ndarray


class BlobEvidence(NamedTuple):
    """Evidence of a blob: log-odds that its person is the target."""

    log_odds: float  # given what the network gives a target in plain view
    forgivable: float  # how much more they would be if that were not known; at least 0


@dataclass(frozen=True)
class FrameEvidence:
    """Evidence of one frame about the people in it. Its depth image is decoded only where there is a person."""

    frame: Frame | None  # for its depth image; None if that is not to be used
    probabilities: np.ndarray  # (rows, columns, 3) float: background, people, hero
    camera: Camera
    target_height: float  # metres
    typical_fraction: float = TYPICAL_FRACTION  # of a target in plain view, by this network

    @property
    def size(self) -> tuple[int, int]:
        """(rows, columns) of the network's output."""
        rows, columns, _ = self.probabilities.shape
        return rows, columns

    def for_blob(self, blob: Blob, measurement: Measurement, person: Silhouette) -> BlobEvidence:
        """Return the log-odds that the `person` a blob belongs to is the target; one of implausible size is not."""
        if measurement.too_tall:
            against = -REFERENCE_LOG_ODDS * _area_gain(blob.reference_area)
            return BlobEvidence(against, 0.0)
        fraction = self.target_fraction(person)
        pixels, area = blob.reference_area / fraction, measurement.area / fraction
        lenient = log_odds(fraction, pixels, area)
        if measurement.range.metres > CLOSE_RANGE:  # in a few pixels no fraction is typical
            return BlobEvidence(lenient, 0.0)
        if self._in_group(person):  # parts of people beside a person count as parts of it
            return BlobEvidence(lenient, max(-lenient, 0.0))
        strict = log_odds(fraction, pixels, area, self.typical_fraction)
        return BlobEvidence(strict, max(lenient - strict, 0.0))

    def _in_group(self, person: Silhouette) -> bool:
        mask = np.zeros(self.size, bool)
        mask[person.rows, person.columns] = person.mask
        return is_beside(mask, ~mask & (self.probabilities[..., PEOPLE] > 0.5))

    def target_fraction(self, person: Silhouette) -> float:
        """Return the fraction of a person that is target, by probability, in (0, 1]."""
        rows, columns, mask = person
        people, target = (float(self.probabilities[rows, columns, label][mask].sum()) for label in (PEOPLE, HERO))
        return target / (people + target)

    def silhouette(self, blob: Blob, measurement: Measurement) -> Silhouette:
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
        silhouettes = inside | self._person_mask(rows, columns, measurement.point_by_depth)
        count, labels = cv2.connectedComponents(silhouettes.view(np.uint8), connectivity=8)
        connected = np.zeros(count, dtype=bool)
        connected[labels[inside]] = True
        return Silhouette(rows, columns, connected[labels])

    def absence(self, point: np.ndarray) -> Absence:
        """Return the evidence from the predicted position (3,), metres, of a person without a blob there.

        A person who stands there in plain view and is not the target is evidence against; no person, one well in front
        of or behind the position, or a position out of view is none. It never counts more than one frame of a distant
        target: another person may have stepped in between.
        """
        camera, image_size, size = self.camera, self.camera.image_size, self.size
        pixel, depth = camera.pixel_from_world(point)
        metres = float(depth)
        if metres <= 0:
            return Absence()
        tall, wide = (camera.focal * half / metres for half in (self.target_height / 2, SEARCH_HALF_WIDTH))
        top, left = rescale_pixel((pixel[0] - tall, pixel[1] - wide), image_size, size)
        bottom, right = rescale_pixel((pixel[0] + tall, pixel[1] + wide), image_size, size)
        rows = slice(max(0, round(top)), max(0, round(bottom) + 1))
        columns = slice(max(0, round(left)), max(0, round(right) + 1))
        person = self._person_mask(rows, columns, point, PREDICTED_RADIUS)
        coverage = np.count_nonzero(person) / (size[0] * size[1])  # fraction of the image
        if not coverage:
            return Absence()
        pixels, area = coverage * REFERENCE_PIXELS, coverage * math.prod(image_size) * (metres / camera.focal) ** 2
        limit = REFERENCE_LOG_ODDS * min(math.sqrt(pixels / REFERENCE_AREA), 1.0)
        fraction = self.target_fraction(Silhouette(rows, columns, person))
        against = log_odds(fraction, pixels, area, self.typical_fraction)
        return Absence(float(np.clip(against, -limit, 0.0)), small=bool(pixels < RELIABLE_PIXELS))

    def hides(self, place: np.ndarray) -> bool:
        """Return whether all of a person whose middle is at `place` (3,), metres, is in view but for something nearer.

        Without a depth image, and outside the picture, nothing is known to be hidden.
        """
        depth_image = self._depth_image()
        pixels, depths = self.camera.pixel_from_world(place + UPRIGHT)
        if depth_image is None or not (depths > 0).all():
            return False
        parts = rescale_pixel((pixels[:, 0], pixels[:, 1]), self.camera.image_size, depth_image.shape)
        rows, columns = (np.round(part).astype(int) for part in parts)
        inside = (rows >= 0) & (rows < depth_image.shape[0]) & (columns >= 0) & (columns < depth_image.shape[1])
        if not inside.all():
            return False
        # An unknown depth (NaN) hides nothing.
        return bool((self.camera.depth_metres(depth_image[rows, columns]) < depths - IN_FRONT).all())

    def _person_mask(
        self, rows: slice, columns: slice, point: np.ndarray | None, radius: float = BODY_RADIUS
    ) -> np.ndarray:
        """Return where a part of the image shows people or the target, unless nearer or farther than `point` (3,).

        People are upright: seen from above, their heads and feet differ in planar depth, not in horizontal distance.
        """
        person: np.ndarray = self.probabilities[rows, columns, PEOPLE] + self.probabilities[rows, columns, HERO] > 0.5
        if point is None or not person.any() or (depth_image := self._depth_image()) is None:
            return person
        camera, size = self.camera, self.size
        depths = camera.depth_metres(part_at_centres(depth_image, rows, columns, size))
        pixels = np.arange(size[0])[rows], np.arange(size[1])[columns]
        offsets = camera.horizontal_offsets(*rescale_pixel(pixels, size, camera.image_size), depths, point)
        # An unknown depth (NaN) excludes nothing.
        person &= ~(np.abs(offsets) > radius + camera.depth_far / SATURATED / 2)
        return person

    def _depth_image(self) -> np.ndarray | None:
        return None if self.frame is None else self.frame.depth_image


def _area_gain(pixels: float) -> float:
    return min(math.sqrt(pixels / REFERENCE_AREA), MAX_AREA_GAIN)
