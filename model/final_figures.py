"""What a finished training shows of its best model: tables by the hero's size, and the frames that went most wrong."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from model import report
from model.dataset import Pair
from model.evaluate import draw_worst, write
from model.evaluation import ALL_FRAMES, Evaluation, measure
from model.segmenter import Segmenter

WORST = 12


def show_final_figures(weights: Path, pairs: Sequence[Pair], folder: Path, console: Console) -> Evaluation:
    """Measures as `model.evaluate` does; prints the tables, and writes validation.md and worst/<model>.png."""
    evaluation, segmenter = measure_model(weights, pairs, console)
    draw_worst(evaluation, segmenter, WORST, folder / "worst")
    write(folder / "validation.md", report.markdown("Validation frames", [evaluation]))
    for table in report.tables([evaluation]):
        console.print(report.terminal_table(table))
    return evaluation


def measure_model(weights: Path, pairs: Sequence[Pair], console: Console) -> tuple[Evaluation, Segmenter]:
    """One model on labelled frames, as one set, and the segmenter that it was measured with."""
    segmenter = Segmenter(weights)
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(f"measuring {segmenter.name}", total=len(pairs))
        results, milliseconds = measure(segmenter, pairs, [ALL_FRAMES] * len(pairs), lambda n: bar.advance(task, n))
    return Evaluation(segmenter.name, segmenter.describe(), results, milliseconds), segmenter
