"""Figures by person, run, target size or light, with confidence intervals; and recall against false positives.

A person is who recorded the frames: the folder below the data that they lie in. Intervals are of 95 %, by a bootstrap
over runs (Efron and Tibshirani 1993): frames of one run resemble each other, and single frames would make the intervals
too narrow.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from dataset.pairs import recorded_by
from dataset.schema import SIZE_BANDS, Interval
from model.evaluation.results import BRIGHTNESS_BANDS, FrameResult

By = Literal["person", "run", "size", "light"]
CHOICES: tuple[By, ...] = get_args(By)
COMPARED_BAND = SIZE_BANDS[1]  # the band by which models are compared: far, but not hopeless
RESAMPLES = 1000
PER_NEGATIVES = 1000  # false positives are counted per so many negative frames
OPERATING_POINTS = (10, 30)  # false positives per PER_NEGATIVES


@dataclass(frozen=True)
class Estimate:
    """A figure with its confidence interval; without frames None, with one run only no interval."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class GroupFigures:
    """Figures of one group of frames."""

    frames: int
    targets: int
    negatives: int
    recall: Estimate  # fractions of the frames with a target
    hero_iou: Estimate
    false_positives: Estimate  # per PER_NEGATIVES negative frames


@dataclass(frozen=True)
class OperatingPoint:
    """What a model does at the threshold that gives so many false positives."""

    false_positives: int  # at most, per PER_NEGATIVES negative frames
    threshold: float | None  # of the hero's probability; None if every threshold gives more
    recall: float  # of targets of the band COMPARED_BAND
    hero_iou: float  # of the same targets; of the usual mask, and 0 for those that are not detected at the threshold


def groups(results: Sequence[FrameResult], by: By, source: Path) -> dict[str, list[FrameResult]]:
    """Return the frames of each group, by name; those without a target are in no group of size or light."""
    if by in ("person", "run"):
        names = recorded_by([each.pair for each in results], source) if by == "person" else None
        found = defaultdict[str, list[FrameResult]](list)
        for index, each in enumerate(results):
            found[names[index] if names else each.pair.recording].append(each)
        return dict(sorted(found.items()))
    targets = [each for each in results if each.has_target]
    bands: tuple[Interval, ...] = SIZE_BANDS if by == "size" else BRIGHTNESS_BANDS
    values = [each.hero_pixels if by == "size" else each.brightness for each in targets]
    named = {
        band.name: [each for each, value in zip(targets, values, strict=True) if band.contains(value)] for band in bands
    }
    return {name: group for name, group in named.items() if group}


def figures(results: Sequence[FrameResult], seed: int = 0) -> GroupFigures:
    """Return the figures of a group, which has at least one frame."""
    targets = [each for each in results if each.has_target]
    negatives = [each for each in results if not each.has_target]
    return GroupFigures(
        frames=len(results),
        targets=len(targets),
        negatives=len(negatives),
        recall=_mean(targets, lambda each: each.score.detected, seed),
        hero_iou=_mean(targets, lambda each: each.hero_iou, seed),
        false_positives=_mean(negatives, lambda each: PER_NEGATIVES * each.score.detected, seed),
    )


def curve(results: Iterable[FrameResult]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return thresholds, falling, and at each the false positives per PER_NEGATIVES and the recall in COMPARED_BAND."""
    results = list(results)
    far = np.array([each.confidence for each in results if _is_compared(each)])
    negative = np.array([each.confidence for each in results if not each.has_target])
    thresholds = np.unique(np.concatenate([far, negative]))[::-1]
    return thresholds, PER_NEGATIVES * _fraction_above(negative, thresholds), _fraction_above(far, thresholds)


def operating_points(results: Iterable[FrameResult]) -> list[OperatingPoint]:
    """Return what the model does at each of OPERATING_POINTS, by the lowest threshold that keeps to it.

    Nothing if there is no negative frame.
    """
    results = list(results)
    if all(each.has_target for each in results):
        return []
    far = [each for each in results if _is_compared(each)]
    thresholds, false_positives, recall = curve(results)
    found = []
    for allowed in OPERATING_POINTS:
        count = np.count_nonzero(false_positives <= allowed)
        threshold, reached = (float(thresholds[count - 1]), float(recall[count - 1])) if count else (None, 0.0)
        detected = sum(each.hero_iou for each in far if threshold is not None and each.confidence >= threshold)
        found.append(OperatingPoint(allowed, threshold, reached, detected / max(len(far), 1)))
    return found


def _fraction_above(values: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return the fraction of the values that reach each threshold; 0 without values."""
    reached = len(values) - np.searchsorted(np.sort(values), thresholds)
    return np.asarray(reached / max(len(values), 1))


def _is_compared(result: FrameResult) -> bool:
    return result.has_target and bool(COMPARED_BAND.contains(result.hero_pixels))


def _mean(frames: Sequence[FrameResult], value: Callable[[FrameResult], float], seed: int) -> Estimate:
    """Return the mean of a value over frames, and its interval by resampling runs."""
    if not frames:
        return Estimate(None)
    runs = defaultdict[str, list[float]](list)
    for each in frames:
        runs[each.pair.recording].append(float(value(each)))
    sums, counts = (np.array([measure(values) for values in runs.values()]) for measure in (sum, len))
    mean = float(sums.sum() / counts.sum())
    if len(runs) == 1:
        return Estimate(mean)
    drawn = np.random.default_rng(seed).integers(0, len(runs), (RESAMPLES, len(runs)))
    low, high = np.percentile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), (2.5, 97.5))
    return Estimate(mean, float(low), float(high))
