"""Where to look for a target that went out of sight: where it was heading, as long as it may be hidden there."""

import math

import numpy as np

from follower.filter import Track
from follower.geometry import Camera

HEADING_SECONDS = 4.0  # in which it is looked for where it was heading, if it could be seen there; then all around
HIDDEN_SECONDS = 6.0  # more, at most, while something hides that place
SEARCH_SECONDS = 18.0  # after the last view, after which the search is given up
MAX_SPEED = 2.0  # m/s: a faster estimate is an error
MAX_DISTANCE = 10.0  # metres, at which the quad sees what is between, too
WALKING_SPEED = 1.3  # m/s, at which a target that stood may have walked off
TURN_RATE = math.radians(75)  # rad/s, of the direction in which it is looked for
FIRST_TURN = math.radians(100)  # to the left, before it turns all around to the right
IN_FRONT = 1.0  # metres by which whatever hides a person is nearer
BODY = np.outer([-0.5, 0.0, 0.5], [0.0, 0.0, 1.0])  # metres, from a person's middle to what must be hidden of it


class Search:
    """The search for a target that was lost out of sight, `lost` being its track then. It ends after a while."""

    def __init__(self, lost: Track) -> None:
        self.lost = lost
        self._seconds = 0.0  # that the frames since the loss stand for
        self._hidden = 0.0  # of these, while the place where it was heading was hidden

    def place_to_look_at(self, time: float, seconds: float, hidden: bool) -> np.ndarray | None:
        """Return the place (3,) to look at after a frame of `time` that stands for some `seconds`, metres.

        It moves away as the target may do. `hidden`: in this frame, something hides the previous place. Returns None
        when the search is over.
        """
        elapsed = max(time - self.lost.time, self._seconds)
        self._seconds += seconds
        if elapsed >= SEARCH_SECONDS:
            return None
        if hidden and elapsed - seconds <= HEADING_SECONDS + self._hidden:
            self._hidden = min(self._hidden + seconds, HIDDEN_SECONDS)
        return self._place(elapsed, max(elapsed - HEADING_SECONDS - self._hidden, 0.0))

    def _place(self, elapsed: float, turning: float) -> np.ndarray:
        velocity = self.lost.velocity[:2]
        speed, heading = min(float(np.linalg.norm(velocity)), MAX_SPEED), math.atan2(velocity[1], velocity[0])
        distance = speed * elapsed
        if turning > 0:
            distance += max(WALKING_SPEED - speed, 0.0) * turning
            turned = TURN_RATE * turning
            heading += min(turned, 2 * FIRST_TURN - turned)
        place = self.lost.point.copy()
        place[:2] += min(distance, MAX_DISTANCE) * np.array([math.cos(heading), math.sin(heading)])
        return place


def is_hidden(place: np.ndarray, depth_image: np.ndarray | None, camera: Camera) -> bool:
    """Return whether something nearer hides a person whose middle is at a place (3,), metres, that is in the picture.

    `depth_image` is (height, width) uint8 of any size.
    """
    if depth_image is None:
        return False
    pixels, depths = camera.pixel_from_world(place + BODY)
    size = np.array(depth_image.shape)
    rows_columns = np.floor((pixels + 0.5) * size / camera.image_size)
    if not (depths > 0).all() or not ((rows_columns >= 0) & (rows_columns < size)).all():
        return False
    rows, columns = rows_columns.astype(int).T
    # An unknown depth (NaN) hides nothing.
    return bool((camera.depth_metres(depth_image[rows, columns]) < depths - IN_FRONT).all())
