"""Estimate how many metres a depth of 255 stands for from flat ground in view: QuadSim's builds differ."""

import math

import numpy as np

from follower.geometry import SATURATED, Camera

BUILDS = (500.0, 100.0, 50.0)  # metres: until 2017-09-08, from 2017-09-12 on, and one build of 2017-10-02
DEFAULT = 100.0  # metres, until enough frames agree
MIN_BYTE = 4  # rounding changes smaller depths by more than an eighth
MIN_DESCENT = 0.02  # metres a ray descends per metre of depth; closer to the horizon, bumps in the ground dominate
MIN_VIEW = 0.1  # fraction of the image that must lie below the horizon
MIN_GROUND = 0.5  # fraction of that which must be flat ground, not walls and people
TOLERANCE = 1.3  # the builds differ by a factor of two at least; the ground may not be exactly at height 0
CONFIRM_AFTER = 0.5  # seconds of consecutive estimates that must agree


def estimate_depth_far(depth_image: np.ndarray, camera: Camera) -> float | None:
    """Return the metres that a depth of 255 stands for; None unless most below the horizon is flat ground at height 0.

    Depth on the ground follows from the camera's height above it and from each pixel's direction, so one unknown is
    left. Another height of the ground changes the result in proportion to the camera's height above it. The depth
    image, (height, width) uint8, is of any size; the camera's own image size and depth scale are not used.
    """
    view = Camera(camera.pose, depth_image.shape, camera.vertical_fov, camera.depth_far)
    # Every fourth pixel is plenty.
    rows, columns = np.mgrid[0 : depth_image.shape[0] : 4, 0 : depth_image.shape[1] : 4]
    descents = -(view.rays(np.stack([rows, columns], axis=-1)) @ view.rotation[2])
    values = depth_image[::4, ::4]
    known = (descents > MIN_DESCENT) & (values >= MIN_BYTE) & (values < SATURATED)
    count = np.count_nonzero(known)
    if camera.pose.z <= 0 or count < MIN_VIEW * values.size:
        return None
    values = values[known].astype(float)
    estimates = camera.pose.z / descents[known] * SATURATED / values
    median = float(np.median(estimates))
    agree = np.abs(estimates / median - 1) <= 0.6 / values + 0.05  # half a rounding step, and slopes of the ground
    return median if np.count_nonzero(agree) >= MIN_GROUND * count else None


class DepthScale:
    """Settles on the build of QuadSim that the frames come from; `far` is the default until then."""

    def __init__(self) -> None:
        self.far = DEFAULT
        self.settled = False
        self._candidate: float | None = None
        self._confirmed = 0.0  # seconds

    def update(self, depth_image: np.ndarray | None, camera: Camera, seconds: float) -> None:
        """Take the depth image of a frame that stands for some `seconds` into account; do nothing once settled."""
        if self.settled or depth_image is None or (far := estimate_depth_far(depth_image, camera)) is None:
            return
        build = min(BUILDS, key=lambda one: abs(math.log(far / one)))
        if not 1 / TOLERANCE < far / build < TOLERANCE:
            return
        self._confirmed = self._confirmed + seconds if build == self._candidate else seconds
        self._candidate = build
        if self._confirmed >= CONFIRM_AFTER:
            self.far, self.settled = build, True

    def reconsider(self) -> None:
        """Estimate the scale anew, because it does not fit; `far` stays until then."""
        self.settled, self._confirmed = False, 0.0
