"""Reports of evaluations, several models side by side: for the terminal, as Markdown, as one HTML page; and JSON."""

import base64
import html
import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import rich.table
from rich.text import Text

from dataset.schema import DEFAULT_CLASSES, Classes
from model.console import console
from model.evaluation.reports.tables import MODEL, Table, tables
from model.evaluation.results import Evaluation
from model.score import class_ious, mean_iou, pixel_accuracy

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em; color: #222 }
table { border-collapse: collapse; margin: 0 0 2em } caption { font-weight: 600; text-align: left; padding: .3em 0 }
th, td { padding: .25em .8em; border-bottom: 1px solid #ddd; text-align: right } th:first-child, td:first-child
{ text-align: left } img { max-width: 100% }
"""


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
    """Return an HTML page of all tables, and `more`, that needs no other file; `pictures` are embedded."""
    parts = [f"<!doctype html><meta charset=utf-8><title>{html.escape(title)}</title><style>{_STYLE}</style>"]
    parts.append(f"<h1>{html.escape(title)}</h1>")
    parts += [f"<p>{html.escape(each.description)}</p>" for each in evaluations]
    for table in (*tables(evaluations), *more):
        head = "".join(f"<th>{html.escape(name)}</th>" for name in table.header)
        body = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
        parts.append(f"<table><caption>{html.escape(table.title)}</caption><tr>{head}</tr>{body}</table>")
    for picture in pictures:
        data = base64.b64encode(picture.read_bytes()).decode()
        kind, caption = mimetypes.guess_type(picture.name)[0], html.escape(picture.stem)
        parts.append(f"<h2>{caption}</h2><img alt='{caption}' src='data:{kind};base64,{data}'>")
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
