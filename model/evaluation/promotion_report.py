"""The report on a retrained model beside the one that it started from: Markdown, with pictures beside it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from dataset.files import replacing, write_atomically
from model import run_files
from model.evaluation.criteria import MIN_FRAMES, Change
from model.evaluation.previews import contact_sheet, preview
from model.evaluation.reports import report
from model.evaluation.results import Evaluation
from model.inference.segmenter import Segmenter

SHOWN = 8  # frames gained, as many lost, and as many corrected
MIN_GAIN = 0.2  # of the frame score, worth showing


def write_report(
    folder: Path,
    name: str,
    introduction: Sequence[str],
    changes: Sequence[Change],
    evaluations: Sequence[Evaluation],
    learnt: Sequence[Evaluation],
    segmenters: Sequence[Segmenter],
) -> None:
    """Write the report on the model `name` into `folder`. Raises OSError.

    `evaluations` and `segmenters` are those before and after; `learnt` are evaluations of corrected frames that were
    trained on, or empty.
    """
    _plot(folder / run_files.PROMOTION_PLOT, changes)
    parts = [
        f"# Retraining of {name}",
        *introduction,
        _table(changes),
        f"![before and after]({run_files.PROMOTION_PLOT})",
    ]
    for title, picture, measured, rows in (
        ("that a person corrected", run_files.CORRECTED, evaluations, _corrected(evaluations)),
        ("that a person corrected, trained on", run_files.LEARNT, learnt, _corrected(learnt)),
        ("gained", run_files.GAINED, evaluations, _changed_most(evaluations, 1)),
        ("lost", run_files.LOST, evaluations, _changed_most(evaluations, -1)),
    ):
        if not rows:
            parts.append(f"## Frames {title}\n\nNone.")
            continue
        drawn = [
            np.hstack([preview(each.results[row], model) for each, model in zip(measured, segmenters, strict=True)])
            for row in rows
        ]
        with replacing(folder / picture) as temporary:
            Image.fromarray(contact_sheet(drawn, columns=1)).save(temporary)
        parts.append(f"## Frames {title}: before on the left, after on the right")
        if measured is learnt:
            parts.append(_describe_learnt(*learnt))
        parts.append(f"![{title}]({picture})")
    parts.append(f"#{report.markdown('Both in full', evaluations)}")
    write_atomically(folder / run_files.PROMOTION_REPORT, "\n\n".join(parts))


def _table(changes: Sequence[Change]) -> str:
    rows = []
    for each in changes:
        count = f"{each.frames}{'' if each.frames >= MIN_FRAMES else ' (too few to count)'}"
        rows.append((each.group, each.figure, count, f"{each.before:.3f}", f"{each.after:.3f}", f"{each.gain:+.3f}"))
    return report.markdown_table(("group", "figure", "frames", "before", "after", "gain"), rows)


def _corrected(evaluations: Sequence[Evaluation]) -> list[int]:
    """Return the rows of some frames whose labels a person corrected, spread evenly."""
    results = evaluations[0].results if evaluations else ()
    rows = [row for row, each in enumerate(results) if each.pair.corrected]
    places = np.linspace(0, len(rows) - 1, min(SHOWN, len(rows))).round().astype(int)
    return [rows[place] for place in places.tolist()]


def _describe_learnt(before: Evaluation, after: Evaluation) -> str:
    """Return how the corrected frames changed that the training has seen, and which therefore decide nothing."""
    parts = []
    targets = [row for row, each in enumerate(before.results) if each.has_target]
    negatives = [row for row, each in enumerate(before.results) if not each.has_target]
    if targets:
        ious = [np.mean([each.results[row].hero_iou for row in targets]) for each in (before, after)]
        parts.append(f"hero IoU of the {len(targets)} with the target {ious[0]:.3f} before, {ious[1]:.3f} after")
    if negatives:
        wrong = [sum(bool(each.results[row].score.detected) for row in negatives) for each in (before, after)]
        parts.append(f"false positives in {wrong[0]} of the {len(negatives)} without it before, in {wrong[1]} after")
    return f"{len(before.results)} frames: {'; '.join(parts)}. They do not count for the decision."


def _changed_most(evaluations: Sequence[Evaluation], sign: int) -> list[int]:
    """Return the rows of the frames that changed most for the better (sign 1) or the worse (-1)."""
    before, after = (np.array([each.frame_score for each in evaluation.results]) for evaluation in evaluations)
    gains = sign * (after - before)
    return [row for row in np.argsort(-gains, kind="stable")[:SHOWN].tolist() if gains[row] >= MIN_GAIN]


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
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=100)
