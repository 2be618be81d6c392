"""Where to look for a target that went out of sight: where it was heading, then in a growing spiral."""

import math

import numpy as np

from follower.filter import Track

HEADING_SECONDS = 4.0  # after the loss, in which it is looked for where it was heading
MAX_HEADING_SPEED = 2.0  # m/s: a faster estimate is an error
SPIRAL_SECONDS = 14.0  # after that, before the search is given up
SPIRAL_START = 2.0  # metres, radius
SPIRAL_GROWTH = 0.8  # m/s, of the radius
SPIRAL_SPEED = 5.0  # m/s, along the spiral


def place_to_look_at(lost: Track, elapsed: float) -> np.ndarray | None:
    """Return the place (3,) to look at, metres; None when the search is over.

    `lost` is the track at the loss, some `elapsed` seconds ago.
    """
    if elapsed >= HEADING_SECONDS + SPIRAL_SECONDS:
        return None
    velocity = lost.mean[3:5]
    speed = float(np.linalg.norm(velocity))
    velocity = velocity * min(1.0, MAX_HEADING_SPEED / max(speed, 1e-6))
    place = lost.point.copy()
    place[:2] += velocity * min(elapsed, HEADING_SECONDS)
    spiral = elapsed - HEADING_SECONDS
    if spiral > 0:
        radius = SPIRAL_START + SPIRAL_GROWTH * spiral
        turned = SPIRAL_SPEED / SPIRAL_GROWTH * math.log(radius / SPIRAL_START)
        angle = math.atan2(velocity[1], velocity[0]) + turned
        place[:2] += radius * np.array([math.cos(angle), math.sin(angle)])
    return place
