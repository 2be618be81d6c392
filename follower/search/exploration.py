"""Flies from viewpoint to viewpoint, where a target of which nothing is known is likeliest to come into view."""

import math

import numpy as np

from follower.geometry import Camera
from follower.search.belief import BODY_MIDDLE, Belief
from follower.search.lost_target import LOOK_DISTANCE
from follower.types import Extent

LOOK_EVERY = 0.4  # seconds between looks that count
VIEW = 12.0  # metres around a viewpoint, of which much is in view from there
MIN_WAY = 12.0  # metres to the next viewpoint: nearer ones show little else
SPEED = 6.0  # m/s of the quad on such ways
SLACK = 4.0  # seconds more than a way should take, after which something is in the way
ARRIVED = 8.0  # metres to the viewpoint
TURN_RATE = math.radians(75)  # rad/s, slower than after a loss: farther away, it takes more pictures to find the target
ROUND_SECONDS = math.tau / TURN_RATE
ABOVE = 2.0  # metres above people: the built-in quad flies 5 m above a place, and the higher, the less hides the ground


class Exploration:
    """The way of a quad that looks for a target which may be anywhere, rather near some place than far from it.

    The quad turns round where it is, flies to the viewpoint that promises most for the time it takes, turns round
    there, and so on.
    """

    def __init__(self, middle: np.ndarray, yaw: float = 0.0, extent: Extent | None = None) -> None:
        """Expect the target near `middle`, (2,) metres, and within the `extent`.

        The first turn begins at `yaw`, radians.
        """
        self.place: np.ndarray | None = None  # where to look, (3,) metres
        self._belief = Belief(middle, extent)
        self._unlooked = LOOK_EVERY  # seconds since the last look
        self._viewpoint: np.ndarray | None = None  # (2,) metres; None while the quad turns
        self._left = 0.0  # seconds for the way there
        self._turned = 0.0  # radians
        self._yaw = yaw  # radians, where the turn began

    def see(self, seconds: float, camera: Camera, depth_image: np.ndarray | None) -> None:
        """Take account of a frame that stands for some `seconds`; without `depth_image`, it shows nothing."""
        self._unlooked += seconds
        if depth_image is not None and self._unlooked >= LOOK_EVERY - seconds / 2:
            self._belief.look(self._unlooked, camera, depth_image)
            self._unlooked = 0.0

    def step(self, seconds: float, camera: Camera) -> None:
        """Choose where to look next, after a frame that stands for some `seconds`; nowhere before ground was seen."""
        if self._belief.ground_height is None:
            return
        quad = camera.position[:2]
        if self._viewpoint is None:
            self._turned += TURN_RATE * seconds
            if self._turned >= math.tau:
                self._choose_viewpoint(quad)
        else:
            self._left -= seconds
            if np.linalg.norm(self._viewpoint - quad) < ARRIVED or self._left < 0:
                self._viewpoint, self._turned, self._yaw = None, 0.0, camera.pose.yaw
        place = self._viewpoint
        if place is None:
            yaw = self._yaw + self._turned
            place = quad + LOOK_DISTANCE * np.array([math.cos(yaw), math.sin(yaw)])
        self.place = np.array([*place, self._belief.ground_height + BODY_MIDDLE + ABOVE])

    def interrupt(self) -> None:
        """Look nowhere; the next step chooses another viewpoint."""
        self.place = self._viewpoint = None
        self._turned = math.tau

    def _choose_viewpoint(self, quad: np.ndarray) -> None:
        ways = np.linalg.norm(self._belief.places - quad, axis=-1)
        seconds = ROUND_SECONDS + ways / SPEED
        promise = np.where(ways < MIN_WAY, 0.0, self._belief.near_each_place(VIEW) / seconds)
        best = np.unravel_index(np.argmax(promise), promise.shape)
        self._viewpoint, self._left = self._belief.places[best], SLACK + float(ways[best]) / SPEED
