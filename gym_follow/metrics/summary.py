"""The table of the field's figures: those of one flight, and their means over many."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from gym_follow.log import Log
from gym_follow.metrics.active_tracking import fraction_in_view, tracking_episode
from gym_follow.metrics.episode import BAND, begin
from gym_follow.metrics.evt_bench import LIMIT, EvtEpisode, evt_episode
from gym_follow.metrics.following import ERROR_RANGE, measure
from gym_follow.metrics.identity import identity_counts
from gym_follow.metrics.intervals import Estimate, bootstrap, bootstrap_median, longest, wilson

Weighted = tuple[float, float]  # a value, and its weight in the mean over flights

OURS, EVT_BENCH, AD_VAT, DAT, MOT = "this project", "EVT-Bench", "AD-VAT", "DAT", "MOT"


def _figure(
    group: str,
    heading: str,
    scale: float = 1.0,
    digits: int = 1,
    estimate: Callable[[np.ndarray, np.ndarray], Estimate] = bootstrap,
) -> Any:
    """Return a field with its group and heading in the table, and how it is averaged and formatted."""
    return field(metadata={"group": group, "heading": heading, "scale": scale, "digits": digits, "estimate": estimate})


@dataclass(frozen=True)
class FlightFigures:
    """Figures of one flight, NaN where there is nothing to measure; the headings have the units."""

    found: float = _figure(OURS, "found, % of flights", 100, estimate=wilson)
    first_detection: float = _figure(OURS, "time to the first detection, s")
    in_view: float = _figure(OURS, "in view since then, %", 100)
    in_view_of_possible: float = _figure(OURS, "  of the time it can be seen, %", 100)
    wrong_target_time: float = _figure(OURS, "wrong target followed, s", digits=2)
    longest_wrong_target_time: float = _figure(OURS, "  longest interval, s", estimate=longest)
    reacquisition_time: float = _figure(OURS, "time to reacquire, s")
    position_error: float = _figure(
        OURS, f"position error within {ERROR_RANGE:g} m, median, m", digits=2, estimate=bootstrap_median
    )
    collisions: float = _figure(OURS, "contacts with scenery", digits=2)
    success: float = _figure(EVT_BENCH, f"success rate, {LIMIT:g} m, %", 100, estimate=wilson)
    tracking_rate: tuple[float, float] = _figure(EVT_BENCH, f"tracking rate, {LIMIT:g} m, %", 100)
    success_in_band: float = _figure(EVT_BENCH, f"success rate, {BAND:g} m, %", 100, estimate=wilson)
    tracking_rate_in_band: tuple[float, float] = _figure(EVT_BENCH, f"tracking rate, {BAND:g} m, %", 100)
    collision_rate: float = _figure(EVT_BENCH, f"collision rate, {BAND:g} m, %", 100, estimate=wilson)
    reward: float = _figure(AD_VAT, "accumulated reward", digits=0)
    length: float = _figure(AD_VAT, "episode length, steps", digits=0)
    tracked_to_the_end: float = _figure(AD_VAT, "success rate, %", 100, estimate=wilson)
    tsr: float = _figure(DAT, "tracking success rate, %", 100)
    idf1: tuple[float, float] = _figure(MOT, "IDF1 of the target, %", 100)


def flight_figures(log: Log) -> FlightFigures:
    """Return the figures of one flight."""
    ours, identity, tracking = measure(log), identity_counts(log), tracking_episode(log)
    near, band = evt_episode(log), evt_episode(log, BAND)
    return FlightFigures(
        found=begin(log) is not None,
        first_detection=ours.first_detection,
        in_view=ours.in_view,
        in_view_of_possible=ours.in_view_of_possible,
        wrong_target_time=ours.wrong_target_time,
        longest_wrong_target_time=ours.longest_wrong_target_time,
        reacquisition_time=ours.reacquisition_time,
        position_error=ours.position_error_median,
        collisions=ours.collisions,
        success=near.success,
        tracking_rate=_rate(near),
        success_in_band=band.success,
        tracking_rate_in_band=_rate(band),
        collision_rate=band.collision,
        reward=tracking.reward,
        length=tracking.length,
        tracked_to_the_end=tracking.success,
        tsr=fraction_in_view(log),
        idf1=(identity.idf1, identity.weight),
    )


def summarise(flights: Sequence[FlightFigures]) -> dict[str, Estimate]:
    """Return mean and confidence interval of each figure by its name."""
    return {
        figure.name: _estimate(figure.metadata, [getattr(each, figure.name) for each in flights])
        for figure in fields(FlightFigures)
    }


def rows(summary: Mapping[str, Estimate]) -> Iterator[tuple[str, str, str]]:
    """Return group, heading and formatted estimate of each figure."""
    for figure in fields(FlightFigures):
        estimate, how = summary[figure.name], figure.metadata
        value, low, high = (
            "-" if np.isnan(number) else f"{how['scale'] * number:.{how['digits']}f}"
            for number in (estimate.value, estimate.low, estimate.high)
        )
        yield how["group"], how["heading"], value if low == "-" else f"{value} [{low}, {high}]"


def _rate(episode: EvtEpisode) -> Weighted:
    return episode.followed_steps / episode.steps, episode.steps


def _estimate(how: Mapping[str, Any], values: Sequence[float | Weighted]) -> Estimate:
    pairs = [value if isinstance(value, tuple) else (value, 1.0) for value in values]
    numbers, weights = np.array(pairs, float).reshape(-1, 2).T
    estimate: Estimate = how["estimate"](numbers, weights)
    return estimate
