"""Where to look for a target that went out of sight."""

import math

import numpy as np

from follower.tracking.kalman_filter import Track
from follower.tracking.suspects import SEARCH_SECONDS

HEADING_SECONDS = 1.2  # of the search, with the place where it was heading in plain view, before it looks all around
MAX_HIDDEN_SECONDS = 6.0  # more, while that place is hidden
MAX_SPEED = 2.0  # m/s: a faster estimate is an error
MAX_DISTANCE = 10.0  # metres, at which the quad sees what is between, too
WALKING_SPEED = 1.3  # m/s, at which a target that stood may have walked off
TURN_RATE = math.radians(90)  # rad/s, of the direction in which it is looked for
FIRST_TURN = math.radians(50)  # to the left, before it turns all around to the right
ROUND_SECONDS = (FIRST_TURN + math.tau) / TURN_RATE  # until it has been looked for in all directions
BACK_SECONDS = 2.5  # then, for the place of the loss: what is right below the quad is out of its view
LOOK_DISTANCE = 6.0  # metres from the quad to a place that it observes without flying there
NEAR = 12.0  # metres from the quad to the place of the loss, within which it sees that from where it is


class Search:
    """The search for a target that was lost out of sight, `lost` being its track then.

    The quad looks where the target was heading. If it is near the place of the loss, it then looks all around from
    where it is, since the target may have turned and be behind it, and at that place; last, all around that place.
    `place`: where to look, (3,) metres; None: given up. `quad` (3,) metres is where it is.
    """

    def __init__(self, lost: Track, elapsed: float, quad: np.ndarray) -> None:
        """Begin the search `elapsed` seconds after the loss."""
        self.lost = lost
        self._speed = min(float(np.linalg.norm(lost.velocity[:2])), MAX_SPEED)
        self._heading = math.atan2(lost.velocity[1], lost.velocity[0])  # radians
        self._elapsed = elapsed
        self._ahead = self._elapsed + HEADING_SECONDS  # of these, until it is looked for all around
        self._hidden = 0.0  # more of these, with the place where the target was heading hidden
        self._paused = 0.0  # more of these, in which the quad observed a person
        self._bearing = self._bearing_of_heading(quad)  # radians, of the place where it was heading, seen from the quad
        self.place = self._choose_place(quad)

    def step(self, elapsed: float, seconds: float, hidden: bool, quad: np.ndarray, paused: bool = False) -> None:
        """Go on with a frame that stands for some `seconds`, `elapsed` seconds after the loss.

        In it, `place` may be `hidden`, or the search `paused`, because the quad observes a person.
        """
        if paused:
            self._paused += seconds
        elif hidden and self._turning <= 0:
            self._hidden = min(self._hidden + seconds, MAX_HIDDEN_SECONDS)
        self._elapsed = elapsed
        self.place = self._choose_place(quad)

    @property
    def _turning(self) -> float:
        """Seconds since it is no longer looked for where it was heading."""
        return max(self._elapsed - self._ahead - self._hidden - self._paused, 0.0)

    def _where_heading(self) -> np.ndarray:
        return self._at(self.lost.point, self._heading, self._speed * self._elapsed)

    def _bearing_of_heading(self, quad: np.ndarray) -> float:
        place = self._where_heading()
        return math.atan2(place[1] - quad[1], place[0] - quad[0])

    def _choose_place(self, quad: np.ndarray) -> np.ndarray | None:
        if self._elapsed >= SEARCH_SECONDS:
            return None
        turning = self._turning
        if not turning:
            self._bearing = self._bearing_of_heading(quad)
            return self._where_heading()
        turn = min(TURN_RATE * turning, 2 * FIRST_TURN - TURN_RATE * turning)
        if float(np.linalg.norm(quad[:2] - self.lost.point[:2])) < NEAR:
            if turning < ROUND_SECONDS:
                return self._at(quad, self._bearing + turn, LOOK_DISTANCE)
            if turning < ROUND_SECONDS + BACK_SECONDS:
                return self.lost.point.copy()
        walked = self._speed * self._elapsed + max(WALKING_SPEED - self._speed, 0.0) * turning
        return self._at(self.lost.point, self._heading + turn, walked)

    def _at(self, point: np.ndarray, bearing: float, distance: float) -> np.ndarray:
        """Return the place at some distance from a point, as high as the target."""
        along = min(distance, MAX_DISTANCE) * np.array([math.cos(bearing), math.sin(bearing)])
        return np.array([*(point[:2] + along), self.lost.point[2]])
