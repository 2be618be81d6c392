"""How well a flight followed: figures from a log of moments, each with the truth and with what the agent said."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NEAR, FAR = 1.0, 8.0  # metres: closer is too close, farther is not following
ON_TARGET = 2.0  # metres between a reported point and the hero that count as her
RANGES = ((0, 5), (5, 10), (10, 20), (20, 50), (50, 100))  # metres from the camera to the hero


@dataclass(frozen=True)
class Moment:
    """One frame of a flight: the truth, and what was reported in it. Positions in metres, world axes."""

    time: float  # seconds
    following: bool  # what the quad does
    hero_visible: bool
    hero: tuple[float, float, float]  # her centre
    distance: float  # from the quad to the hero's centre, metres
    reported: tuple[float, float, float] | None  # sent in this frame
    believed: tuple[float, float, float] | None  # what the quad follows
    nearest_is_hero: bool  # of all people, the one nearest to `believed`
    said_lost: bool
    collisions: int


@dataclass(frozen=True)
class FollowResult:
    """Figures of one flight or of several; NaN where there is nothing to measure."""

    first_detection: float  # seconds until a reported point was the hero's
    in_view: float  # share of the time since then in which the hero is in the picture
    within: float  # share of the time since then at NEAR .. FAR metres
    losses: float  # times `object_lost` was said
    reacquired_after: float  # mean seconds from there to the next report of the hero
    wrong_seconds: float  # time in which somebody else was followed
    longest_wrong: float  # the longest stretch of it
    error_median: float  # metres between a reported point and the hero's centre, the hero within 20 m
    error_p95: float
    error_median_by_range: tuple[float, ...]  # for each of RANGES
    error_p95_by_range: tuple[float, ...]
    collisions: float


def measure(moments: Sequence[Moment]) -> FollowResult:
    """The figures of one flight."""
    if not moments:
        raise ValueError("expected at least one moment, got none")
    step = moments[1].time - moments[0].time if len(moments) > 1 else 0.0
    errors = np.array([_distance(m.reported, m.hero) if m.reported else np.nan for m in moments])
    ranges = np.array([m.distance for m in moments])
    times = np.array([m.time for m in moments])
    hits = errors < ON_TARGET
    acquired = int(np.argmax(hits)) if hits.any() else None
    since = moments[acquired:] if acquired is not None else []
    wrong = [m.following and not m.nearest_is_hero and _distance(m.believed, m.hero) > ON_TARGET for m in moments]
    losses = [m.time for m in moments if m.said_lost]
    back = [times[(times > lost) & hits] for lost in losses]
    near = errors[(ranges < 20) & ~np.isnan(errors)]
    by_range = [errors[(ranges >= low) & (ranges < high) & ~np.isnan(errors)] for low, high in RANGES]
    return FollowResult(
        first_detection=moments[acquired].time - moments[0].time if since else float("nan"),
        in_view=_mean([m.hero_visible for m in since]),
        within=_mean([NEAR <= m.distance <= FAR for m in since]),
        losses=len(losses),
        reacquired_after=_mean([found[0] - lost for found, lost in zip(back, losses, strict=True) if found.size]),
        wrong_seconds=step * sum(wrong),
        longest_wrong=step * _longest_run(wrong),
        error_median=_quantile(near, 0.5),
        error_p95=_quantile(near, 0.95),
        error_median_by_range=tuple(_quantile(each, 0.5) for each in by_range),
        error_p95_by_range=tuple(_quantile(each, 0.95) for each in by_range),
        collisions=moments[-1].collisions,
    )


def overall(results: Sequence[FollowResult]) -> FollowResult:
    """Means over flights; for the longest wrong stretch the longest of all."""
    means = {}
    for name in FollowResult.__dataclass_fields__:
        values = np.array([getattr(result, name) for result in results], float)
        counted = ~np.isnan(values)
        mean = np.where(
            counted.any(axis=0),
            np.where(counted, values, 0).sum(axis=0) / np.maximum(counted.sum(axis=0), 1),
            np.nan,
        )
        means[name] = tuple(mean.tolist()) if mean.ndim else float(mean)
    means["longest_wrong"] = max(result.longest_wrong for result in results)
    return FollowResult(**means)


def _distance(a: Sequence[float], b: Sequence[float]) -> float:
    return float(np.linalg.norm(np.subtract(a, b)))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _quantile(values: np.ndarray, share: float) -> float:
    return float(np.quantile(values, share)) if values.size else float("nan")


def _longest_run(flags: Sequence[bool]) -> int:
    longest = run = 0
    for flag in flags:
        run = run + 1 if flag else 0
        longest = max(longest, run)
    return longest
