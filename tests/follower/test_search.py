"""Where a target that went out of sight is looked for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from follower.search import Search
from follower.tracking.kalman_filter import Track

LONGEST = 30.0  # seconds


def track(point=(0.0, 0.0, 1.0), velocity=(0.0, 0.0, 0.0)):
    return Track(100.0, np.array([*point, *velocity]), np.eye(6))


def places(lost: Track, hidden=lambda time: False):
    """Return the places at 5 frames a second, until the search is over; `hidden` says at which times they are."""
    search = Search(lost, lost.time)
    found = [search.place]
    for time in np.arange(0.2, LONGEST, 0.2):
        search.step(lost.time + time, 0.2, hidden(time))
        found.append(search.place)
    count = next(index for index, place in enumerate(found) if place is None)
    assert all(place is None for place in found[count:])
    return np.array(found[:count])


@given(
    point=st.tuples(*[st.floats(-500, 500)] * 3),
    speed=st.floats(0, 1.8),
    heading=st.floats(-np.pi, np.pi),
)
def test_first_where_it_was_heading_and_all_around_well_before_the_end(point, speed, heading):
    velocity = speed * np.array([np.cos(heading), np.sin(heading), 0.0])
    looked = places(track(point, velocity))
    assert looked[:, 2] == pytest.approx(np.full(len(looked), point[2]))
    for step in range(15):
        np.testing.assert_allclose(looked[step], point + velocity * step * 0.2, atol=1e-6)
    before_the_last_third = (looked - point)[: 2 * len(looked) // 3, :2]
    bearings, distances = np.arctan2(*before_the_last_third.T[::-1]), np.linalg.norm(before_the_last_third, axis=1)
    for angle in np.arange(0, 2 * np.pi, 0.3):
        aside = np.abs((bearings - angle + np.pi) % (2 * np.pi) - np.pi)
        towards = aside < np.radians(20)  # the camera sees 30 degrees
        assert distances[towards].max() > 4.0
    assert distances.max() < 10.1  # farther away, the quad would leave what is between
    assert np.linalg.norm(np.diff(looked, axis=0), axis=1).max() < 3.0  # metres a frame: the quad can follow


def test_an_absurd_speed_is_not_believed():
    looked = places(track(velocity=(60.0, 0.0, 0.0)))
    assert np.abs(looked).max() < 40


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
    bearings = np.arctan2(*under_a_roof[:, 1::-1].T)
    assert np.ptp(bearings) > 5.0  # rad: it is looked for all around, too


def test_what_hides_the_places_all_around_does_not_hold_up_the_search():
    walking = track(velocity=(1.4, 0.0, 0.0))
    np.testing.assert_allclose(places(walking, lambda time: time > 6.0), places(walking))


@pytest.mark.parametrize("clock", [lambda time: 0.0, lambda time: -time, lambda time: time if time < 10 else time - 50])
def test_a_clock_that_stands_still_or_runs_back_does_not_prolong_the_search(clock):
    search = Search(track(velocity=(1.4, 0.0, 0.0)), 100.0)
    steps = 0
    while search.place is not None and steps < 200:
        steps += 1
        search.step(100.0 + clock(0.2 * steps), 0.2, hidden=False)
    assert steps == pytest.approx(90, abs=1)
