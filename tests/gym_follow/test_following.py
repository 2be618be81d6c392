"""This project's figures of a flight against ones counted by hand."""

import numpy as np
import pytest

from gym_follow.log import MASK_FAR
from gym_follow.metrics.following import measure, overall
from simulator.rendering import renderer
from tests.gym_follow.moments import WRONG, moment, searching


def test_a_flight_counted_by_hand():
    flight = [
        searching(0.0),
        searching(0.2),
        moment(0.4, distance=12.0),  # first detection, too far to count as following
        moment(0.6),
        moment(0.8),
        searching(1.0, reported_lost=True, distance=9.0),
        searching(1.2, distance=9.0),
        moment(1.4, error=1.0),
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


def test_what_was_never_reported_cannot_be_lost():
    result = measure([searching(0.0, reported_lost=True), searching(0.2), moment(0.4)])
    assert result.losses == 0
    assert np.isnan(result.reacquisition_time)


def test_a_target_that_was_not_followed_before_a_loss_is_not_reacquired():
    somebody_else = [moment(0.0, **WRONG), searching(0.2, reported_lost=True), moment(0.4)]
    assert measure(somebody_else).losses == 1
    assert np.isnan(measure(somebody_else).reacquisition_time)
    result = measure([*somebody_else, searching(0.6, reported_lost=True), searching(0.8), moment(1.0)])
    assert result.losses == 2
    assert result.reacquisition_time == pytest.approx(0.4)


def test_a_target_in_view_without_a_report_is_counted():
    flight = [moment(0.0), moment(0.2, reported=None), searching(0.4), moment(0.6), moment(0.8, reported=None)]
    assert measure(flight).reported_in_view == pytest.approx(2 / 4)


def test_a_target_that_nothing_could_see_is_not_missing():
    flight = [moment(0.0), searching(0.2), searching(0.4), searching(0.6, line_of_sight=True), moment(0.8)]
    assert measure(flight).in_view == pytest.approx(2 / 5)
    assert measure(flight).in_view_of_possible == pytest.approx(2 / 3)


def test_a_target_beyond_the_range_of_masks_is_not_missing():
    flight = [moment(0.0), searching(0.2, distance=51.0, line_of_sight=True), moment(0.4)]
    assert measure(flight).in_view_of_possible == 1
    assert MASK_FAR == renderer.MASK_FAR


def test_a_late_report_is_compared_with_where_the_target_was_when_it_came():
    late = moment(0.0, reported=(10.3, 0.0, 1.0), target_when_reported=(10.4, 0.0, 1.0))
    assert measure([late]).position_error_median == pytest.approx(0.1)


def test_errors_have_a_median_and_a_p95_for_each_range():
    errors = np.arange(101) / 100  # the median is 0.5 and the 95th percentile 0.95
    near = [moment(0.2 * k, distance=4.0, error=error) for k, error in enumerate(errors)]
    far = [moment(30 + 0.2 * k, distance=30.0, error=3 * error) for k, error in enumerate(errors)]
    result = measure([*near, *far])
    assert result.position_error_median_by_range == pytest.approx((0.5, np.nan, np.nan, 1.5, np.nan), nan_ok=True)
    assert result.position_error_p95_by_range == pytest.approx((0.95, np.nan, np.nan, 2.85, np.nan), nan_ok=True)


def test_wrong_target_time():
    times = np.arange(8) * 0.2
    flight = [moment(t, **(WRONG if index in (2, 3, 4, 6) else {})) for index, t in enumerate(times)]
    result = measure(flight)
    assert result.wrong_target_time == pytest.approx(0.8)
    assert result.longest_wrong_target_time == pytest.approx(0.6)


def test_wrong_target_time_where_frames_are_whole_ticks_apart():
    """At a speed of 1.1, 0.22 s apart, in ticks of 0.05 s: the first interval is 0.2 s, others 0.25 s."""
    times = [0.05 * int(0.22 * index / 0.05 + 1e-9) for index in range(101)]
    result = measure([moment(t, **(WRONG if 10 <= index < 60 else {})) for index, t in enumerate(times)])
    assert result.wrong_target_time == pytest.approx(50 * 0.22)
    assert result.longest_wrong_target_time == pytest.approx(50 * 0.22)


def test_a_position_near_the_target_is_not_wrong_even_if_another_person_is_nearer():
    close = moment(0.0, followed=(11.0, 0.0, 1.0), nearest_is_target=False)
    assert measure([close, moment(0.2)]).wrong_target_time == 0


def test_a_target_that_is_never_reported_gives_no_figures_instead_of_good_ones():
    result = measure([searching(0.0), searching(0.2)])
    assert np.isnan([result.first_detection, result.in_view, result.in_range, result.position_error_median]).all()


def test_means_over_flights_leave_out_missing_figures_and_keep_the_longest_interval():
    never = measure([searching(0.0), searching(0.2)])
    good = measure([moment(0.0), moment(0.2, **WRONG), moment(0.4)])
    result = overall([never, good])
    assert result.in_view == 1.0
    assert result.longest_wrong_target_time == pytest.approx(0.2)
    assert result.wrong_target_time == pytest.approx(0.1)
