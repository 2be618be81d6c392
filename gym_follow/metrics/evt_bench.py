"""EVT-Bench's rules (TrackVLA, 2025): success rate, tracking rate, collision rate."""

from dataclasses import dataclass

from gym_follow.log import Log, Moment
from gym_follow.metrics.episode import BAND, begin, is_followed

STEPS = 300
LIMIT = 3.0  # metres, horizontal, within which the target is followed
LOST_MARGIN = 1.0  # metres beyond the limit
MAX_FAR_STEPS = 20  # more of them, without following in between, end the episode
COLLISION = 0.5  # metres, from the quad to the target's body
HALF_HEIGHT = 1.0  # metres, of a person


@dataclass(frozen=True)
class EvtEpisode:
    """Outcome of one episode."""

    success: bool  # followed in the last step
    followed_steps: int
    steps: int  # of the whole episode, also where it ended early; fewer only if the flight ended before it
    collision: bool  # ended it


def evt_episode(log: Log, limit: float = LIMIT) -> EvtEpisode:
    """Judge an episode of STEPS frames from where the target is first followed, or fewer if the flight ends before.

    It ends early, as a failure, after too many steps more than `limit` + LOST_MARGIN metres away, or with a collision.
    A flight that never follows the target is an episode of STEPS without one that counts.
    """
    start = begin(log)
    if start is None:
        return EvtEpisode(False, 0, STEPS, False)
    steps = log[start : start + STEPS]
    followed_steps, far_steps, followed = 0, 0, False
    for moment in steps:
        followed = is_followed(moment, limit)
        followed_steps += followed
        far_steps = 0 if followed else far_steps + (moment.horizontal_distance > limit + LOST_MARGIN)
        collision = _distance_to_body(moment) < COLLISION
        if collision or far_steps > MAX_FAR_STEPS:
            return EvtEpisode(False, followed_steps, STEPS, collision)
    return EvtEpisode(followed, followed_steps, len(steps), False)


def is_cut_short(log: Log) -> bool:
    """Return whether the flight ended while an episode was still running."""
    return evt_episode(log, BAND).steps < STEPS  # with a nearer limit, an episode ends no later


def _distance_to_body(moment: Moment) -> float:
    above_or_below = max(abs(moment.quad[2] - moment.target[2]) - HALF_HEIGHT, 0.0)
    return float((moment.horizontal_distance**2 + above_or_below**2) ** 0.5)
