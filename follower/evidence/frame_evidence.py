"""Evidence of one frame for and against people, with a blob or without one."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dataset.schema import REFERENCE_PIXELS
from follower.detection import Blob
from follower.evidence.likelihood import (
    REFERENCE_AREA,
    REFERENCE_LOG_ODDS,
    TYPICAL_FRACTION,
    UNCLEAR_FRACTION,
    area_gain,
    log_odds,
)
from follower.evidence.silhouettes import Silhouette, Silhouettes
from follower.geometry import rescale_pixel
from follower.ranging import Measurement
from follower.tracking.candidates import Absence

CLOSE_RANGE = 10.0  # metres, within which a view of a person is reliable evidence
RELIABLE_AREA = 0.3  # square metres of silhouette; less is partly hidden
RELIABLE_PIXELS = 60.0  # of a 256x256 image, in a person: networks seldom miss a target that has as many
SEARCH_HALF_WIDTH = 0.4  # metres to each side of a predicted position in which its person is looked for
PREDICTED_RADIUS = 0.8  # horizontal metres around a predicted position, beyond which pixels belong to another person
UPRIGHT = np.outer([-0.5, 0.0, 0.5], [0.0, 0.0, 1.0])  # metres, from a person's middle to what must be hidden of it


class BlobEvidence(NamedTuple):
    """Evidence of a blob: log-odds that its person is the target."""

    log_odds: float  # given what the network gives a target in plain view
    forgivable: float  # how much of what speaks against a person who is the target already may be left out; at least 0
    reliable: bool = False  # near, of one person alone, and of most of it: views of the target give a known mean


@dataclass(frozen=True)
class FrameEvidence:
    """Evidence of one frame about the people in it."""

    people: Silhouettes
    target_height: float  # metres
    typical_fraction: float = TYPICAL_FRACTION  # of a target in plain view, by this network
    clear: bool = True  # neither hazy nor dark: otherwise networks are less certain, and miss small targets

    def for_blob(self, blob: Blob, measurement: Measurement, person: Silhouette) -> BlobEvidence:
        """Return the log-odds that the `person` a blob belongs to is the target; one of implausible size is not."""
        if measurement.too_tall:
            against = -REFERENCE_LOG_ODDS * area_gain(blob.reference_area)
            return BlobEvidence(against, 0.0)
        fraction = self.people.target_fraction(person)
        pixels, area = blob.reference_area / fraction, measurement.area / fraction
        lenient = log_odds(fraction, pixels, area)
        if measurement.range.metres > CLOSE_RANGE:  # in a few pixels no fraction is typical
            return BlobEvidence(lenient, 0.0)
        if self.people.in_group(person, measurement.range.metres):  # whose parts may count as parts of the person
            return BlobEvidence(lenient, max(-lenient, 0.0) / 2)
        strict = log_odds(fraction, pixels, area, self._typical_fraction)
        return BlobEvidence(strict, max(lenient - strict, 0.0), reliable=measurement.area >= RELIABLE_AREA)

    def at_predicted_position(self, point: np.ndarray) -> Absence:
        """Return the evidence from the predicted position (3,), metres, of a person without a blob there.

        A person who stands there in plain view and is not the target is evidence against; no person, one well in front
        of or behind the position, or a position out of view is none. It never counts more than one frame of a distant
        target: another person may have stepped in between. Where the picture is not clear, a small view is no evidence.
        """
        camera, image_size, size = self.people.camera, self.people.camera.image_size, self.people.size
        pixel, depth = camera.pixel_from_world(point)
        metres = float(depth)
        if metres <= 0:
            return Absence()
        tall, wide = (camera.focal * half / metres for half in (self.target_height / 2, SEARCH_HALF_WIDTH))
        top, left = rescale_pixel((pixel[0] - tall, pixel[1] - wide), image_size, size)
        bottom, right = rescale_pixel((pixel[0] + tall, pixel[1] + wide), image_size, size)
        rows = slice(max(0, round(top)), max(0, round(bottom) + 1))
        columns = slice(max(0, round(left)), max(0, round(right) + 1))
        person = self.people.in_part(rows, columns, point, PREDICTED_RADIUS)
        coverage = np.count_nonzero(person) / (size[0] * size[1])  # fraction of the image
        if not coverage:
            return Absence()
        pixels, area = coverage * REFERENCE_PIXELS, coverage * math.prod(image_size) * (metres / camera.focal) ** 2
        limit = REFERENCE_LOG_ODDS * min(math.sqrt(pixels / REFERENCE_AREA), 1.0)
        fraction = self.people.target_fraction(Silhouette(rows, columns, person))
        small = bool(pixels < RELIABLE_PIXELS)
        if small and not self.clear:
            return Absence()
        against = log_odds(fraction, pixels, area, self._typical_fraction)
        return Absence(float(np.clip(against, -limit, 0.0)), small)

    def hides(self, place: np.ndarray) -> bool:
        """Return whether all of a person whose middle is at `place` (3,), metres, is in view but for something nearer.

        Without a depth image, and outside the picture, nothing is known to be hidden.
        """
        depth_image = self.people.depth_image
        if depth_image is None:
            return False
        _, hidden = self.people.camera.visibility(place + UPRIGHT, depth_image)
        return bool(hidden.all())

    @property
    def _typical_fraction(self) -> float:
        return self.typical_fraction if self.clear else min(self.typical_fraction, UNCLEAR_FRACTION)
