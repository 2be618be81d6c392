"""Where a target that went out of sight is looked for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from follower.filter import Track
from follower.search import place_to_look_at

LONGEST = 30.0  # seconds


def track(point=(0.0, 0.0, 1.0), velocity=(0.0, 0.0, 0.0)):
    return Track(100.0, np.array([*point, *velocity]), np.eye(6))


def places(lost: Track):
    """Return the places at 5 frames a second, until the search is over."""
    found = [place_to_look_at(lost, step * 0.2) for step in range(round(LONGEST / 0.2))]
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
