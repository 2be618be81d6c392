"""Tables, JSON and the plot of figures by person, run, size and light, for several models side by side."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from config.paths import printable
from dataset.files import replacing
from model.evaluation.breakdown import (
    COMPARED_BAND,
    PER_NEGATIVES,
    By,
    Estimate,
    GroupFigures,
    curve,
    figures,
    groups,
    operating_points,
)
from model.evaluation.reports import report
from model.evaluation.reports.tables import Row, Table, table_of
from model.evaluation.results import Evaluation


def breakdown_tables(evaluations: Sequence[Evaluation], by: Sequence[By], source: Path) -> list[Table]:
    """Return a table for each of `by`, and if there is one, that of the operating points."""
    found = []
    for choice in by:
        header = choice, "frames", "recall", f"{evaluations[0].classes.target_name} IoU", f"FP per {PER_NEGATIVES:,}"
        title = f"By {choice}, with 95 % confidence intervals over runs"
        found.append(table_of(evaluations, partial(_rows, by=choice, source=source), title, *header))
    if by:
        title = f"Targets of {COMPARED_BAND.name} at equal false positives (FP)"
        columns = f"FP per {PER_NEGATIVES:,}", "targets", "threshold", "recall", "IoU"
        found.append(table_of(evaluations, _points, title, *columns))
    return [table for table in found if table.rows]


def as_json(evaluations: Sequence[Evaluation], by: Sequence[By], source: Path) -> list[dict[str, Any]]:
    """Return the numbers of `report.as_json`, and those of the tables above."""
    entries = report.as_json(evaluations)
    for entry, evaluation in zip(entries, evaluations, strict=True):
        if by:
            entry["by"] = {
                choice: {name: asdict(group) for name, group in _figures(evaluation, choice, source)} for choice in by
            }
            entry["operating_points"] = [asdict(point) for point in operating_points(evaluation.results)]
    return entries


def write_curves(evaluations: Sequence[Evaluation], path: Path) -> None:
    """Plot recall of COMPARED_BAND targets against false positives, a line for each model. Raises OSError."""
    from matplotlib.figure import Figure

    picture = Figure(figsize=(7, 5), layout="constrained")
    axes = picture.subplots()
    for evaluation in evaluations:
        _, false_positives, recall = curve(evaluation.results)
        axes.step(false_positives, recall, where="post", label=printable(evaluation.model))
    axes.set(
        xlabel=f"false positives per {PER_NEGATIVES:,} frames without the target",
        ylabel=f"recall of targets of {COMPARED_BAND.name}",
        xlim=(1, PER_NEGATIVES),
        ylim=(0, 1),
        xscale="log",
    )
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        picture.savefig(temporary, dpi=110)


def _figures(evaluation: Evaluation, by: By, source: Path) -> Iterator[tuple[str, GroupFigures]]:
    for name, results in groups(evaluation.results, by, source).items():
        yield name, figures(results)


def _rows(evaluation: Evaluation, by: By, source: Path) -> Iterator[Row]:
    for name, group in _figures(evaluation, by, source):
        recall, iou = _text(group.recall, "{:.0f}", "%", scale=100), _text(group.hero_iou, "{:.2f}")
        yield name, str(group.frames), recall, iou, _text(group.false_positives, "{:.0f}")


def _points(evaluation: Evaluation) -> Iterator[Row]:
    far = sum(each.has_target and bool(COMPARED_BAND.contains(each.hero_pixels)) for each in evaluation.results)
    for point in operating_points(evaluation.results):
        threshold = "none" if point.threshold is None else f"{point.threshold:.2f}"
        yield str(point.false_positives), str(far), threshold, f"{point.recall:.1%}", f"{point.hero_iou:.3f}"


def _text(figure: Estimate, form: str, unit: str = "", scale: float = 1) -> str:
    """Return a figure and its interval, such as "86% (82-90)"; empty without frames."""
    if figure.value is None:
        return ""
    text = form.format(scale * figure.value) + unit
    if figure.low is None or figure.high is None:
        return text
    return f"{text} ({form.format(scale * figure.low)}-{form.format(scale * figure.high)})"
