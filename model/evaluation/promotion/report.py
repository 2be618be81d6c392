"""Report of a retraining: verdict, figures before and after, a plot, and the frames gained and lost."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from dataset.pairs import read_pair
from model import run_files
from model.evaluation import report
from model.evaluation.measure import Predictor
from model.evaluation.previews import contact_sheet, preview
from model.evaluation.promotion.criteria import MIN_FRAMES
from model.evaluation.promotion.decision import Change, Verdict
from model.evaluation.results import Evaluation, FrameResult

SHOWN = 8  # frames gained, and as many lost
MIN_GAIN = 0.2  # of the frame score, worth showing


def write_report(
    folder: Path,
    title: str,
    verdict: Verdict,
    changes: Sequence[Change],
    evaluations: tuple[Evaluation, Evaluation],
    predictors: tuple[Predictor, Predictor],
    measured_on: str,
) -> Path:
    """Write the report with its pictures into `folder`; evaluations and predictors are those of before and after."""
    parts = [f"# {title}", f"**{'Promoted' if verdict.promote else 'Not promoted'}:** {verdict.reason}.", measured_on]
    rows = []
    for each in changes:
        count = f"{each.frames}{'' if each.frames >= MIN_FRAMES else ' (too few to count)'}"
        rows.append((each.group, each.figure, count, f"{each.before:.3f}", f"{each.after:.3f}", f"{each.gain:+.3f}"))
    parts.append(report.markdown_table(("group", "figure", "frames", "before", "after", "gain"), rows))
    _plot(folder / run_files.PROMOTION_PLOT, changes)
    parts.append(f"![before and after]({run_files.PROMOTION_PLOT})")
    for name, picture, sign in (("gained", run_files.GAINED, 1), ("lost", run_files.LOST, -1)):
        previews = list(_previews(_most_changed(evaluations, sign), predictors))
        if previews:
            Image.fromarray(contact_sheet(previews, columns=1)).save(folder / picture)
            parts.append(f"## Frames {name}: before on the left, after on the right\n\n![{name}]({picture})")
        else:
            parts.append(f"## Frames {name}\n\nNone.")
    parts.append(report.markdown("Both in full", evaluations).replace("# Both", "## Both", 1))
    path = folder / run_files.PROMOTION_REPORT
    path.write_text("\n\n".join(parts), encoding="utf-8")
    return path


def _most_changed(evaluations: tuple[Evaluation, Evaluation], sign: int) -> list[tuple[FrameResult, FrameResult]]:
    """The frames that changed most for the better (sign 1) or the worse (-1), before and after."""
    before, after = (each.results for each in evaluations)
    changed = [(sign * (new.frame_score - old.frame_score), old, new) for old, new in zip(before, after, strict=True)]
    changed.sort(key=lambda each: -each[0])
    return [(old, new) for gain, old, new in changed[:SHOWN] if gain >= MIN_GAIN]


def _previews(
    frames: Sequence[tuple[FrameResult, FrameResult]], predictors: tuple[Predictor, Predictor]
) -> Iterator[np.ndarray]:
    for results in frames:
        image, mask = read_pair(results[0].pair)
        both = zip(results, predictors, strict=True)
        yield np.hstack([preview(result, image, mask, predictor.predict(image[None])[0]) for result, predictor in both])


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
