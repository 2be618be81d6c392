"""This project's own figures of a flight: what was in view, reported and followed, how exactly, and for how long."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from itertools import groupby
from typing import Any

import numpy as np

from gym_follow.log import Log, Moment, distance

NEAR, FAR = 1.0, 8.0  # metres: closer is too close, farther is not following
ON_TARGET = 2.0  # metres
ERROR_RANGE = 20.0  # metres from the camera, for the overall position error
RANGES = ((0, 5), (5, 10), (10, 20), (20, 50), (50, 100))  # metres from the camera to the target


def _figure(heading: str, digits: int = 1, scale: float = 1.0) -> Any:
    """Return a field with its heading in tables ({} is a range), and the format of its values."""
    return field(metadata={"heading": heading, "digits": digits, "scale": scale})


@dataclass(frozen=True)
class FollowResult:
    """Figures of one flight, or means over several; NaN where there is nothing to measure.

    Times in seconds, distances in metres. A true positive is a reported position at most ON_TARGET from the target's
    centre; the position error is the distance between the two. Tuples have an element for each of RANGES.
    """

    first_detection: float = _figure("time to the first detection, s")
    in_view: float = _figure("in view since then, %", scale=100)
    in_view_of_possible: float = _figure("  of the time it can be seen, %", scale=100)
    in_range: float = _figure(f"at {NEAR:g}-{FAR:g} m since then, %", scale=100)
    reported_in_view: float = _figure("position reported while in view, %", scale=100)
    losses: float = _figure("times reported lost")
    reacquisition_time: float = _figure("time to reacquire, s")
    wrong_target_time: float = _figure("wrong target followed, s")
    longest_wrong_target_time: float = _figure("  longest interval, s")
    position_error_median: float = _figure(f"position error within {ERROR_RANGE:g} m, median, m", 2)
    position_error_p95: float = _figure(f"position error within {ERROR_RANGE:g} m, p95, m", 2)
    position_error_median_by_range: tuple[float, ...] = _figure("  median at {} m, m", 2)
    position_error_p95_by_range: tuple[float, ...] = _figure("  p95 at {} m, m", 2)
    collisions: float = _figure("contacts with scenery")

    def rows(self) -> Iterator[tuple[str, str]]:
        """Return the heading and the formatted value of each figure."""
        for figure in fields(self):
            values, heading = getattr(self, figure.name), figure.metadata["heading"]
            headings = [heading.format(f"{low}-{high}") for low, high in RANGES] if "{}" in heading else [heading]
            for name, value in zip(headings, values if isinstance(values, tuple) else [values], strict=True):
                scaled = figure.metadata["scale"] * value
                yield name, "-" if np.isnan(value) else f"{scaled:.{figure.metadata['digits']}f}"


def measure(moments: Log) -> FollowResult:
    """Return the figures of one flight."""
    step = time_step(moments)
    errors = np.array([m.position_error for m in moments])
    distances = np.array([m.distance for m in moments])
    times = np.array([m.time for m in moments])
    true_positive = errors < ON_TARGET
    since = moments[first_detection(moments) :]
    wrong = [follows_wrong_target(m) for m in moments]
    lost = _losses(since)
    reacquired = [times[(times > time) & true_positive] for time in lost]
    is_reported = ~np.isnan(errors)
    near = errors[(distances < ERROR_RANGE) & is_reported]
    by_range = [errors[(distances >= low) & (distances < high) & is_reported] for low, high in RANGES]
    return FollowResult(
        first_detection=since[0].time - moments[0].time if since else float("nan"),
        in_view=_mean([m.target_visible for m in since]),
        in_view_of_possible=_mean([m.target_visible for m in since if m.can_be_seen]),
        in_range=_mean([NEAR <= m.distance <= FAR for m in since]),
        reported_in_view=_mean([m.reported is not None for m in since if m.target_visible]),
        losses=len(_losses(moments)),
        reacquisition_time=_mean([found[0] - time for found, time in zip(reacquired, lost, strict=True) if found.size]),
        wrong_target_time=step * sum(wrong),
        longest_wrong_target_time=step * max((len(list(run)) for flag, run in groupby(wrong) if flag), default=0),
        position_error_median=_quantile(near, 0.5),
        position_error_p95=_quantile(near, 0.95),
        position_error_median_by_range=tuple(_quantile(each, 0.5) for each in by_range),
        position_error_p95_by_range=tuple(_quantile(each, 0.95) for each in by_range),
        collisions=moments[-1].collisions,
    )


def first_detection(moments: Log) -> int:
    """Return the index of the first true positive, the number of moments if there is none."""
    return next((index for index, moment in enumerate(moments) if moment.position_error < ON_TARGET), len(moments))


def follows_wrong_target(moment: Moment) -> bool:
    """Return whether the quad follows a position more than ON_TARGET from the target, with another person nearest."""
    off_target = distance(moment.followed, moment.target) > ON_TARGET
    return moment.following and not moment.nearest_is_target and off_target


def time_step(moments: Log) -> float:
    """Return the mean seconds between moments; times are whole ticks of the simulator, so that intervals may differ.

    Raises ValueError without any moment.
    """
    if not moments:
        raise ValueError("expected at least one moment, got none")
    return (moments[-1].time - moments[0].time) / max(len(moments) - 1, 1)


def overall(results: Sequence[FollowResult]) -> FollowResult:
    """Return means over flights, without the missing ones; of the longest intervals, the longest."""
    means = {figure.name: _mean_of([getattr(each, figure.name) for each in results]) for figure in fields(FollowResult)}
    means["longest_wrong_target_time"] = max(result.longest_wrong_target_time for result in results)
    return FollowResult(**means)


def _mean_of(values: Sequence[float] | Sequence[tuple[float, ...]]) -> Any:
    """Return the mean of numbers, or of the elements of tuples; NaN counts as missing."""
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # all are missing
        mean = np.nanmean(np.array(values, float), axis=0)
    return tuple(mean.tolist()) if mean.ndim else float(mean)


def _losses(moments: Log) -> list[float]:
    """Return when a target reported before was reported lost; not how often the quad was told where to look for it."""
    lost, searching = [], True
    for moment in moments:
        if moment.reported_lost and not searching:
            lost.append(moment.time)
        searching = moment.reported_lost or (searching and moment.reported is None)
    return lost


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _quantile(values: np.ndarray, fraction: float) -> float:
    return float(np.quantile(values, fraction)) if values.size else float("nan")
