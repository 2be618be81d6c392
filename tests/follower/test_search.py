"""Where a target that went out of sight is looked for, and what the built-in simulator's quad then sees."""

import math

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from follower.search.lost_target import Search
from follower.tracking.kalman_filter import Track
from simulator.drone import behaviours
from simulator.drone.quad import Quad
from simulator.world.obstacles import Obstacles

LONGEST = 30.0  # seconds
QUAD = np.array([-4.0, 0.0, 4.0])


def track(point=(0.0, 0.0, 1.0), velocity=(0.0, 0.0, 0.0)):
    return Track(100.0, np.array([*point, *velocity]), np.eye(6))


def places(lost: Track, hidden=lambda time: False, quad=QUAD):
    """Return the places at 5 frames a second, until the search is over; `hidden` says at which times they are."""
    search = Search(lost, 0.0, quad)
    found = [search.place]
    for time in np.arange(0.2, LONGEST, 0.2):
        search.step(time, 0.2, hidden(time), quad)
        found.append(search.place)
    count = next(index for index, place in enumerate(found) if place is None)
    assert all(place is None for place in found[count:])
    return np.array(found[:count])


@given(
    point=st.tuples(*[st.floats(-500, 500)] * 3),
    speed=st.floats(0, 1.8),
    heading=st.floats(-np.pi, np.pi),
)
def test_first_where_it_was_heading_and_then_all_around_the_quad(point, speed, heading):
    velocity = speed * np.array([np.cos(heading), np.sin(heading), 0.0])
    looked = places(track(point, velocity), quad=point + QUAD)
    assert looked[:, 2] == pytest.approx(np.full(len(looked), point[2]))
    for step in range(6):
        np.testing.assert_allclose(looked[step], point + velocity * step * 0.2, atol=1e-6)
    from_quad = (looked - point - QUAD)[:, :2]
    turned = np.unwrap(np.arctan2(*from_quad[6:51, ::-1].T))  # until 10 s after the loss
    assert np.ptp(turned) > np.radians(320)
    assert np.linalg.norm(from_quad, axis=1).max() < 16  # farther away, the quad would leave what is between


@pytest.mark.parametrize("late", [4.2, 9.0])
def test_a_search_that_begins_late_looks_all_around_too(late):
    search, bearings = Search(track(velocity=(0.0, 1.0, 0.0)), late, QUAD), []
    for time in np.arange(late + 0.2, late + 6.2, 0.2):
        across, along = (search.place - QUAD)[1::-1]
        bearings.append(np.arctan2(across, along))
        search.step(time, 0.2, False, QUAD)
    assert bearings[0] == pytest.approx(np.arctan2(late, 4.0), abs=0.1)  # where it was heading
    assert np.ptp(np.unwrap(bearings)) > np.radians(320)


def test_a_paused_search_leaves_no_direction_out():
    search, bearings = Search(track(), 0.0, QUAD), []
    for time in np.arange(0.2, 14.0, 0.2):
        paused = 3.0 < time < 6.0
        search.step(time, 0.2, False, QUAD, paused)
        if not paused:
            bearings.append(np.arctan2(*(search.place - QUAD)[1::-1]))
    steps = np.abs((np.diff(bearings) + np.pi) % (2 * np.pi) - np.pi)
    assert steps[:26].max() < np.radians(19)


def test_an_absurd_speed_is_not_believed():
    looked = places(track(velocity=(60.0, 0.0, 0.0)))
    assert np.abs(looked).max() < 40


def fly(lost: Track, target, quad: Quad):
    """Fly the simulator's quad where the search wants it; return when the camera has the target in view, in seconds.

    Not counted: while the quad still looks where it was heading. `target` returns its position (2,) by the seconds
    since the loss. Nothing is in the way.
    """
    search, seen = Search(lost, 0.0, quad.position), []
    for step in range(1, 90):
        if search.place is None:
            break
        behaviour = behaviours.Search(search.place, 0.0, None)
        for _ in range(4):
            behaviour.step(quad, Obstacles([]), 0.0, 0.0, 0.05)
        offset = np.array([*target(0.2 * step), 1.0]) - np.array(quad.position)
        aside = (math.atan2(offset[1], offset[0]) - quad.gimbal_yaw + math.pi) % math.tau - math.pi
        below = math.atan2(-offset[2], np.linalg.norm(offset[:2])) - quad.gimbal_pitch
        if max(abs(aside), abs(below)) < math.radians(25) and np.linalg.norm(offset) < 20:  # of 30 to each side
            seen += [0.2 * step] if step > 6 else []
        search.step(0.2 * step, 0.2, False, quad.position)
    return seen


@given(
    bearing=st.floats(-np.pi, np.pi),
    speed=st.floats(0, 3.0),
    turns=st.floats(-np.pi, np.pi),
    runs=st.floats(0, 2.5),
    for_seconds=st.floats(0, 5),
    behind=st.floats(2, 6),
)
@settings(max_examples=100, deadline=None, phases=[Phase.explicit, Phase.generate])
def test_wherever_it_has_gone_it_comes_into_view(bearing, speed, turns, runs, for_seconds, behind):
    """It turns as it is lost, runs anywhere, and stands there; the quad is behind it, or right above."""
    ahead = np.array([np.cos(bearing), np.sin(bearing)])
    quad = Quad(np.array([*(-behind * ahead), 4.0]), gimbal_yaw=bearing)
    away = runs * np.array([np.cos(bearing + turns), np.sin(bearing + turns)])
    lost = track(velocity=(*(speed * ahead), 0.0))
    seen = fly(lost, lambda seconds: away * min(seconds, for_seconds), quad)
    assert seen
    assert seen[0] < 14  # seconds
    assert len(seen) >= 3  # pictures


def test_a_quad_that_is_far_away_flies_there_first():
    looked = places(track(velocity=(1.0, 0.0, 0.0)), quad=np.array([-60.0, 0.0, 8.0]))
    assert np.linalg.norm(looked[:, :2], axis=1).max() < 10.1


def last_time_straight_on(looked):
    """Return until when the places lie on the x axis."""
    return 0.2 * next(index for index, place in enumerate(looked) if abs(place[1]) > 0.5)


def test_while_something_hides_where_it_was_heading_it_is_waited_for_there_but_not_for_ever():
    walking = track(velocity=(1.4, 0.0, 0.0))
    plain = last_time_straight_on(places(walking))
    behind_a_van = last_time_straight_on(places(walking, lambda time: 1.0 < time < 3.0))
    under_a_roof = places(walking, lambda time: True)
    assert behind_a_van == pytest.approx(plain + 2.0, abs=0.5)
    assert plain + 4.0 < last_time_straight_on(under_a_roof) < plain + 8.0
    bearings = np.arctan2(*(under_a_roof - QUAD)[:, 1::-1].T)
    assert np.ptp(bearings) > 5.0  # rad: it is looked for all around, too


def test_what_hides_the_places_all_around_does_not_hold_up_the_search():
    walking = track(velocity=(1.4, 0.0, 0.0))
    np.testing.assert_allclose(places(walking, lambda time: time > 6.0), places(walking))
