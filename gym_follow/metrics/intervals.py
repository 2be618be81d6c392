"""Means over flights, and their confidence intervals."""

import math
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 2000
Z = 1.959964  # quantile of the normal distribution for CONFIDENCE


@dataclass(frozen=True)
class Estimate:
    """A weighted mean over flights and the ends of its confidence interval; NaN where there is nothing to measure."""

    value: float
    low: float
    high: float


NOTHING = Estimate(math.nan, math.nan, math.nan)


def bootstrap(values: np.ndarray, weights: np.ndarray) -> Estimate:
    """Return the weighted mean of a figure of each flight, (n,), with a percentile bootstrap over the flights.

    Values that are NaN do not count. One value has no interval. The same flights give the same interval.
    """
    known = ~np.isnan(values) & (weights > 0)
    values, weights = values[known], weights[known].astype(float)
    if not len(values):
        return NOTHING
    mean = float(np.average(values, weights=weights))
    if len(values) == 1:
        return Estimate(mean, math.nan, math.nan)
    drawn = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    return _estimate(mean, (values * weights)[drawn].sum(axis=1) / weights[drawn].sum(axis=1))


def bootstrap_median(values: np.ndarray, weights: np.ndarray) -> Estimate:
    """Return the median of a figure of each flight, (n,), like `bootstrap`; a few bad flights do not move it."""
    known = values[~np.isnan(values)]
    if not len(known):
        return NOTHING
    if len(known) == 1:
        return Estimate(float(known[0]), math.nan, math.nan)
    drawn = np.random.default_rng(0).integers(len(known), size=(RESAMPLES, len(known)))
    return _estimate(float(np.median(known)), np.median(known[drawn], axis=1))


def wilson(outcomes: np.ndarray, weights: np.ndarray) -> Estimate:
    """Return the fraction of flights, (n,) of 0 or 1 and of equal weights, with Wilson's interval.

    A bootstrap of equal outcomes would have no width, however few the flights.
    """
    count = len(outcomes)
    if not count:
        return NOTHING
    fraction = float(outcomes.mean())
    middle = (fraction + Z**2 / (2 * count)) / (1 + Z**2 / count)
    half = Z / (1 + Z**2 / count) * math.sqrt(fraction * (1 - fraction) / count + Z**2 / (4 * count**2))
    return Estimate(fraction, max(middle - half, 0.0), min(middle + half, 1.0))


def longest(values: np.ndarray, weights: np.ndarray) -> Estimate:
    """Return the largest value, without an interval; weights do not count."""
    known = values[~np.isnan(values)]
    return Estimate(float(known.max()), math.nan, math.nan) if len(known) else NOTHING


def _estimate(value: float, resampled: np.ndarray) -> Estimate:
    low, high = np.quantile(resampled, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Estimate(value, float(low), float(high))
