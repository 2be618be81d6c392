"""The choice of a person to look at: a distant one from near, and a near one while a target is lost."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from follower.tracking.hypotheses import RUNNING_SPEED, Hypothesis
from follower.tracking.kalman_filter import Track

MIN_LOG_ODDS = 1.5  # evidence from which on a distant person is looked at from near
MOST_AGAINST = -4.0  # evidence until which a near person is looked at further after a loss: single views mislead
MAX_APPROACH = 12.0  # seconds for that, after which the person cannot be reached
SEARCH_SECONDS = 18.0  # after a loss, until the search is given up
MAX_LOOK = 6.0  # seconds for looking at near people during a search, at most half of them at one
RECENT = 0.5  # seconds since that person's last view
LOST_RADIUS = 5.0  # metres around the place of a loss in which the target may have been
WALKED_IN_A_SECOND = 4.0  # metres, by a person who walks to and fro; it grows with the root of the time


class Loss(NamedTuple):
    """The loss of a target: its track then, the seconds since, and those of them spent on looking at near people."""

    track: Track
    established: bool  # whether the right person was known, so that it is likely that one who was lost
    seconds: float = 0.0
    looked: float = 0.0

    def at(self, time: float, seconds: float) -> "Loss":
        """Return it at a frame of `time` that stands for some `seconds`, whatever the clock does."""
        return self._replace(seconds=max(time - self.track.time, self.seconds + seconds))

    def reaches(self, person: Track) -> bool:
        """Return whether the target may have got to where a person is, walking to and fro.

        Whoever was lost before a target was established may be another person, and the target farther away.
        """
        distance = float(np.linalg.norm(person.point - self.track.point))
        walked = WALKED_IN_A_SECOND * math.sqrt(self.seconds) if self.established else RUNNING_SPEED * self.seconds
        return distance < LOST_RADIUS + walked


def choose_suspect(hypotheses: Sequence[Hypothesis], loss: Loss | None) -> int | None:
    """Return the index of the person to look at, or None: the one who was approached already, else the likeliest.

    After the loss of a target only people count who can have got to where they are from there. During the search near
    people count as well, for some seconds in all, so that they are in view for long enough to decide.
    """
    likely = [index for index, each in enumerate(hypotheses) if _is_suspect(each, loss)]

    def rank(index: int) -> tuple[bool, float, float, float]:
        person = hypotheses[index]
        return person.evidence > 0, person.approached, person.looked_at, person.evidence

    return max(likely, key=rank, default=None)


def _is_suspect(person: Hypothesis, loss: Loss | None) -> bool:
    is_looked_at = loss is not None and not person.distant and (person.approached or person.looked_at)
    if person.evidence <= (MOST_AGAINST if is_looked_at else 0.0):
        return False
    if loss is not None and not loss.reaches(person.track):
        return False
    if person.approached and person.evidence > 0:  # from where it was distant
        return person.approached < MAX_APPROACH
    if person.distant:
        return person.evidence > MIN_LOG_ODDS
    if loss is None or loss.seconds >= SEARCH_SECONDS or loss.looked >= MAX_LOOK:
        return False
    return person.missed <= RECENT and person.looked_at < MAX_LOOK / 2
