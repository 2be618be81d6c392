"""The figures of a flight against ones counted by hand."""

import numpy as np
import pytest

from scripts.benchmarks.follow_metrics import Moment, measure, overall


def moment(time, **changes):
    """Return a good moment: the target is in view, followed and reported 0.5 m off, 4 m away."""
    values = {
        "time": time,
        "following": True,
        "target_visible": True,
        "target": (10.0, 0.0, 1.0),
        "distance": 4.0,
        "reported": (10.5, 0.0, 1.0),
        "followed": (10.5, 0.0, 1.0),
        "nearest_is_target": True,
        "reported_lost": False,
        "collisions": 0,
    }
    return Moment(**(values | changes))


def searching(time, **changes):
    nothing = {"following": False, "target_visible": False, "distance": 30.0, "reported": None, "followed": None}
    return moment(time, **(nothing | {"nearest_is_target": False} | changes))


def test_a_flight_counted_by_hand():
    flight = [
        searching(0.0),
        searching(0.2),
        moment(0.4, distance=12.0),  # first detection, too far to count as following
        moment(0.6),
        moment(0.8),
        searching(1.0, reported_lost=True, distance=9.0),
        searching(1.2, distance=9.0),
        moment(1.4, reported=(10.0, 1.0, 1.0), followed=(10.0, 1.0, 1.0)),
        moment(1.6),
        moment(1.8, collisions=1),
    ]
    result = measure(flight)
    assert result.first_detection == pytest.approx(0.4)
    assert result.in_view == pytest.approx(6 / 8)
    assert result.in_range == pytest.approx(5 / 8)
    assert result.reported_in_view == pytest.approx(1.0)
    assert result.losses == 1
    assert result.reacquisition_time == pytest.approx(0.4)
    assert result.wrong_target_time == 0
    assert result.position_error_median == pytest.approx(0.5)
    assert result.position_error_median_by_range[0] == pytest.approx(0.5)
    assert result.position_error_median_by_range[2] == pytest.approx(0.5)
    assert np.isnan(result.position_error_median_by_range[1])
    assert result.collisions == 1


def test_a_target_in_view_without_a_report_is_counted():
    flight = [moment(0.0), moment(0.2, reported=None), searching(0.4), moment(0.6), moment(0.8, reported=None)]
    assert measure(flight).reported_in_view == pytest.approx(2 / 4)


def test_errors_have_a_median_and_a_p95_for_each_range():
    errors = np.arange(101) / 100  # the median is 0.5 and the 95th percentile 0.95
    near = [moment(0.2 * k, distance=4.0, reported=(10 + error, 0.0, 1.0)) for k, error in enumerate(errors)]
    far = [moment(30 + 0.2 * k, distance=30.0, reported=(10 + 3 * error, 0.0, 1.0)) for k, error in enumerate(errors)]
    result = measure([*near, *far])
    assert result.position_error_median_by_range == pytest.approx((0.5, np.nan, np.nan, 1.5, np.nan), nan_ok=True)
    assert result.position_error_p95_by_range == pytest.approx((0.95, np.nan, np.nan, 2.85, np.nan), nan_ok=True)


def test_wrong_target_time():
    wrong = {"reported": (20.0, 0.0, 1.0), "followed": (20.0, 0.0, 1.0), "nearest_is_target": False}
    times = np.arange(8) * 0.2
    flight = [moment(t, **(wrong if index in (2, 3, 4, 6) else {})) for index, t in enumerate(times)]
    result = measure(flight)
    assert result.wrong_target_time == pytest.approx(0.8)
    assert result.longest_wrong_target_time == pytest.approx(0.6)


def test_a_position_near_the_target_is_not_wrong_even_if_another_person_is_nearer():
    close = moment(0.0, followed=(11.0, 0.0, 1.0), nearest_is_target=False)
    assert measure([close, moment(0.2)]).wrong_target_time == 0


def test_a_target_that_is_never_reported_gives_no_figures_instead_of_good_ones():
    result = measure([searching(0.0), searching(0.2)])
    assert np.isnan([result.first_detection, result.in_view, result.in_range, result.position_error_median]).all()


def test_means_over_flights_leave_out_missing_figures_and_keep_the_longest_interval():
    never = measure([searching(0.0), searching(0.2)])
    wrong = {"reported": (20.0, 0.0, 1.0), "followed": (20.0, 0.0, 1.0), "nearest_is_target": False}
    good = measure([moment(0.0), moment(0.2, **wrong), moment(0.4)])
    result = overall([never, good])
    assert result.in_view == 1.0
    assert result.longest_wrong_target_time == pytest.approx(0.2)
    assert result.wrong_target_time == pytest.approx(0.1)
