"""Decides where the quad looks while there is no target."""

import numpy as np

from follower.geometry import Camera
from follower.search.exploration import Exploration
from follower.search.lost_target import Search
from follower.tracking.tracker import Tracker
from follower.types import Extent, TargetState


class SearchPlanner:
    """Chooses what is worth a look: a person who may be the target, else where a lost one may be, else anywhere.

    Only for simulators that take places to look at.
    """

    def __init__(self) -> None:
        self.extent: Extent | None = None  # where the target can be; counts for what begins from now on
        self._suspect: np.ndarray | None = None  # (3,) metres
        self._search: Search | None = None  # for a target that was lost
        self._exploration: Exploration | None = None  # around where it began, or a target was lost

    @property
    def place(self) -> np.ndarray | None:
        """Where to look, (3,) metres; None: nowhere."""
        if self._suspect is not None:
            return self._suspect
        if self.searched is not None:
            return self.searched
        return None if self._exploration is None else self._exploration.place

    @property
    def searched(self) -> np.ndarray | None:
        """Where a target that was lost is searched for, (3,) metres; None: not, or not any more."""
        return None if self._search is None else self._search.place

    def step(
        self, seconds: float, tracker: Tracker, camera: Camera, depth_image: np.ndarray | None, hidden: bool
    ) -> None:
        """Plan after a frame that stands for some `seconds`, with which the `tracker` is done already.

        In it, `searched` was `hidden`. Nothing is explored without a `depth_image` (height, width).
        """
        self._suspect = None if tracker.suspect is None else tracker.suspect.point
        self._step_search(seconds, tracker, camera, hidden)
        self._step_exploration(seconds, tracker, camera, depth_image)

    def stop(self) -> None:
        """Look nowhere until the next step, which begins anew: a target that is dropped may be anywhere."""
        self._suspect = self._search = self._exploration = None

    def _step_search(self, seconds: float, tracker: Tracker, camera: Camera, hidden: bool) -> None:
        """Begin the search for a lost target, go on with it, or end it; the exploration after it begins there."""
        loss, quad = tracker.loss, camera.position
        if loss is None:
            self._search = None
        elif self._search is None or self._search.lost is not loss.track:
            self._search = Search(loss.track, loss.seconds, quad)
            self._exploration = Exploration(loss.track.point[:2], camera.pose.yaw, self.extent)
        else:
            self._search.step(loss.seconds, seconds, hidden, quad, paused=self._suspect is not None)

    def _step_exploration(
        self, seconds: float, tracker: Tracker, camera: Camera, depth_image: np.ndarray | None
    ) -> None:
        if self._exploration is None:
            self._exploration = Exploration(camera.position[:2], camera.pose.yaw, self.extent)
        self._exploration.see(seconds, camera, depth_image)
        found = tracker.state is TargetState.FOUND
        if found or depth_image is None or self._suspect is not None or self.searched is not None:
            self._exploration.interrupt()
        else:
            self._exploration.step(seconds, camera)
