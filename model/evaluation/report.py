"""Lays out evaluations, several models side by side: for the terminal, as Markdown, as one HTML page, as JSON."""

import base64
import html
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rich.table
from rich.text import Text

from dataset.schema import CLASSES
from model.evaluation.measure import BandScore, Evaluation

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em; color: #222 }
table { border-collapse: collapse; margin: 0 0 2em } caption { font-weight: 600; text-align: left; padding: .3em 0 }
th, td { padding: .25em .8em; border-bottom: 1px solid #ddd; text-align: right } th:first-child, td:first-child
{ text-align: left } img { max-width: 100% }
"""


@dataclass(frozen=True)
class Table:
    """A title, a header and rows of text; the first column names what the row is about."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(evaluations: Sequence[Evaluation]) -> list[Table]:
    """All tables of a report; the evaluations are of different models on the same frames."""
    laid_out = [_sets(evaluations)]
    if evaluations[0].final_score is not None:
        laid_out.append(_final(evaluations))
    laid_out.append(_bands("By the hero's size (pixels at 256x256)", evaluations, [e.by_size() for e in evaluations]))
    laid_out.append(_bands("By the hero's light", evaluations, [e.by_light() for e in evaluations]))
    laid_out.append(_wrong_heroes(evaluations))
    laid_out += [_confusion(evaluations), _hero_pixels(evaluations)]
    return [table for table in laid_out if table.rows]


def terminal_table(table: Table) -> rich.table.Table:
    """For rich's console."""
    drawn = rich.table.Table(title=table.title, title_justify="left", title_style="bold")
    for index, name in enumerate(table.header):
        drawn.add_column(name, justify="right" if index else "left", overflow="fold", no_wrap=not index)
    for row in table.rows:
        drawn.add_row(*map(Text, row))  # names are not markup
    return drawn


def markdown(title: str, evaluations: Sequence[Evaluation]) -> str:
    """A Markdown page."""
    parts = [f"# {title}", "\n".join(f"- {each.description}" for each in evaluations)]
    for table in tables(evaluations):
        lines = [table.header, ["---"] + ["---:"] * (len(table.header) - 1), *table.rows]
        rows = "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
        parts.append(f"**{table.title}**\n\n{rows}")
    return "\n\n".join(parts) + "\n"


def html_page(title: str, evaluations: Sequence[Evaluation], pictures: Sequence[Path] = ()) -> str:
    """One HTML page that needs no other file; `pictures` (PNG) are put into it."""
    parts = [f"<!doctype html><meta charset=utf-8><title>{html.escape(title)}</title><style>{_STYLE}</style>"]
    parts.append(f"<h1>{html.escape(title)}</h1>")
    parts += [f"<p>{html.escape(each.description)}</p>" for each in evaluations]
    for table in tables(evaluations):
        head = "".join(f"<th>{html.escape(name)}</th>" for name in table.header)
        body = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
        parts.append(f"<table><caption>{html.escape(table.title)}</caption><tr>{head}</tr>{body}</table>")
    for picture in pictures:
        data = base64.b64encode(picture.read_bytes()).decode()
        caption = html.escape(picture.stem)
        parts.append(f"<h2>{caption}</h2><img alt='{caption}' src='data:image/png;base64,{data}'>")
    return "\n".join(parts) + "\n"


def as_json(evaluations: Sequence[Evaluation]) -> list[dict[str, Any]]:
    """Numbers for other programs, one entry a model."""
    return [
        {
            "model": each.model,
            "description": each.description,
            "final_score": each.final_score,
            "milliseconds_a_frame": each.milliseconds,
            "sets": {name: asdict(score) for name, score in each.sets.items()},
            "by_size": {name: asdict(score) for name, score in each.by_size().items()},
            "by_light": {name: asdict(score) for name, score in each.by_light().items()},
            "wrong_heroes": {
                name: {"frames": frames, "wrong": wrong} for name, (wrong, frames) in each.wrong_heroes().items()
            },
            "confusion": {name: _shares(pixels) for name, pixels in zip(CLASSES, each.confusion(), strict=True)},
            "hero_pixels": {name: _shares(pixels) for name, pixels in each.hero_pixels().items()},
        }
        for each in evaluations
    ]


def _shares(pixels: np.ndarray) -> dict[str, float]:
    """How many pixels of a class there are, and the share of them that is taken for each class; None of none."""
    total = int(pixels.sum())
    return {"pixels": total} | {
        name: int(n) / total if total else None for name, n in zip(CLASSES, pixels, strict=True)
    }


def _sets(evaluations: Sequence[Evaluation]) -> Table:
    rows = []
    for name, first in evaluations[0].sets.items():
        for each in evaluations:
            score = each.sets[name]
            counts = (score.true_positives, score.false_positives, score.false_negatives)
            rows.append((name, str(first.frames), each.model, *(f"{iou:.4f}" for iou in score.iou), *map(str, counts)))
    header = ("set", "frames", "model", "background", "people", "hero", "TP", "FP", "FN")
    return _table("Mean IoU of each class, and detections of the hero", header, rows)


def _final(evaluations: Sequence[Evaluation]) -> Table:
    rows = tuple((each.model, f"{each.final_score:.4f}", f"{each.milliseconds:.1f}") for each in evaluations)
    return Table("Final score", ("model", "final score", "ms a frame"), rows)


def _bands(title: str, evaluations: Sequence[Evaluation], scores: Sequence[dict[str, BandScore]]) -> Table:
    rows = []
    for band, first in scores[0].items():
        for each, bands in zip(evaluations, scores, strict=True):
            if first.frames:
                found = f"{bands[band].found / first.frames:.0%}"
                rows.append((band, str(first.frames), each.model, found, f"{bands[band].hero_iou:.3f}"))
    return _table(title, ("hero", "frames", "model", "found", "hero IoU"), rows)


def _wrong_heroes(evaluations: Sequence[Evaluation]) -> Table:
    rows = []
    for name, (_, frames) in evaluations[0].wrong_heroes().items():
        for each in evaluations:
            wrong, _ = each.wrong_heroes()[name]
            rows.append((name, str(frames), each.model, str(wrong), f"{wrong / frames:.1%}"))
    header = ("frames without a hero", "frames", "model", "with a wrong hero", "")
    return _table("Heroes seen where there is none", header, rows)


def _confusion(evaluations: Sequence[Evaluation]) -> Table:
    counts = [each.confusion() for each in evaluations]
    rows = []
    for index, name in enumerate(CLASSES):
        for each, count in zip(evaluations, counts, strict=True):
            if total := count[index].sum():
                cells = (f"{share:.2%}" for share in count[index] / total)
                rows.append((name, f"{total / count.sum():.2%}", each.model, *cells))
    header = ("truth", "of all pixels", "model", *CLASSES)
    return _table("What the pixels of each class are taken for", header, rows)


def _hero_pixels(evaluations: Sequence[Evaluation]) -> Table:
    counts = [each.hero_pixels() for each in evaluations]
    rows = []
    for band, score in evaluations[0].by_size().items():
        for each, count in zip(evaluations, counts, strict=True):
            if total := count[band].sum():
                cells = (f"{share:.1%}" for share in count[band][::-1] / total)
                rows.append((band, str(score.frames), each.model, *cells))
    header = ("hero", "frames", "model", *(f"as {name}" for name in reversed(CLASSES)))
    return _table("What the hero's pixels are taken for, by her size", header, rows)


def _table(title: str, header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    """Models below each other, the group's name and size only beside the first; no such column for a single model."""
    model = header.index("model")
    if len({row[model] for row in rows}) < 2:
        header, rows = _without(header, model), [_without(row, model) for row in rows]
    else:
        repeated = [index and rows[index - 1][:model] == row[:model] for index, row in enumerate(rows)]
        rows = [("",) * model + row[model:] if same else row for row, same in zip(rows, repeated, strict=True)]
    return Table(title, header, tuple(rows))


def _without(row: tuple[str, ...], index: int) -> tuple[str, ...]:
    return row[:index] + row[index + 1 :]
