"""Promotion: measure a retrained model beside the one it started from, and replace that if the new one is better.

A report states the verdict, and shows figures before and after, a plot, and the frames gained and lost.
"""

import filecmp
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from dataset.files import replacing
from dataset.pairs import Pair
from model import run_files
from model.console import print_plain
from model.evaluation import report
from model.evaluation.measure import evaluate_models
from model.evaluation.previews import contact_sheet, preview
from model.evaluation.promotion.criteria import MIN_FRAMES, Criterion
from model.evaluation.promotion.decision import Change, Verdict, compare, decide
from model.evaluation.results import ALL_FRAMES, Evaluation
from model.inference.segmenter import Segmenter

SHOWN = 8  # frames gained, and as many lost
MIN_GAIN = 0.2  # of the frame score, worth showing


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
    if filecmp.cmp(new, current, shallow=False):
        print_plain(f"{current} is this model already, promoted before a restart; report: {written}")
        return True
    models = {"before": Segmenter(current), "after": Segmenter(new)}
    evaluations = evaluate_models(models, pairs, [ALL_FRAMES] * len(pairs))
    changes = compare(*evaluations)
    verdict = decide(changes, better, tolerance)
    _plot(folder / run_files.PROMOTION_PLOT, changes)
    parts = [f"# Retraining of {current.name}", *_summary(verdict, changes, measured_on)]
    for name, picture, sign in (("gained", run_files.GAINED, 1), ("lost", run_files.LOST, -1)):
        shown = "None."
        if previews := _draw_changed(evaluations, list(models.values()), sign):
            Image.fromarray(contact_sheet(previews, columns=1)).save(folder / picture)
            shown = f"![{name}]({picture})"
        side_by_side = ": before on the left, after on the right" if previews else ""
        parts.append(f"## Frames {name}{side_by_side}\n\n{shown}")
    parts.append(f"#{report.markdown('Both in full', evaluations)}")
    written.write_text("\n\n".join(parts), encoding="utf-8")
    report.print_tables(evaluations)
    if verdict.promote:
        kept = replace_weights(new, current)
        print_plain(f"promoted to {current}: {verdict.reason}; the old one is {kept}", "green")
    else:
        print_plain(f"not promoted, {current} stays: {verdict.reason}; the new one is {new}", "yellow")
    print_plain(f"report: {written}")
    return verdict.promote


def _summary(verdict: Verdict, changes: Sequence[Change], measured_on: str) -> list[str]:
    rows = []
    for each in changes:
        count = f"{each.frames}{'' if each.frames >= MIN_FRAMES else ' (too few to count)'}"
        rows.append((each.group, each.figure, count, f"{each.before:.3f}", f"{each.after:.3f}", f"{each.gain:+.3f}"))
    return [
        f"**{'Promoted' if verdict.promote else 'Not promoted'}:** {verdict.reason}.",
        measured_on,
        report.markdown_table(("group", "figure", "frames", "before", "after", "gain"), rows),
        f"![before and after]({run_files.PROMOTION_PLOT})",
    ]


def _draw_changed(evaluations: Sequence[Evaluation], segmenters: Sequence[Segmenter], sign: int) -> list[np.ndarray]:
    """Draw the frames that changed most for the better (sign 1) or the worse (-1), before and after."""
    frames = list(zip(*(each.results for each in evaluations), strict=True))
    gains = np.array([sign * (after.frame_score - before.frame_score) for before, after in frames])
    most = [row for row in np.argsort(-gains, kind="stable")[:SHOWN] if gains[row] >= MIN_GAIN]
    return [np.hstack(list(map(preview, frames[row], segmenters))) for row in most]


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


def replace_weights(new: Path, current: Path) -> Path:
    """Replace `current` by a copy of `new` atomically; return the path of the backup of the old file."""
    backup = current.with_name(f"{current.stem}.{time.strftime('%Y%m%d-%H%M%S')}{current.suffix}")
    for source, target in ((current, backup), (new, current)):
        with replacing(target) as temporary:
            shutil.copyfile(source, temporary)
    return backup
