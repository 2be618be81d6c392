"""Promotion: measure a retrained model beside the one that it started from, and replace that if the new is better.

A report states the verdict, and shows figures before and after, a plot, and the frames gained and lost.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from dataset.pairs import Pair
from dataset.schema import PEOPLE, SIZE_BANDS, Interval
from model import run_files
from model.console import print_plain
from model.evaluation.criteria import CRITERIA, MIN_FRAMES, NEGATIVE, TARGETS, Change, Criterion, Figure
from model.evaluation.measure import PRECISION, evaluate_models
from model.evaluation.promotion_report import write_report
from model.evaluation.replacement import are_equal, replace_weights
from model.evaluation.reports import report
from model.evaluation.results import ALL_FRAMES, Evaluation, FrameResult
from model.inference.segmenter import Segmenter
from model.weights import load_model

# Metres from the camera to the target.
RANGE_BANDS = (
    Interval("0-10 m", 0, 10),
    Interval("10-20 m", 10, 20),
    Interval("20-40 m", 20, 40),
    Interval("over 40 m", 40, math.inf),
)


def promote_if_better(
    new: Path,
    current: Path,
    pairs: Sequence[Pair],
    measured_on: str,
    folder: Path,
    better: Criterion,
    tolerance: float,
    trained_on: Sequence[Pair] = (),
) -> bool:
    """Measure both models, write a report into `folder`, and replace `current` if `new` is better.

    Returns whether it is. `measured_on` describes `pairs` for the report, which also tells how the corrected ones of
    the frames `trained_on` changed. A training that was killed after the promotion finds the new model in place
    already: nothing is done then.
    """
    written = folder / run_files.PROMOTION_REPORT
    before, after = load_model(current), load_model(new)
    if are_equal(before, after):
        print_plain(f"{current} is this model already, promoted before a restart; report: {written}")
        return True
    models = {"before": Segmenter(before, precision=PRECISION), "after": Segmenter(after, precision=PRECISION)}
    evaluations = evaluate_models(models, pairs, [ALL_FRAMES] * len(pairs))
    changes = compare(*evaluations)
    promote, reason = decide(changes, better, tolerance)
    learnt = [pair for pair in trained_on if pair.corrected]
    relearnt = evaluate_models(models, learnt, [ALL_FRAMES] * len(learnt)) if learnt else []
    verdict = f"**{'Promoted' if promote else 'Not promoted'}:** {reason}."
    write_report(folder, current.name, (verdict, measured_on), changes, evaluations, relearnt, list(models.values()))
    report.print_tables(evaluations)
    if promote:
        kept = replace_weights(new, current)
        print_plain(f"promoted to {current}: {reason}; the old one is {kept}", "green")
    else:
        print_plain(f"not promoted, {current} stays: {reason}; the new one is {new}", "yellow")
    print_plain(f"report: {written}")
    return promote


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
    metres = [pair.record.target_metres() if pair.record else None for pair in pairs]
    return [math.nan if each is None else each for each in metres]


def decide(changes: Sequence[Change], better: Criterion, tolerance: float) -> tuple[bool, str]:
    """Return whether to promote the new model, and a sentence that explains why or why not.

    It must be better where asked, and nowhere worse by more than `tolerance` (of an IoU or a rate, 0..1). Groups of
    fewer than MIN_FRAMES frames do not count.
    """
    figure, band = CRITERIA[better]
    asked = next((each for each in changes if (each.figure, each.group) == (figure, band.name)), None)
    if asked is None or asked.frames < MIN_FRAMES:
        frames = asked.frames if asked else 0
        return False, f"only {frames} frames ({band.name}); at least {MIN_FRAMES} are needed"
    progress = f"{figure} of {band.name} went from {asked.before:.3f} to {asked.after:.3f}"
    if asked.gain <= 0:
        return False, f"not better where asked: {progress}"
    worse = [each for each in changes if each.frames >= MIN_FRAMES and each.gain < -tolerance]
    if worse:
        worst = min(worse, key=lambda each: each.gain)
        others = f", and {len(worse) - 1} other figures too" if len(worse) > 1 else ""
        loss = f"{worst.figure} of {worst.group} got worse by {-worst.gain:.3f}, more than {tolerance:g}"
        return False, f"{progress}, but {loss}{others}"
    return True, f"{progress}, and nothing got worse by more than {tolerance:g}"
