"""Pictures that compare models: what trainings reached in how many minutes, and how well heroes of each size are seen.

    python -m model.plot trainings runs/ours "runs/fcn-4=four encoders" --out trainings.png
    python -m model.plot sizes evaluation.json --out sizes.png

Trainings are run folders of `model.train`, and only comparable when measured on the same frames; evaluations are what
`model.evaluate --json` writes. `=TEXT` behind a run is its name in the picture; `--names` are those of the models.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from model.training.run_folder import RunFolder


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status: 0, or 2 with a sentence when there is nothing to draw."""
    parser = argparse.ArgumentParser(
        prog="python -m model.plot", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = parser.add_subparsers(dest="kind", required=True)
    trainings = kinds.add_parser("trainings", help="validation score over minutes")
    trainings.add_argument("runs", nargs="+", metavar="RUN[=TEXT]")
    sizes = kinds.add_parser("sizes", help="hero IoU by hero size")
    sizes.add_argument("evaluation", type=Path, metavar="JSON")
    sizes.add_argument("--names", nargs="+", help="of the models, in order (default: their own)")
    for kind in (trainings, sizes):
        kind.add_argument("--out", type=Path, required=True, metavar="PNG")
    options = parser.parse_args(arguments)
    try:
        figure = plot_trainings(options.runs) if options.kind == "trainings" else plot_sizes(options)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(options.out, dpi=110)
    except (ValueError, OSError) as error:
        print(f"plot: {error}", file=sys.stderr)
        return 2
    return 0


def plot_trainings(runs: Sequence[str]):
    """Validation score over minutes of training, a line a run. ValueError when a run was never measured."""
    figure, axes = _figure()
    for run in runs:
        folder, _, text = run.partition("=")
        measured = RunFolder(Path(folder)).results() if Path(folder, "results.csv").is_file() else []
        rows = [row for row in measured if row.get("score")]
        if not rows:
            raise ValueError(f"expected the folder of a training that was measured while it ran, got {folder}")
        minutes, scores = ([float(row[key]) for row in rows] for key in ("minutes", "score"))
        axes.plot(minutes, scores, marker=".", label=text or Path(folder).name)
    axes.set(xlabel="minutes of training", ylabel="validation score", ylim=(0, None), xlim=(0, None))
    axes.legend()
    return figure


def plot_sizes(options: argparse.Namespace):
    """Hero IoU by hero size, a bar a model. ValueError for a file of another kind."""
    try:
        models = json.loads(options.evaluation.read_text(encoding="utf-8"))
        bands = [model["by_size"] for model in models]
        names = options.names or [model["model"] for model in models]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"expected what model.evaluate --json writes in {options.evaluation}: {error!r}") from error
    if not models:
        raise ValueError(f"expected at least one evaluated model in {options.evaluation}, found none")
    if len(names) != len(models):
        raise ValueError(
            f"expected {len(models)} --names, one for each model in {options.evaluation}, got {len(names)}"
        )
    figure, axes = _figure()
    places, width = np.arange(len(bands[0])), 0.8 / len(models)
    for number, (name, band) in enumerate(zip(names, bands, strict=True)):
        at = places + (number - (len(models) - 1) / 2) * width
        bars = axes.bar(at, [each["hero_iou"] for each in band.values()], width, label=name)
        axes.bar_label(bars, fmt="%.2f", fontsize="x-small", padding=1)
    axes.set(ylabel="IoU of the hero, mean", ylim=(0, 1.05), xticks=places)
    axes.set_xticklabels([f"{name}\n{each['frames']} frames" for name, each in bands[0].items()])
    axes.legend(loc="upper left")
    return figure


def _figure():
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4.2), layout="constrained")
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
    return figure, axes
