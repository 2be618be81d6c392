"""Tables of evaluations, several models side by side: for the terminal, as Markdown, as one HTML page; and JSON."""

import base64
import html
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import rich.table
from rich.text import Text

from dataset.schema import DEFAULT_CLASSES, REFERENCE_SIZE, Classes
from model.console import console
from model.evaluation.results import BandScore, Evaluation
from model.score import class_ious, mean_iou, pixel_accuracy

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em; color: #222 }
table { border-collapse: collapse; margin: 0 0 2em } caption { font-weight: 600; text-align: left; padding: .3em 0 }
th, td { padding: .25em .8em; border-bottom: 1px solid #ddd; text-align: right } th:first-child, td:first-child
{ text-align: left } img { max-width: 100% }
"""


Row = tuple[str, ...]
MODEL = "model"  # header of the column that names the model, where there are several


@dataclass(frozen=True)
class Table:
    """A title, a header and rows of text; the first column names what the row is about."""

    title: str
    header: Row
    rows: tuple[Row, ...]


def tables(evaluations: Sequence[Evaluation]) -> list[Table]:
    """Return all tables of a report; the evaluations are of different models on the same frames."""
    classes = evaluations[0].classes
    table, band = partial(table_of, evaluations), ("frames", "recall", f"{classes.target_name} IoU")
    size = f"By target size (pixels at {REFERENCE_SIZE}x{REFERENCE_SIZE})"
    confusion = "Predicted class of the pixels of each class (confusion matrix)"
    hero_confusion = "Predicted class of the target's pixels, by target size"
    pixel_curve = ("MaxF", "at threshold", "precision", "recall", "AP")
    sets, detections = "Mean IoU of each class, and detections of the target", ("TP", "FP", "FN")
    found = [
        table(_sets, sets, "set", "frames", *classes.names, *detections)
        if classes == DEFAULT_CLASSES
        else table(_classes, "IoU of each class, of all pixels", "class", "of all pixels", "IoU"),
        table(_pixel_curve, "Pixels at all thresholds", "class", "of all pixels", *pixel_curve),
        _final(evaluations),
        table(lambda each: _bands(each.by_size()), size, "target size", *band),
        table(lambda each: _bands(each.by_brightness()), "By target brightness", "target", *band),
        table(_false_positives, "False positives", "set", "negative frames", "false positives", "rate"),
        table(_confusion, confusion, "ground truth", "of all pixels", *classes.names),
        table(
            _hero_confusion, hero_confusion, "target size", "frames", *(f"as {name}" for name in classes.names[::-1])
        ),
    ]
    return [table for table in found if table.rows]


def print_tables(evaluations: Sequence[Evaluation], more: Sequence[Table] = ()) -> None:
    """Print all tables, and `more`.

    Of several models, each row's name and size are a line above the models, which saves columns.
    """
    for table in (*tables(evaluations), *more):
        is_grouped = table.header[2:3] == (MODEL,)
        drawn = rich.table.Table(title=table.title, title_justify="left", title_style="bold")
        for index, name in enumerate(
            (f"{table.header[0]}, {MODEL}", *table.header[3:]) if is_grouped else table.header
        ):
            drawn.add_column(name, justify="right" if index else "left", overflow="fold", no_wrap=bool(index))
        for row in table.rows:
            if is_grouped and row[0]:
                drawn.add_section()
                drawn.add_row(Text(f"{row[0]}: {row[1]} {table.header[1]}", style="bold"))
            cells = (f"  {row[2]}", *row[3:]) if is_grouped else row
            drawn.add_row(*map(Text, cells))  # names are not markup
        console.print(drawn)


def markdown(title: str, evaluations: Sequence[Evaluation], more: Sequence[Table] = ()) -> str:
    """Return a Markdown page of all tables, and `more`."""
    parts = [f"# {title}", "\n".join(f"- {each.description}" for each in evaluations)]
    shown = (*tables(evaluations), *more)
    parts += [f"**{table.title}**\n\n{markdown_table(table.header, table.rows)}" for table in shown]
    return "\n\n".join(parts) + "\n"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; all columns but the first are aligned to the right."""
    lines = [header, ("---", *("---:",) * (len(header) - 1)), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def html_page(
    title: str, evaluations: Sequence[Evaluation], pictures: Sequence[Path] = (), more: Sequence[Table] = ()
) -> str:
    """Return an HTML page of all tables, and `more`, that needs no other file; `pictures` (PNG) are embedded."""
    parts = [f"<!doctype html><meta charset=utf-8><title>{html.escape(title)}</title><style>{_STYLE}</style>"]
    parts.append(f"<h1>{html.escape(title)}</h1>")
    parts += [f"<p>{html.escape(each.description)}</p>" for each in evaluations]
    for table in (*tables(evaluations), *more):
        head = "".join(f"<th>{html.escape(name)}</th>" for name in table.header)
        body = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
        parts.append(f"<table><caption>{html.escape(table.title)}</caption><tr>{head}</tr>{body}</table>")
    for picture in pictures:
        data = base64.b64encode(picture.read_bytes()).decode()
        caption = html.escape(picture.stem)
        parts.append(f"<h2>{caption}</h2><img alt='{caption}' src='data:image/png;base64,{data}'>")
    return "\n".join(parts) + "\n"


def as_json(evaluations: Sequence[Evaluation]) -> list[dict[str, Any]]:
    """Return the numbers for other programs, one entry per model."""
    return [
        {
            "model": each.model,
            "description": each.description,
            "final_score": each.final_score,
            "milliseconds_per_frame": each.milliseconds,
            "sets": _as_dicts(each.sets),
            "by_size": _as_dicts(each.by_size()),
            "by_brightness": _as_dicts(each.by_brightness()),
            "false_positives": _as_dicts(each.false_positives()),
            **({} if each.classes == DEFAULT_CLASSES else _class_figures(each)),
            "confusion": {
                name: _fractions(row, each.classes)
                for name, row in zip(each.classes.names, each.confusion(), strict=True)
            },
            "hero_confusion_by_size": {
                band: _fractions(row, each.classes) for band, row in each.hero_confusion_by_size().items()
            },
        }
        for each in evaluations
    ]


def _as_dicts(scores: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: asdict(score) for name, score in scores.items()}


def _class_figures(evaluation: Evaluation) -> dict[str, Any]:
    """Return the IoU of each class over all pixels, None where there are none, their mean, and the pixel accuracy."""
    confusion = evaluation.confusion()
    ious = [None if np.isnan(iou) else iou for iou in class_ious(confusion).tolist()]
    curve = evaluation.pixel_curve()
    return {
        "iou": dict(zip(evaluation.classes.names, ious, strict=True)),
        "mean_iou": mean_iou(confusion),
        "pixel_accuracy": pixel_accuracy(confusion),
        **({"max_f": asdict(curve.best), "average_precision": curve.average_precision} if curve else {}),
    }


def _fractions(pixels: np.ndarray, classes: Classes) -> dict[str, float | None]:
    """Return the number of pixels of a class, and the fraction predicted as each class; None without pixels."""
    total = int(pixels.sum())
    fractions = (pixels / total).tolist() if total else [None] * len(classes)
    return {"pixels": total, **dict(zip(classes.names, fractions, strict=True))}


def _final(evaluations: Sequence[Evaluation]) -> Table:
    scores = [(each, each.final_score) for each in evaluations]
    rows = [
        (each.model, f"{score:.4f}", "" if each.milliseconds is None else f"{each.milliseconds:.1f}")
        for each, score in scores
        if score is not None
    ]
    return Table("Final score", ("model", "final score", "ms per frame"), tuple(rows))


def table_of(
    evaluations: Sequence[Evaluation], rows: Callable[[Evaluation], Iterable[Row]], title: str, *header: str
) -> Table:
    """Return the rows of all models; of several, a third column names the model, and the first two stand only once.

    In each row the first column is a name, the second the size of what it names.
    """
    first, *_ = found = [{row[0]: row for row in rows(each)} for each in evaluations]
    if len(found) == 1:
        return Table(title, header, tuple(first.values()))
    merged = [
        (*(row[:2] if same is first else ("", "")), each.model, *same[name][2:])
        for name, row in first.items()
        for each, same in zip(evaluations, found, strict=True)
        if name in same
    ]
    return Table(title, (*header[:2], MODEL, *header[2:]), tuple(merged))


def _sets(evaluation: Evaluation) -> Iterator[Row]:
    for name, score in evaluation.sets.items():
        counts = score.true_positives, score.false_positives, score.false_negatives
        yield name, str(score.frames), *(f"{iou:.4f}" for iou in score.iou), *map(str, counts)


def _classes(evaluation: Evaluation) -> Iterator[Row]:
    confusion = evaluation.confusion()
    total = max(confusion.sum(), 1)
    for name, pixels, iou in zip(evaluation.classes.names, confusion.sum(axis=1), class_ious(confusion), strict=True):
        yield name, f"{pixels / total:.2%}", "" if np.isnan(iou) else f"{iou:.4f}"
    yield "mean IoU", "", f"{mean_iou(confusion):.4f}"
    yield "pixel accuracy", "", f"{pixel_accuracy(confusion):.4f}"


def _pixel_curve(evaluation: Evaluation) -> Iterator[Row]:
    if curve := evaluation.pixel_curve():
        best = curve.best
        figures = best.f, best.threshold, best.precision, best.recall, curve.average_precision
        yield evaluation.classes.names[1], f"{curve.fraction:.2%}", *(f"{each:.4f}" for each in figures)


def _bands(scores: Mapping[str, BandScore]) -> Iterator[Row]:
    for band, score in scores.items():
        if score.frames:
            yield band, str(score.frames), f"{score.detected / score.frames:.0%}", f"{score.hero_iou:.3f}"


def _false_positives(evaluation: Evaluation) -> Iterator[Row]:
    for name, score in evaluation.false_positives().items():
        rate = score.false_positives / score.negative_frames
        yield name, str(score.negative_frames), str(score.false_positives), f"{rate:.1%}"


def _confusion(evaluation: Evaluation) -> Iterator[Row]:
    counts = evaluation.confusion()
    for name, pixels in zip(evaluation.classes.names, counts, strict=True):
        if total := pixels.sum():
            yield name, f"{total / counts.sum():.2%}", *(f"{fraction:.2%}" for fraction in pixels / total)


def _hero_confusion(evaluation: Evaluation) -> Iterator[Row]:
    bands = evaluation.by_size()
    for band, pixels in evaluation.hero_confusion_by_size().items():
        if total := pixels.sum():
            yield band, str(bands[band].frames), *(f"{fraction:.1%}" for fraction in pixels[::-1] / total)
