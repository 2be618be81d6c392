"""The figures of a flight against ones counted by hand."""

import numpy as np
import pytest

from scripts.benchmarks.follow_metrics import Moment, measure, overall


def moment(time, **changes):
    """A good moment: the hero is seen, followed and reported 0.5 m off, 4 m away."""
    values = {
        "time": time,
        "following": True,
        "hero_visible": True,
        "hero": (10.0, 0.0, 1.0),
        "distance": 4.0,
        "reported": (10.5, 0.0, 1.0),
        "believed": (10.5, 0.0, 1.0),
        "nearest_is_hero": True,
        "said_lost": False,
        "collisions": 0,
    }
    return Moment(**(values | changes))


def searching(time, **changes):
    nothing = {"following": False, "hero_visible": False, "distance": 30.0, "reported": None, "believed": None}
    return moment(time, **(nothing | {"nearest_is_hero": False} | changes))


def test_a_flight_counted_by_hand():
    flight = [
        searching(0.0),
        searching(0.2),
        moment(0.4, distance=12.0),  # first detection, too far to count as following
        moment(0.6),
        moment(0.8),
        searching(1.0, said_lost=True, distance=9.0),
        searching(1.2, distance=9.0),
        moment(1.4, reported=(10.0, 1.0, 1.0), believed=(10.0, 1.0, 1.0)),
        moment(1.6),
        moment(1.8, collisions=1),
    ]
    result = measure(flight)
    assert result.first_detection == pytest.approx(0.4)
    assert result.in_view == pytest.approx(6 / 8)
    assert result.within == pytest.approx(5 / 8)
    assert result.losses == 1
    assert result.reacquired_after == pytest.approx(0.4)
    assert result.wrong_seconds == 0
    assert result.error_median == pytest.approx(0.5)
    assert result.error_median_by_range[0] == pytest.approx(0.5)
    assert result.error_median_by_range[2] == pytest.approx(0.5)
    assert np.isnan(result.error_median_by_range[1])
    assert result.collisions == 1


def test_errors_have_a_median_and_a_p95_for_each_range():
    errors = np.arange(101) / 100  # the median is 0.5 and the 95th percentile 0.95
    near = [moment(0.2 * k, distance=4.0, reported=(10 + error, 0.0, 1.0)) for k, error in enumerate(errors)]
    far = [moment(30 + 0.2 * k, distance=30.0, reported=(10 + 3 * error, 0.0, 1.0)) for k, error in enumerate(errors)]
    result = measure([*near, *far])
    assert result.error_median_by_range == pytest.approx((0.5, np.nan, np.nan, 1.5, np.nan), nan_ok=True)
    assert result.error_p95_by_range == pytest.approx((0.95, np.nan, np.nan, 2.85, np.nan), nan_ok=True)


def test_following_somebody_else_is_timed():
    wrong = {"reported": (20.0, 0.0, 1.0), "believed": (20.0, 0.0, 1.0), "nearest_is_hero": False}
    times = np.arange(8) * 0.2
    flight = [moment(t, **(wrong if index in (2, 3, 4, 6) else {})) for index, t in enumerate(times)]
    result = measure(flight)
    assert result.wrong_seconds == pytest.approx(0.8)
    assert result.longest_wrong == pytest.approx(0.6)


def test_a_point_beside_the_hero_with_a_stranger_nearer_is_not_wrong():
    close = moment(0.0, believed=(11.0, 0.0, 1.0), nearest_is_hero=False)
    assert measure([close, moment(0.2)]).wrong_seconds == 0


def test_a_hero_that_is_never_reported_gives_no_numbers_instead_of_good_ones():
    result = measure([searching(0.0), searching(0.2)])
    assert np.isnan([result.first_detection, result.in_view, result.within, result.error_median]).all()


def test_over_flights_means_leave_out_what_is_missing_and_the_worst_stretch_stays():
    never = measure([searching(0.0), searching(0.2)])
    wrong = {"reported": (20.0, 0.0, 1.0), "believed": (20.0, 0.0, 1.0), "nearest_is_hero": False}
    good = measure([moment(0.0), moment(0.2, **wrong), moment(0.4)])
    result = overall([never, good])
    assert result.in_view == 1.0
    assert result.longest_wrong == pytest.approx(0.2)
    assert result.wrong_seconds == pytest.approx(0.1)
