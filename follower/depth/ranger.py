"""Locate blobs in the world: by the depth image as long as it can be believed, else by their apparent height."""

import logging
from typing import NamedTuple

import numpy as np

from dataset.schema import HERO, PEOPLE
from follower.depth.check import CONTRADICTION, OTHER_BUILD, DepthCheck, depth_agrees
from follower.depth.scale import DepthScale
from follower.depth.separation import separate
from follower.detection import Blob
from follower.geometry import Camera
from follower.ranging import Measurement, locate
from follower.settings import AgentSettings
from follower.types import Frame

logger = logging.getLogger(__name__)


class Sighting(NamedTuple):
    """A blob that has a range. `doubtful`: the depth image contradicts it."""

    blob: Blob
    measurement: Measurement
    doubtful: bool


class Ranger:
    """Ranges of one simulator's blobs. Learns what its depth images stand for, and whether they can be believed."""

    def __init__(self, settings: AgentSettings) -> None:
        self._settings = settings
        self._scale = DepthScale()
        self._check = DepthCheck()
        self._reported = False  # that the depth contradicts the picture

    @property
    def trusts_depth(self) -> bool:
        """Whether the depth images have agreed with the pictures."""
        return self._check.trusted

    def camera(self, frame: Frame, seconds: float) -> Camera:
        """Return the camera that took a frame, which stands for some `seconds`."""
        if self._settings.depth_far == "auto" and not self._scale.settled:
            before = self._scale.far
            self._scale.update(frame.depth_image, self._camera(frame), seconds)
            if self._scale.far != before:
                logger.info("depth_far = %g m: the ground in view says so", self._scale.far)
                self._check = DepthCheck()
        return self._camera(frame)

    def locate(
        self, frame: Frame, camera: Camera, blobs: list[Blob], probabilities: np.ndarray, seconds: float
    ) -> list[Sighting]:
        """Return the blobs that have a range, and for each whether it is doubtful: the depth image contradicts it.

        The range is then by apparent height. So is every range after the depth image has contradicted the picture for a
        while; then nothing is doubtful. A blob of several people is returned in parts, where the depth image separates
        them. `probabilities` (rows, columns, 3) float: the network's output.
        """
        if not blobs:
            return []
        depth, height = frame.depth_image, self._settings.target_height
        others = probabilities[..., PEOPLE] > 0.5
        sightings: list[tuple[Blob, Measurement, bool | None]] = []
        for blob in blobs:
            if measurement := locate(blob.detection, depth, camera, height):
                sightings.append((blob, measurement, depth_agrees(blob, measurement, depth, others, camera, height)))
        agreement = next((agrees for *_, agrees in sightings if agrees is not None), None)
        if self._check.update(agreement, seconds):
            self._report()
        trusted = self._check.trusted
        if agreement is False and not trusted and self._scale.settled:
            self._scale.reconsider()
        results = []
        for blob, measurement, agrees in sightings:
            if not (trusted and agrees is not False):
                if located := locate(blob.detection, None, camera, height):
                    results.append(Sighting(blob, located, trusted))
            elif depth is None:
                results.append(Sighting(blob, measurement, False))
            else:
                for part in separate(blob, probabilities[..., HERO], depth, camera):
                    located = measurement if part is blob else locate(part.detection, depth, camera, height)
                    if located:
                        results.append(Sighting(part, located, False))
        return results

    def _camera(self, frame: Frame) -> Camera:
        depth_far = self._scale.far if self._settings.depth_far == "auto" else self._settings.depth_far
        return Camera(frame.gimbal_pose, frame.image.shape[:2], self._settings.vertical_fov, depth_far)

    def _report(self) -> None:
        if not self._reported:
            self._reported = True
            logger.warning("%s", CONTRADICTION + (OTHER_BUILD if self._settings.depth_far != "auto" else ""))
