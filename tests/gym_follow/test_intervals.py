"""Confidence intervals against known ones."""

import numpy as np
import pytest

from gym_follow.metrics.intervals import bootstrap, bootstrap_median, longest, wilson


def test_wilson_of_known_counts():
    """The values are those of the published formula, for 95 %."""
    ones = wilson(np.ones(100), np.ones(100))
    assert (ones.value, ones.low, ones.high) == pytest.approx((1.0, 0.9630, 1.0), abs=1e-4)
    some = wilson(np.arange(20) < 3, np.ones(20))
    assert (some.value, some.low, some.high) == pytest.approx((0.15, 0.0524, 0.3604), abs=1e-4)


def test_a_bootstrap_is_as_wide_as_the_error_of_the_mean():
    values = np.random.default_rng(1).normal(10.0, 3.0, 400)
    estimate = bootstrap(values, np.ones(400))
    half = 1.96 * values.std() / 20
    assert (estimate.low, estimate.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.05)


def test_weights_and_missing_values():
    estimate = bootstrap(np.array([1.0, 0.0, np.nan]), np.array([3.0, 1.0, 5.0]))
    assert estimate.value == pytest.approx(0.75)
    assert (estimate.low, estimate.high) == (0.0, 1.0)


def test_one_flight_has_no_interval_and_none_has_no_mean():
    one = bootstrap(np.array([5.0]), np.ones(1))
    assert one.value == 5.0
    assert np.isnan([one.low, one.high]).all()
    nothing = bootstrap(np.array([np.nan]), np.ones(1))
    assert np.isnan([nothing.value, nothing.low, nothing.high]).all()
    assert longest(np.array([1.0, np.nan, 4.0]), np.ones(3)).value == 4.0


def test_the_same_flights_give_the_same_interval():
    values = np.arange(30.0)
    assert bootstrap(values, np.ones(30)) == bootstrap(values, np.ones(30))


def test_a_median_ignores_outliers_and_missing_values():
    estimate = bootstrap_median(np.array([0.1] * 50 + [np.nan, 90.0]), np.ones(52))
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((0.1, 0.1, 0.1))
    assert bootstrap_median(np.array([2.0, np.nan]), np.ones(2)).value == 2.0
    assert np.isnan(bootstrap_median(np.array([np.nan]), np.ones(1)).value)


def test_the_interval_of_a_median_is_as_wide_as_its_error():
    values = np.random.default_rng(1).normal(10.0, 3.0, 900)
    estimate = bootstrap_median(values, np.ones(900))
    assert estimate.high - estimate.low == pytest.approx(2 * 1.96 * 1.2533 * values.std() / 30, rel=0.35)
