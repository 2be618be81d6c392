"""How many metres a depth of 255 stands for, told from flat ground in view. QuadSim's builds differ and do not say."""

import math

import numpy as np

from follower.geometry import SATURATED, Intrinsics, rays, rotation
from follower.types import Pose

BUILDS = (500.0, 100.0, 50.0)  # metres; until 2017-09-08, from 2017-09-12 on, and one build of 2017-10-02
USUAL = 100.0  # metres, until the frames have told
MIN_BYTE = 4  # the rounding of smaller depths is more than an eighth of them
MIN_FALL = 0.02  # metres a ray sinks per metre of depth; nearer the horizon a bump is taken for a mile
MIN_VIEW = 0.1  # of the image must show something below the horizon
MIN_SHARE = 0.5  # of that must be flat ground, not walls and people
TOLERANCE = 1.3  # the builds differ by a factor of two at least; the ground may be a little off zero
VOTES = 5  # frames that tell something, one after the other, that must agree


def far_from_ground(depth_image: np.ndarray, camera: Pose, vertical_fov: float, ground: float = 0.0) -> float | None:
    """Metres that a depth of 255 stands for, if at least half of what lies below the horizon is flat ground.

    Depth on the ground follows from the camera's height over it and from each pixel's direction, so one unknown is
    left. An error in the height of the ground changes the result in proportion to the camera's height over it.

    Args:
        depth_image: (height, width) uint8.
        camera: its pose; must be above the ground.
        vertical_fov: degrees.
        ground: height of the ground in the world, metres.
    """
    height, width = depth_image.shape
    # Every fourth pixel is plenty.
    rows, columns = np.mgrid[0:height:4, 0:width:4]
    intrinsics = Intrinsics.from_fov(height, width, vertical_fov)
    falls = -(rays(np.stack([rows, columns], axis=-1), intrinsics) @ rotation(camera)[2])
    values = depth_image[::4, ::4]
    known = (falls > MIN_FALL) & (values >= MIN_BYTE) & (values < SATURATED)
    count = np.count_nonzero(known)
    if camera.z <= ground or count < MIN_VIEW * values.size:
        return None
    values = values[known].astype(float)
    fars = (camera.z - ground) / falls[known] * SATURATED / values
    far = float(np.median(fars))
    agree = np.abs(fars / far - 1) <= 0.6 / values + 0.05  # half a step of rounding, and slopes of the ground
    return far if np.count_nonzero(agree) >= MIN_SHARE * count else None


class DepthScale:
    """Settles on the build of QuadSim that the frames come from; `far` is the usual one until then."""

    def __init__(self, vertical_fov: float) -> None:
        self.far = USUAL
        self.settled = False
        self._vertical_fov = vertical_fov
        self._candidate: float | None = None
        self._votes = 0

    def watch(self, depth_image: np.ndarray | None, camera: Pose) -> None:
        """Takes one frame's depth image into account; does nothing once settled."""
        if self.settled or depth_image is None:
            return
        far = far_from_ground(depth_image, camera, self._vertical_fov)
        build = None if far is None else min(BUILDS, key=lambda one: abs(math.log(far / one)))
        if build is None or not 1 / TOLERANCE < far / build < TOLERANCE:
            return
        self._votes = self._votes + 1 if build == self._candidate else 1
        self._candidate = build
        if self._votes >= VOTES:
            self.far, self.settled = build, True
