"""A flight's log: what the quad follows."""

import math
from contextlib import closing

import numpy as np
import pytest

from gym_follow.flight import Conditions, FollowFlight, World
from gym_follow.log import distance
from gym_follow.metrics.following import measure
from gym_follow.report import Report

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world():
    with closing(World(1, "plain")) as made:
        yield made


def fly(world, conditions, frames=60):
    """Fly with an agent that always reports a place 30 m from the target, and return the log."""
    flight = FollowFlight(world, conditions)

    def answer(seen):
        x, y, z = seen.truth.target_centre
        return Report((x + 30.0, y, z))

    return [flight.advance(answer) for _ in range(frames)]


def test_the_quad_follows_what_is_reported(world):
    log = fly(world, Conditions())
    assert all(moment.following and distance(moment.followed, moment.reported) < 0.01 for moment in log)
    assert measure(log).wrong_target_time > 5


def test_who_is_found_again_before_the_next_picture_is_followed(world):
    """Late frames may arrive together: one says that the target is lost, the next one where it is."""
    flight = FollowFlight(world, Conditions())
    (seen,) = flight.arrivals()
    flight.report(Report(lost=True), seen)
    assert not flight.moment.following
    flight.report(Report(flight.moment.target), seen)
    assert flight.moment.following
    flight.report(Report(lost=True), seen)
    assert not flight.moment.following


def test_with_its_velocity_a_target_that_was_seen_late_is_followed_where_it_is_now():
    """Frames of `link` are 0.1 to 0.3 s late."""

    def mean_error(velocity_of):
        def answer(seen):
            return Report(seen.truth.target_centre, velocity_of(seen.truth.target))

        flight = FollowFlight(late, Conditions())
        log = [flight.advance(answer) for _ in range(100)]
        return np.nanmean([moment.position_error for moment in log])

    def true_velocity(target):
        return target.speed * math.cos(target.heading), target.speed * math.sin(target.heading), 0.0

    with closing(World(1, "link")) as late:
        behind = mean_error(lambda target: (0.0, 0.0, 0.0))
        assert behind > 0.15  # metres; it walks at 1.3 m/s
        assert mean_error(true_velocity) < behind / 3


def test_a_quad_that_locks_on_patrols_or_follows_the_true_target_whatever_is_reported(world):
    log = fly(world, Conditions(like_quadsim=True))
    assert all(moment.position_error > 25 for moment in log)
    assert {moment.following for moment in log} == {False, True}
    assert all(distance(moment.followed, moment.target) < 0.5 for moment in log if moment.following)
    assert measure(log).wrong_target_time == 0
