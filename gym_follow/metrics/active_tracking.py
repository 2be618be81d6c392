"""The reward of gym-unrealcv's tracking environments, with which AD-VAT (2019) measures, and DAT's success rate."""

import math
from dataclasses import dataclass

from gym_follow.log import Log, Moment
from gym_follow.metrics.episode import begin
from simulator.geometry import FIELD_OF_VIEW

STEPS = 500
EXPECTED_DISTANCE = 2.5  # metres, horizontal
MAX_DISTANCE = 7.0  # metres, horizontal, within which the target counts as viewed
MAX_BEARING = math.radians(FIELD_OF_VIEW / 2)
MAX_LOST_SECONDS = 5.0
LOWEST_REWARD = -1.0


@dataclass(frozen=True)
class TrackingEpisode:
    """Outcome of one episode."""

    reward: float  # accumulated
    length: int  # steps
    success: bool  # the target was not lost until the end


def reward(moment: Moment) -> float:
    """Return 1 for a target straight ahead at the expected distance, less for any deviation, at least -1."""
    deviation = abs(moment.horizontal_distance - EXPECTED_DISTANCE) / EXPECTED_DISTANCE
    return max(1.0 - deviation - abs(moment.bearing) / MAX_BEARING, LOWEST_REWARD)


def is_viewed(moment: Moment) -> bool:
    """Return whether the target is in the area that the tracker shall keep it in; walls do not count."""
    return moment.horizontal_distance <= MAX_DISTANCE and abs(moment.bearing) < MAX_BEARING


def tracking_episode(log: Log) -> TrackingEpisode:
    """Judge an episode of STEPS frames from where the target is first followed, or fewer if the flight ends before.

    It ends early, as a failure, when the target has not been viewed for more than MAX_LOST_SECONDS. A flight that
    never follows the target has no step.
    """
    start = begin(log)
    if start is None:
        return TrackingEpisode(0.0, 0, False)
    total, last_viewed = 0.0, log[start].time
    for length, moment in enumerate(log[start : start + STEPS], 1):
        total += reward(moment)
        if is_viewed(moment):
            last_viewed = moment.time
        if is_lost(moment, last_viewed):
            return TrackingEpisode(total, length, False)
    return TrackingEpisode(total, length, True)


def is_cut_short(log: Log) -> bool:
    """Return whether the flight ended while the episode was still running."""
    episode = tracking_episode(log)
    return episode.success and episode.length < STEPS


def is_lost(moment: Moment, last_viewed: float) -> bool:
    """Return whether the target, last viewed at that time, is lost."""
    return moment.time - last_viewed > MAX_LOST_SECONDS + 1e-6


def fraction_in_view(log: Log) -> float:
    """Return the fraction of frames in which the target is in view, from where it is first followed; 0 if never.

    DAT's tracking success rate: its discrete reward is 1 in each such step, and the sum is divided by the full length.
    """
    start = begin(log)
    return 0.0 if start is None else sum(moment.target_visible for moment in log[start:]) / len(log[start:])
