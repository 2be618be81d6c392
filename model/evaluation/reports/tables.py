"""Tables of evaluations, several models side by side, as text in rows and columns."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from dataset.schema import DEFAULT_CLASSES, REFERENCE_SIZE
from model.evaluation.results import BandScore, Evaluation
from model.score import class_ious, mean_iou, pixel_accuracy

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
