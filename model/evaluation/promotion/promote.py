"""Promotion: measure a retrained model beside the one it started from, and replace that if the new one is better."""

import filecmp
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from dataset.files import replacing
from dataset.pairs import Pair
from model import run_files
from model.console import print_plain
from model.evaluation.measure import evaluate_models
from model.evaluation.promotion.criteria import Criterion
from model.evaluation.promotion.decision import compare, decide
from model.evaluation.promotion.report import write_report
from model.evaluation.report import print_tables
from model.evaluation.results import ALL_FRAMES
from model.inference.segmenter import Segmenter


def promote_if_better(
    new: Path,
    current: Path,
    pairs: Sequence[Pair],
    measured_on: str,
    folder: Path,
    better: Criterion,
    tolerance: float,
    console: Console,
) -> bool:
    """Measure both models, write the report, and replace `current` if `new` is better; return whether it is.

    Args:
        measured_on: a description of `pairs` for the report.
        folder: of the report.
        better, tolerance: as for `decide`.

    A training that was killed after the promotion finds the new model in place already: nothing is done then.
    """
    if filecmp.cmp(new, current, shallow=False):
        written = folder / run_files.PROMOTION_REPORT
        print_plain(console, f"{current} is this model already, promoted before a restart; report: {written}")
        return True
    predictors = Segmenter(current), Segmenter(new)
    models = dict(zip(("before", "after"), predictors, strict=True))
    before, after = evaluate_models(models, pairs, [ALL_FRAMES] * len(pairs), console)
    changes = compare(before, after)
    verdict = decide(changes, better, tolerance)
    title = f"Retraining of {current.name}"
    written = write_report(folder, title, verdict, changes, (before, after), predictors, measured_on)
    print_tables([before, after], console)
    if verdict.promote:
        kept = replace_weights(new, current)
        print_plain(console, f"promoted to {current}: {verdict.reason}; the old one is {kept}", "green")
    else:
        print_plain(console, f"not promoted, {current} stays: {verdict.reason}; the new one is {new}", "yellow")
    print_plain(console, f"report: {written}")
    return verdict.promote


def replace_weights(new: Path, current: Path) -> Path:
    """Replace `current` by a copy of `new` atomically; return the path of the backup of the old file."""
    backup = current.with_name(f"{current.stem}.{time.strftime('%Y%m%d-%H%M%S')}{current.suffix}")
    for source, target in ((current, backup), (new, current)):
        with replacing(target) as temporary:
            shutil.copyfile(source, temporary)
    return backup
