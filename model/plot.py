"""Plot comparisons of models: validation score over training time, and hero IoU by target size.

    python -m model.plot trainings runs/ours "runs/fcn-4=four encoders" --out trainings.png
    python -m model.plot sizes evaluation.json --out sizes.png

Trainings are run folders of `model.train`, comparable only when validated on the same frames; evaluations are files of
`model.evaluate --json`. `=TEXT` after a run, or `--names`, sets the name in the legend.
"""

import config.interrupts  # noqa: F401 - before all else

# isort: split
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from config.commands import command_parser, run_command
from config.outputs import plot_to_write
from config.paths import path_of, printable, split_path
from model import run_files

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status: 0, 2 for unusable input, 130 after Ctrl-C."""
    parser = command_parser("model.plot", __doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    trainings = kinds.add_parser("trainings", help="validation score over minutes of training")
    trainings.add_argument("runs", nargs="+", metavar="RUN[=TEXT]")
    sizes = kinds.add_parser("sizes", help="hero IoU by target size")
    sizes.add_argument("evaluation", type=path_of, metavar="JSON")
    sizes.add_argument("--names", nargs="+", help="of the models, for the legend (default: their own)")
    for kind in (trainings, sizes):
        kind.add_argument("--out", type=plot_to_write, required=True, metavar="PNG")
    options = parser.parse_args(arguments)

    def plot() -> None:
        trainings = options.kind == "trainings"
        figure = plot_trainings(options.runs) if trainings else plot_sizes(options.evaluation, options.names)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(options.out, dpi=110)

    return run_command("plot", plot)


def plot_trainings(runs: Sequence[str]) -> "Figure":
    """Plot validation score over minutes of training, a line per run. Raises ValueError for a run without scores."""
    figure, axes = _figure()
    for run in runs:
        folder, text = split_path(run, "=")
        results = run_files.read_results(folder)
        rows = [row for row in results if row.get("score")]
        if not rows:
            raise ValueError(f"expected the folder of a training with validation scores, got {folder}")
        minutes, scores = ([float(row[key]) for row in rows] for key in ("minutes", "score"))
        axes.plot(minutes, scores, marker=".", label=printable(text or folder.name))
    axes.set(xlabel="minutes of training", ylabel="validation score", ylim=(0, None), xlim=(0, None))
    axes.legend()
    return figure


def plot_sizes(evaluation: Path, names: Sequence[str] | None = None) -> "Figure":
    """Plot hero IoU by target size, a bar per model. Raises ValueError for a file of any other kind."""
    try:
        models = json.loads(evaluation.read_text(encoding="utf-8"))
        by_model = [model["by_size"] for model in models]  # each: figures by size band
        names = names or [model["model"] for model in models]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"expected a file of model.evaluate --json, got {evaluation}: {error!r}") from error
    if not models:
        raise ValueError(f"expected at least one evaluated model in {evaluation}, found none")
    if len(names) != len(models):
        raise ValueError(f"expected {len(models)} --names, one for each model in {evaluation}, got {len(names)}")
    figure, axes = _figure()
    labels = [f"{name}\n{band['frames']} frames" for name, band in by_model[0].items()]
    values = [[band["hero_iou"] for band in bands.values()] for bands in by_model]
    axes.grouped_bar(values, tick_labels=labels, labels=names)
    for bars in axes.containers:
        axes.bar_label(bars, fmt="%.2f", fontsize="x-small", padding=1)  # type: ignore[arg-type]  # these containers are bars
    axes.set(ylabel="mean hero IoU", ylim=(0, 1.05))
    axes.legend(loc="upper left")
    return figure


def _figure() -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
    return figure, axes


if __name__ == "__main__":
    sys.exit(main())
