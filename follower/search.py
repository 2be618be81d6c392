"""Where to look for a target that went out of sight: where it was heading, longer while that is hidden; all around."""

import math

import numpy as np

from follower.tracking.kalman_filter import Track

HEADING_SECONDS = 4.0  # with the place where it was heading in plain view, before looking all around
MAX_HIDDEN_SECONDS = 6.0  # more, while that place is hidden
SEARCH_SECONDS = 18.0  # after the loss, until the search is given up
MAX_SPEED = 2.0  # m/s: a faster estimate is an error
MAX_DISTANCE = 10.0  # metres, at which the quad sees what is between, too
WALKING_SPEED = 1.3  # m/s, at which a target that stood may have walked off
TURN_RATE = math.radians(75)  # rad/s, of the direction in which it is looked for
FIRST_TURN = math.radians(100)  # to the left, before it turns all around to the right


class Search:
    """The search for a target that was lost out of sight, `lost` being its track then.

    `place`: where to look, (3,) metres, farther and farther away as the target may be; None: given up.
    """

    def __init__(self, lost: Track, time: float) -> None:
        """Begin the search with a frame of `time`, seconds."""
        self.lost = lost
        self._elapsed = max(time - lost.time, 0.0)  # seconds since the loss
        self._hidden = 0.0  # of these, with the place where the target was heading hidden
        self.place = self._choose_place()

    def step(self, time: float, seconds: float, hidden: bool) -> None:
        """Go on with a frame of `time` that stands for some `seconds`; in it, `place` may be `hidden`."""
        if hidden and self._turning <= 0:
            self._hidden = min(self._hidden + seconds, MAX_HIDDEN_SECONDS)
        self._elapsed = max(time - self.lost.time, self._elapsed + seconds)  # whatever the clock does
        self.place = self._choose_place()

    @property
    def _turning(self) -> float:
        """Seconds for which it has been looked for all around."""
        return max(self._elapsed - HEADING_SECONDS - self._hidden, 0.0)

    def _choose_place(self) -> np.ndarray | None:
        if self._elapsed >= SEARCH_SECONDS:
            return None
        velocity = self.lost.velocity[:2]
        speed, heading = min(float(np.linalg.norm(velocity)), MAX_SPEED), math.atan2(velocity[1], velocity[0])
        distance = speed * self._elapsed
        if self._turning > 0:
            distance += max(WALKING_SPEED - speed, 0.0) * self._turning
            turned = TURN_RATE * self._turning
            heading += min(turned, 2 * FIRST_TURN - turned)
        place = self.lost.point.copy()
        place[:2] += min(distance, MAX_DISTANCE) * np.array([math.cos(heading), math.sin(heading)])
        return place
