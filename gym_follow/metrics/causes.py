"""Causes of failures in a flight: seconds in which the target was out of view, or a wrong target was followed."""

import math
from collections import defaultdict
from collections.abc import Mapping
from enum import Enum

from gym_follow.log import MASK_FAR, Log, Moment
from gym_follow.metrics.following import ON_TARGET, first_detection, follows_wrong_target, time_step
from simulator.geometry import wrap_angle

SILENCE = 0.5  # seconds without a report, after which a target that leaves the picture does so unnoticed
SAME_DIRECTION = math.radians(3)  # between report and target, seen from the quad: the target itself, ranged wrongly

OUT_OF_VIEW, WRONG_TARGET = "out of view since the first detection", "wrong target followed"


class Cause(Enum):
    """Cause of a moment's failure, with its group and its heading in the table."""

    HIDDEN = OUT_OF_VIEW, "behind something solid"
    BEYOND = OUT_OF_VIEW, f"beyond {MASK_FAR:g} m, where masks end"
    OTHER_FOLLOWED = OUT_OF_VIEW, "another person was followed"
    NOT_FOLLOWED = OUT_OF_VIEW, "reported lost while in view"
    SILENCE = OUT_OF_VIEW, f"no report for {SILENCE:g} s"
    LEFT = OUT_OF_VIEW, "left the picture while followed"
    OUTDATED = WRONG_TARGET, "the last report was right"
    MISPLACED = WRONG_TARGET, "the target itself, at a wrong distance"
    BEFORE_FOUND = WRONG_TARGET, "before the target was found"
    ANOTHER = WRONG_TARGET, "another person, after it was found"

    @property
    def group(self) -> str:
        """OUT_OF_VIEW or WRONG_TARGET."""
        return self.value[0]

    @property
    def heading(self) -> str:
        """What happened, in a few words."""
        return self.value[1]


def causes(log: Log) -> Mapping[Cause, float]:
    """Return the seconds of a flight that each cause took. Raises ValueError if the log is empty.

    Time out of view has the cause for which the target got out of view, until it is in view again: the search for a
    target that hid belongs to its hiding. A wrong target has its cause in each moment.
    """
    found, step = first_detection(log), time_step(log)
    seconds: dict[Cause, float] = defaultdict(float)
    out_of_view: Cause | None = None
    newest: Moment | None = None  # with a report
    for number, moment in enumerate(log):
        newest = moment if moment.reported is not None else newest
        if number < found or moment.target_visible:
            out_of_view = None
        else:
            out_of_view = out_of_view or _of_leaving(moment, newest)
            seconds[out_of_view] += step
        if follows_wrong_target(moment):
            seconds[_of_wrong_target(moment, newest, number < found)] += step
    return seconds


def _of_leaving(moment: Moment, newest: Moment | None) -> Cause:
    if not moment.line_of_sight:
        return Cause.HIDDEN
    if moment.distance >= MASK_FAR:
        return Cause.BEYOND
    if follows_wrong_target(moment):
        return Cause.OTHER_FOLLOWED
    if not moment.following:
        return Cause.NOT_FOLLOWED
    if newest is None or moment.time - newest.time > SILENCE:
        return Cause.SILENCE
    return Cause.LEFT


def _of_wrong_target(moment: Moment, newest: Moment | None, before_found: bool) -> Cause:
    if newest is not None and newest.position_error < ON_TARGET:
        return Cause.OUTDATED
    assert moment.followed is not None
    angle = wrap_angle(moment.direction(moment.followed) - moment.direction(moment.target))
    if abs(angle) < SAME_DIRECTION:
        return Cause.MISPLACED
    return Cause.BEFORE_FOUND if before_found else Cause.ANOTHER
