"""Decide whether a retrained model is better than the one it started from. Numbers only."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from dataset.pairs import Pair
from dataset.recordings.frame_record import read_frame_records
from dataset.schema import PEOPLE, SIZE_BANDS, Interval
from model.evaluation.promotion.criteria import CRITERIA, MIN_FRAMES, NEGATIVE, TARGETS, Criterion, Figure
from model.evaluation.results import ALL_FRAMES, Evaluation, FrameResult

# Metres from the camera to the target.
RANGE_BANDS = (
    Interval("0-10 m", 0, 10),
    Interval("10-20 m", 10, 20),
    Interval("20-40 m", 20, 40),
    Interval("over 40 m", 40, math.inf),
)


@dataclass(frozen=True)
class Change:
    """A figure of a group of frames, before and after. Higher is better, except for the false-positive rate."""

    figure: Figure
    group: str
    frames: int
    before: float
    after: float

    @property
    def gain(self) -> float:
        """How much better it became; negative when it became worse."""
        return self.before - self.after if self.figure == "false-positive rate" else self.after - self.before


@dataclass(frozen=True)
class Verdict:
    """Whether to promote the new model, and a sentence that explains why or why not."""

    promote: bool
    reason: str


def compare(old: Evaluation, new: Evaluation) -> list[Change]:
    """Return all figures of two evaluations of the same frames in the same order; groups without frames are left out.

    Those are hero IoU and recall of all, far and near targets, by size, and by range where the recording has it; the
    false-positive rate on negative frames; and people IoU of all frames.
    """
    changes = []

    def add(figure: Figure, group: str, rows: Sequence[int], value: Callable[[FrameResult], float]) -> None:
        if rows:
            before, after = (float(np.mean([value(model.results[row]) for row in rows])) for model in (old, new))
            changes.append(Change(figure, group, len(rows), before, after))

    targets = [row for row, each in enumerate(old.results) if each.has_target]
    ranges = target_ranges(old.results[row].pair for row in targets)
    pixels = [old.results[row].hero_pixels for row in targets]
    bands = [(band, pixels) for band in (*TARGETS, *SIZE_BANDS)] + [(band, ranges) for band in RANGE_BANDS]
    for band, values in bands:
        rows = [row for row, value in zip(targets, values, strict=True) if band.contains(value)]
        add("hero IoU", band.name, rows, lambda each: each.hero_iou)
        add("recall", band.name, rows, lambda each: each.score.detected)
    negatives = [row for row, each in enumerate(old.results) if not each.has_target]
    add("false-positive rate", NEGATIVE.name, negatives, lambda each: each.score.detected)
    add("people IoU", ALL_FRAMES, range(len(old.results)), lambda each: each.score.iou[PEOPLE])
    return changes


def target_ranges(pairs: Iterable[Pair]) -> list[float]:
    """Return metres from the camera to the target, as recorded: ground truth, else estimated, else NaN."""
    records = cache(lambda folder: {record.image: record for record in read_frame_records(folder)[0]})
    ranges = []
    for pair in pairs:
        record = None if pair.image.member else records(pair.image.path.parent.parent).get(pair.image.name)
        metres = record.target_metres() if record else None
        ranges.append(math.nan if metres is None else metres)
    return ranges


def decide(changes: Sequence[Change], better: Criterion, tolerance: float) -> Verdict:
    """Promote what is better where asked, and nowhere worse by more than `tolerance` (of an IoU or a rate, 0..1).

    Groups of fewer than MIN_FRAMES frames do not count.
    """
    figure, band = CRITERIA[better]
    asked = next((each for each in changes if (each.figure, each.group) == (figure, band.name)), None)
    if asked is None or asked.frames < MIN_FRAMES:
        frames = asked.frames if asked else 0
        return Verdict(False, f"only {frames} frames ({band.name}); at least {MIN_FRAMES} are needed")
    progress = f"{figure} of {band.name} went from {asked.before:.3f} to {asked.after:.3f}"
    if asked.gain <= 0:
        return Verdict(False, f"not better where asked: {progress}")
    worse = [each for each in changes if each.frames >= MIN_FRAMES and each.gain < -tolerance]
    if worse:
        worst = min(worse, key=lambda each: each.gain)
        others = f", and {len(worse) - 1} other figures too" if len(worse) > 1 else ""
        loss = f"{worst.figure} of {worst.group} got worse by {-worst.gain:.3f}, more than {tolerance:g}"
        return Verdict(False, f"{progress}, but {loss}{others}")
    return Verdict(True, f"{progress}, and nothing got worse by more than {tolerance:g}")
