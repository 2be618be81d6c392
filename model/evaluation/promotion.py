"""Promotion: measure a retrained model beside the one that it started from, and replace that if the new is better.

A report states the verdict, and shows figures before and after, a plot, and the frames gained and lost.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from dataset.pairs import Pair
from dataset.recordings.frame_record import read_frame_records
from dataset.schema import PEOPLE, SIZE_BANDS, Interval
from model import run_files
from model.console import print_plain
from model.evaluation import report
from model.evaluation.criteria import CRITERIA, MIN_FRAMES, NEGATIVE, TARGETS, Criterion, Figure
from model.evaluation.measure import PRECISION, evaluate_models
from model.evaluation.previews import contact_sheet, preview
from model.evaluation.replacement import are_equal, replace_weights
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
SHOWN = 8  # frames gained, and as many lost
MIN_GAIN = 0.2  # of the frame score, worth showing


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


def promote_if_better(
    new: Path,
    current: Path,
    pairs: Sequence[Pair],
    measured_on: str,
    folder: Path,
    better: Criterion,
    tolerance: float,
) -> bool:
    """Measure both models, write a report into `folder`, and replace `current` if `new` is better.

    Returns whether it is. `measured_on` describes `pairs` for the report. A training that was killed after the
    promotion finds the new model in place already: nothing is done then.
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
    _plot(folder / run_files.PROMOTION_PLOT, changes)
    parts = [f"# Retraining of {current.name}", *_summary(promote, reason, changes, measured_on)]
    for name, picture, rows in (
        ("that a person corrected", run_files.CORRECTED, _corrected(pairs)),
        ("gained", run_files.GAINED, _changed_most(evaluations, 1)),
        ("lost", run_files.LOST, _changed_most(evaluations, -1)),
    ):
        shown = "None."
        if rows:
            previews = [_draw(evaluations, list(models.values()), row) for row in rows]
            Image.fromarray(contact_sheet(previews, columns=1)).save(folder / picture)
            shown = f"![{name}]({picture})"
        side_by_side = ": before on the left, after on the right" if rows else ""
        parts.append(f"## Frames {name}{side_by_side}\n\n{shown}")
    parts.append(f"#{report.markdown('Both in full', evaluations)}")
    written.write_text("\n\n".join(parts), encoding="utf-8")
    report.print_tables(evaluations)
    if promote:
        kept = replace_weights(new, current)
        print_plain(f"promoted to {current}: {reason}; the old one is {kept}", "green")
    else:
        print_plain(f"not promoted, {current} stays: {reason}; the new one is {new}", "yellow")
    print_plain(f"report: {written}")
    return promote


def _summary(promote: bool, reason: str, changes: Sequence[Change], measured_on: str) -> list[str]:
    rows = []
    for each in changes:
        count = f"{each.frames}{'' if each.frames >= MIN_FRAMES else ' (too few to count)'}"
        rows.append((each.group, each.figure, count, f"{each.before:.3f}", f"{each.after:.3f}", f"{each.gain:+.3f}"))
    return [
        f"**{'Promoted' if promote else 'Not promoted'}:** {reason}.",
        measured_on,
        report.markdown_table(("group", "figure", "frames", "before", "after", "gain"), rows),
        f"![before and after]({run_files.PROMOTION_PLOT})",
    ]


def _corrected(pairs: Sequence[Pair]) -> list[int]:
    """Return the rows of some frames whose labels a person corrected, spread evenly."""
    rows = [row for row, pair in enumerate(pairs) if pair.corrected]
    places = np.linspace(0, len(rows) - 1, min(SHOWN, len(rows))).round().astype(int)
    return [rows[place] for place in places.tolist()]


def _changed_most(evaluations: Sequence[Evaluation], sign: int) -> list[int]:
    """Return the rows of the frames that changed most for the better (sign 1) or the worse (-1)."""
    before, after = (np.array([each.frame_score for each in evaluation.results]) for evaluation in evaluations)
    gains = sign * (after - before)
    return [row for row in np.argsort(-gains, kind="stable")[:SHOWN].tolist() if gains[row] >= MIN_GAIN]


def _draw(evaluations: Sequence[Evaluation], segmenters: Sequence[Segmenter], row: int) -> np.ndarray:
    """Draw a frame with the predictions before and after, side by side."""
    return np.hstack([preview(each.results[row], model) for each, model in zip(evaluations, segmenters, strict=True)])


def _plot(path: Path, changes: Sequence[Change]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2), ("hero IoU", "recall"), strict=True):
        shown = [each for each in changes if each.figure == name]
        values = {"before": [each.before for each in shown], "after": [each.after for each in shown]}
        axes.grouped_bar(values, tick_labels=[f"{each.group}\n{each.frames}" for each in shown])
        axes.set(title=name, ylim=(0, 1))
        axes.grid(alpha=0.3, axis="y")
        axes.tick_params(axis="x", labelsize="small", rotation=30)
        axes.legend()
    figure.savefig(path, dpi=100)


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
