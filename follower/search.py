"""Where to look for a target that went out of sight: where it was heading, then all around."""

import math

import numpy as np

from follower.filter import Track

HEADING_SECONDS = 4.0  # after the last view, in which it is looked for where it was heading
SEARCH_SECONDS = 18.0  # after which the search is given up
MAX_SPEED = 2.0  # m/s: a faster estimate is an error
MAX_DISTANCE = 10.0  # metres, at which the quad sees what is between, too
WALKING_SPEED = 1.3  # m/s, at which a target that stood may have walked off
TURN_RATE = math.radians(75)  # rad/s, of the direction in which it is looked for
FIRST_TURN = math.radians(100)  # to the left, before it turns all around to the right


def place_to_look_at(lost: Track, elapsed: float) -> np.ndarray | None:
    """Return the place (3,) to look at, metres; None when the search is over.

    `lost` is the track at the loss, some `elapsed` seconds ago. The place moves away as the target may do.
    """
    if elapsed >= SEARCH_SECONDS:
        return None
    velocity = lost.mean[3:5]
    speed, heading = min(float(np.linalg.norm(velocity)), MAX_SPEED), math.atan2(velocity[1], velocity[0])
    distance = speed * elapsed
    turning = elapsed - HEADING_SECONDS
    if turning > 0:
        distance += max(WALKING_SPEED - speed, 0.0) * turning
        turned = TURN_RATE * turning
        heading += min(turned, 2 * FIRST_TURN - turned)
    place = lost.point.copy()
    place[:2] += min(distance, MAX_DISTANCE) * np.array([math.cos(heading), math.sin(heading)])
    return place
