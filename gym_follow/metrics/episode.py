"""Where the episode of another benchmark begins in a flight of ours.

Theirs begin with the target in front of the tracker; in a flight, the agent has to find the target first.
"""

from dataset.schema import REFERENCE_PIXELS, VISIBLE_PIXELS
from gym_follow.log import Log, Moment
from gym_follow.metrics.following import FAR

BAND = FAR  # metres, horizontal: within it the quad follows
MAX_FRACTION = 0.3  # of the picture: a target that fills more is too near to be followed


def begin(log: Log) -> int | None:
    """Return the index of the first moment at which the quad follows, with the target in view and within BAND."""
    indices = (index for index, moment in enumerate(log) if moment.following and is_followed(moment, BAND))
    return next(indices, None)


def is_followed(moment: Moment, limit: float) -> bool:
    """Return whether the target is in view and at most `limit` metres away, as seen from above."""
    in_view = VISIBLE_PIXELS < moment.target_pixels < MAX_FRACTION * REFERENCE_PIXELS
    return in_view and moment.horizontal_distance <= limit
