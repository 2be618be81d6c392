"""What a finished training shows of its best model: tables, worst frames, and beside the model it started from."""

import filecmp
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from dataset.pairs import Pair
from model.evaluation import report
from model.evaluation.evaluate import draw_worst, write
from model.evaluation.measure import ALL_FRAMES, Evaluation, measure
from model.evaluation.promotion import compare, decide, replace_weights
from model.evaluation.promotion_report import write_report
from model.inference.segmenter import Segmenter
from model.training import run_files

WORST = 12


def show_final_figures(weights: Path, pairs: Sequence[Pair], folder: Path, console: Console) -> Evaluation:
    """Measures as `model.evaluate` does; prints the tables, and writes validation.md and worst/<model>.png."""
    evaluation, segmenter = measure_model(weights, pairs, console)
    draw_worst(evaluation, segmenter, WORST, folder / run_files.WORST_FRAMES)
    write(folder / run_files.VALIDATION_REPORT, report.markdown("Validation frames", [evaluation]))
    for table in report.tables([evaluation]):
        console.print(report.terminal_table(table))
    return evaluation


def promote_if_better(
    new: Path,
    current: Path,
    pairs: Sequence[Pair],
    measured_on: str,
    folder: Path,
    better: str,
    tolerance: float,
    console: Console,
) -> bool:
    """Measures both models, writes retrain.md, and puts the new one in the current one's place if that is a gain.

    `measured_on` says what `pairs` are. `better` and `tolerance` are those of `promotion.decide`.
    Nothing is left to do where it has that place already: a start that was killed later had come as far.
    """
    say = partial(console.print, markup=False, highlight=False, soft_wrap=True)
    if filecmp.cmp(new, current, shallow=False):
        written = folder / run_files.PROMOTION_REPORT
        say(f"{current} is this model already, promoted by an earlier start; report: {written}")
        return True
    measured = [measure_model(weights, pairs, console) for weights in (current, new)]
    before, after = (
        replace(evaluation, model=name) for (evaluation, _), name in zip(measured, ("before", "after"), strict=True)
    )
    changes = compare(before, after)
    verdict = decide(changes, better, tolerance)
    predictors = measured[0][1], measured[1][1]
    title = f"Retraining of {current.name}"
    written = write_report(folder, title, verdict, changes, (before, after), predictors, measured_on)
    for table in report.tables([before, after]):
        console.print(report.terminal_table(table))
    if verdict.promote:
        kept = replace_weights(new, current)
        say(f"promoted to {current}: {verdict.reason}; the old one is {kept}", style="green")
    else:
        say(f"not promoted, {current} stays: {verdict.reason}; the new one is {new}", style="yellow")
    say(f"report: {written}")
    return verdict.promote


def measure_model(weights: Path, pairs: Sequence[Pair], console: Console) -> tuple[Evaluation, Segmenter]:
    """One model on labelled frames, as one set, and the segmenter that it was measured with."""
    segmenter = Segmenter(weights)
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(escape(f"measuring {segmenter.name}"), total=len(pairs))
        results, milliseconds = measure(segmenter, pairs, [ALL_FRAMES] * len(pairs), lambda n: bar.advance(task, n))
    return Evaluation(segmenter.name, segmenter.describe(), results, milliseconds), segmenter
