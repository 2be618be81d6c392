"""How much one look at a person says for or against being the hero. What many looks come to, the tracker decides.

Other people wear red too, and a network takes their coat or skirt for the hero, but seldom all of them. What tells the
hero is that nearly the whole person is, and that shows the better the more pixels there are.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from dataset.schema import HERO, PEOPLE, REFERENCE_PIXELS
from follower.detection import Blob
from follower.geometry import Intrinsics, depth_metres, pixel_from_world, pixels_at_centres, rescale_pixel
from follower.ranging import Measurement
from follower.types import Frame, RangeSource

FAIR_SHARE = 0.75  # of a person's silhouette: more speaks for the hero, less for somebody else
WHOLE = 2.0  # log-odds for a person of CLEAR pixels who is the hero all over
CLEAR = 40.0  # pixels of a 256x256 image; what more pixels add grows with their square root,
CLEAREST = 2.0  # up to this many times as much
BODY_AREA = 0.4  # square metres of silhouette; what is smaller is a part of a person, or a leaf
HALF_WIDTH = 0.4  # metres to each side of a track's point in which its person is looked for
DEPTH_GAP = 1.0  # metres nearer or farther: another person


def log_odds(share: float, pixels: float, area: float) -> float:
    """Log-odds that a person is the hero rather than somebody else taken for her, from one look alone.

    A straight line for what was counted over sizes and shares in flights of the stand-in, where 12,600 blobs were the
    hero and 1,600 were not.

    Args:
        share: of the person's silhouette that is the hero, 0..1.
        pixels: of the silhouette, in a 256x256 image.
        area: of the silhouette, square metres.
    """
    body = min(area / BODY_AREA, 1.0)
    return WHOLE * _clarity(pixels) * body * (share - FAIR_SHARE) / (1 - FAIR_SHARE)


@dataclass(frozen=True)
class Look:
    """One frame, to be asked about the people in it. Its depth image is asked for only where there is somebody."""

    frame: Frame
    probabilities: np.ndarray  # (rows, columns, 3) float, classes background, people, hero
    depth_far: float  # metres that a depth of 255 stands for
    vertical_fov: float  # degrees
    target_height: float  # metres

    def at_blob(self, blob: Blob, place: Measurement) -> float:
        """Log-odds that the person whom a blob belongs to is the hero; a giant is none, but a tree of her colours."""
        if place.giant:
            return -WHOLE * _clarity(blob.reference_area)
        known = place.range.source is RangeSource.DEPTH
        share = self.hero_share(blob, place.range.metres if known else None)
        return log_odds(share, blob.reference_area / share, place.area / share)

    def hero_share(self, blob: Blob, metres: float | None) -> float:
        """How much of the person whom a blob belongs to is the hero, by probability, in 0..1 and never 0.

        The person is what is people or hero, connected with the blob, as far away (`metres`, where known), no wider
        than it, and reaching no farther above and below it than it is high: there a coat's head and legs are, and not
        yet the neighbours.
        """
        left, top, width, height = cv2.boundingRect(blob.detection.mask.view(np.uint8))
        rows, columns = slice(max(0, top - height), top + 2 * height), slice(max(0, left - 1), left + width + 1)
        inside = blob.detection.mask[rows, columns]
        silhouettes = inside | self._somebody(rows, columns, metres)
        count, labels = cv2.connectedComponents(silhouettes.view(np.uint8), connectivity=8)
        touched = np.zeros(count, dtype=bool)
        touched[labels[inside]] = True
        return self._share(rows, columns, touched[labels])

    def at_place(self, point: np.ndarray) -> float:
        """Log-odds, at most 0, from the point (3,) where a tracked person should be, metres, and no blob is.

        A person who stands there in plain view and is not the hero speaks against; nobody, somebody well in front of or
        behind the place, or a place out of view says nothing. It never counts more than one look at a far hero:
        somebody may have stepped between.
        """
        image_size, size = self.frame.image.shape[:2], self.probabilities.shape[:2]
        intrinsics = Intrinsics.from_fov(*image_size, self.vertical_fov)
        pixel, metres = pixel_from_world(point, intrinsics, self.frame.gimbal_pose)
        if metres <= 0:
            return 0.0
        tall, wide = (intrinsics.focal * half / metres for half in (self.target_height / 2, HALF_WIDTH))
        top, left = rescale_pixel((pixel[0] - tall, pixel[1] - wide), image_size, size)
        bottom, right = rescale_pixel((pixel[0] + tall, pixel[1] + wide), image_size, size)
        rows = slice(max(0, round(top)), max(0, round(bottom) + 1))
        columns = slice(max(0, round(left)), max(0, round(right) + 1))
        person = self._somebody(rows, columns, float(metres))
        part = np.count_nonzero(person) / (size[0] * size[1])  # of the image
        if not part:
            return 0.0
        pixels, area = part * REFERENCE_PIXELS, part * math.prod(image_size) * (metres / intrinsics.focal) ** 2
        most = WHOLE * min(math.sqrt(pixels / CLEAR), 1.0)
        return float(np.clip(log_odds(self._share(rows, columns, person), pixels, area), -most, 0.0))

    def _somebody(self, rows: slice, columns: slice, metres: float | None) -> np.ndarray:
        """Where in a part of the picture somebody is, and not well nearer or farther than `metres`: bool."""
        somebody = self.probabilities[rows, columns, PEOPLE] + self.probabilities[rows, columns, HERO] > 0.5
        if metres is None or not somebody.any() or (depth_image := self.frame.depth_image) is None:
            return somebody
        size, shape = self.probabilities.shape[:2], depth_image.shape
        # Each of the network's pixels takes the depth at its centre.
        index = [
            pixels_at_centres(np.arange(count)[part], count, length)
            for part, count, length in zip((rows, columns), size, shape, strict=True)
        ]
        depths = depth_metres(depth_image[np.ix_(*index)], self.depth_far)
        return somebody & ~(np.abs(depths - metres) > DEPTH_GAP)  # where saturated, nobody knows

    def _share(self, rows: slice, columns: slice, person: np.ndarray) -> float:
        people, hero = (float(self.probabilities[rows, columns, label][person].sum()) for label in (PEOPLE, HERO))
        return hero / (people + hero)


def _clarity(pixels: float) -> float:
    return min(math.sqrt(pixels / CLEAR), CLEAREST)
