"""The report of a retraining: verdict, figures before and after, a plot, and frames that were gained and lost."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from dataset.pairs import read_pair
from model.evaluation import report
from model.evaluation.measure import Evaluation, FrameResult, Predictor
from model.evaluation.promotion import FEWEST, Change, Verdict
from model.evaluation.tiles import sheet, tile
from model.training import run_files

SHOWN = 8  # frames gained, and as many lost
NOTABLE = 0.2  # change of the hero's IoU in a frame that is worth showing


def write_report(
    folder: Path,
    title: str,
    verdict: Verdict,
    changes: Sequence[Change],
    evaluations: tuple[Evaluation, Evaluation],
    predictors: tuple[Predictor, Predictor],
    measured_on: str,
) -> Path:
    """Writes retrain.md with its pictures into `folder`; evaluations and predictors are those of before and after."""
    parts = [f"# {title}", f"**{'Promoted' if verdict.promote else 'Not promoted'}:** {verdict.reason}.", measured_on]
    header = "| frames with | figure | frames | before | after | gain |\n| --- | --- | ---: | ---: | ---: | ---: |"
    rows = [
        f"| {each.group} | {each.measure} | {each.frames}{'' if each.frames >= FEWEST else ' (too few to count)'} |"
        f" {each.before:.3f} | {each.after:.3f} | {each.gain:+.3f} |"
        for each in changes
    ]
    parts.append("\n".join([header, *rows]))
    _plot(folder / run_files.PROMOTION_PLOT, changes)
    parts.append(f"![before and after]({run_files.PROMOTION_PLOT})")
    for name, picture, sign in (("gained", run_files.GAINED, 1), ("lost", run_files.LOST, -1)):
        tiles = list(_tiles(_moved(evaluations, sign), predictors))
        if tiles:
            Image.fromarray(sheet(tiles, columns=1)).save(folder / picture)
            parts.append(f"## Frames {name}: before on the left, after on the right\n\n![{name}]({picture})")
        else:
            parts.append(f"## Frames {name}\n\nNone.")
    parts.append(report.markdown("Both in full", evaluations).replace("# Both", "## Both", 1))
    path = folder / run_files.PROMOTION_REPORT
    path.write_text("\n\n".join(parts), encoding="utf-8")
    return path


def _moved(evaluations: tuple[Evaluation, Evaluation], sign: int) -> list[tuple[FrameResult, FrameResult]]:
    """The frames that changed most for the better (sign 1) or the worse (-1)."""
    both = list(zip(*(each.results for each in evaluations), strict=True))
    gains = [sign * (after.goodness - before.goodness) for before, after in both]
    order = sorted(range(len(both)), key=lambda row: -gains[row])
    return [both[row] for row in order[:SHOWN] if gains[row] >= NOTABLE]


def _tiles(moved, predictors):
    for results in moved:
        image, mask = read_pair(results[0].pair)
        yield np.hstack(
            [
                tile(result, image, mask, predictor.predict(image[None])[0])
                for result, predictor in zip(results, predictors, strict=True)
            ]
        )


def _plot(path: Path, changes: Sequence[Change]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(12, 4), layout="constrained")
    for at, measure in zip(axes, ("hero IoU", "found"), strict=True):
        shown = [each for each in changes if each.measure == measure]
        places = np.arange(len(shown))
        at.bar(places - 0.2, [each.before for each in shown], 0.4, label="before")
        at.bar(places + 0.2, [each.after for each in shown], 0.4, label="after")
        names = [f"{each.group}\n{each.frames}" for each in shown]
        at.set(title=measure, ylim=(0, 1), xticks=places)
        at.set_xticklabels(names, fontsize="small", rotation=30)
        at.legend()
        at.grid(alpha=0.3, axis="y")
    figure.savefig(path, dpi=100)
    plt.close(figure)
