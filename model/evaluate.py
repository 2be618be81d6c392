"""Evaluate models on labelled frames.

    python -m model.evaluate model_weights.h5 sample_evaluation_data.zip

On the official evaluation data (a folder or the zip as downloaded) it prints the IoU of the three sets, the
detections and the final score, as the original project computed them; on any other data with images/ and masks/ the IoU
per class. Then, for both, recall and IoU by the target's size and brightness, false positives, and confusion matrices.
Data with classes of their own, named in a classes.toml, get IoU per class, mean IoU and pixel accuracy of all pixels.
Several models are compared side by side.

    python -m model.evaluate model_weights.h5 runs/new/best.h5 choose_runs.zip --by person --curves curves.png

shows who is recognised how well: a person is the folder below the data that frames lie in.
"""

import config.interrupts  # noqa: F401 - before all else

# isort: split
import argparse
import json
import sys
from collections.abc import Sequence

from config.commands import command_parser, run_command
from config.numbers import whole_number
from config.outputs import file_to_write, folder_to_write, plot_to_write
from config.paths import path_of
from dataset.layouts.kitti_road import SPLITS
from dataset.masks.classes_file import read_classes_file
from dataset.pairs import classes_of
from model.console import print_plain
from model.data.left_out import LeftOut
from model.evaluation.breakdown import CHOICES
from model.evaluation.measure import evaluate_models, load_predictors, read_data
from model.evaluation.overlays import OverlayWriter
from model.evaluation.prediction_files import PredictionWriter, Writer
from model.evaluation.previews import draw_worst
from model.evaluation.reports import report
from model.evaluation.reports.breakdowns import as_json, breakdown_tables, write_curves
from model.inference.choices import RUNTIMES


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status: 0, 2 for unusable input, 130 after Ctrl-C."""
    parser = command_parser("model.evaluate", __doc__)
    text = "models: files, names in model/weights/, or folders of predictions as --predictions writes them"
    parser.add_argument("weights", nargs="+", metavar="WEIGHTS", help=text)
    parser.add_argument("data", type=path_of, metavar="DATA_DIR", help="a folder or .zip with images/ and masks/")
    parser.add_argument("--json", type=file_to_write, metavar="FILE", help="write the numbers for other programs")
    parser.add_argument("--markdown", type=file_to_write, metavar="FILE", help="write the tables as Markdown")
    parser.add_argument(
        "--html", type=file_to_write, metavar="FILE", help="write tables and worst frames as one web page"
    )
    parser.add_argument(
        "--worst", nargs=2, metavar=("N", "DIR"), help="draw the N worst frames of each model into DIR/<model>.png"
    )
    parser.add_argument(
        "--predictions", type=path_of, metavar="DIR", help="write each prediction as an 8-bit PNG, as in 2017"
    )
    text = "figures of each person recorded, run, target size or brightness, with confidence intervals"
    parser.add_argument("--by", action="append", choices=CHOICES, default=[], help=text)
    text = "plot recall of targets of 15 to 50 pixels against false positives, a line for each model"
    parser.add_argument("--curves", type=plot_to_write, metavar="PNG", help=text)
    parser.add_argument(
        "--limit", type=whole_number(1), metavar="N", help="evaluate only N frames, evenly spread (an estimate)"
    )
    text = "the classes and colours of data without a classes.toml of their own"
    parser.add_argument("--classes", type=path_of, metavar="TOML", help=text)
    text = "the frames to evaluate of data that come divided, as KITTI's (default: testing, if they have masks)"
    parser.add_argument("--split", choices=SPLITS, help=text)
    text = "draw each frame with the predicted classes in colour, such as the road in green"
    parser.add_argument("--overlays", type=path_of, metavar="DIR", help=text)
    parser.add_argument("--skip-bad", action="store_true", help="leave out bad frames instead of stopping")
    text = "leave out what the audit.csv of python -m model.audit says"
    parser.add_argument("--without", type=path_of, metavar="CSV", help=text)
    parser.add_argument("--runtime", choices=RUNTIMES, default="auto", help="inference runtime (default: auto)")
    options = parser.parse_args(arguments)
    if options.worst:
        count, folder = options.worst
        if not count.isdecimal() or int(count) < 1:
            parser.error(f"--worst expects a number of frames and a folder, got {count!r} for the number")
        try:
            options.worst = int(count), folder_to_write(folder)
        except argparse.ArgumentTypeError as error:
            parser.error(f"--worst: {error}")
    return run_command("evaluate", lambda: evaluate(options))


def evaluate(options: argparse.Namespace) -> None:
    """Measure all models, print the tables and write the files asked for."""
    colours = read_classes_file(options.classes) if options.classes else None
    left_out = LeftOut(options.without) if options.without else None
    pairs, names = read_data(options.data, options.limit, options.skip_bad, colours, options.split)
    if left_out:
        rows, pairs, note = left_out.pairs(pairs)
        names = [names[row] for row in rows]
        print_plain(note, "yellow")
    if (options.by or options.curves) and classes_of(pairs).target is None:
        raise ValueError(f"--by and --curves need a target, but the classes of {options.data} are {classes_of(pairs)}")
    writers: list[Writer] = [PredictionWriter(options.predictions, pairs)] if options.predictions else []
    writers += [OverlayWriter(options.overlays, pairs)] if options.overlays else []
    predictors = load_predictors(options.weights, options.runtime, pairs)
    evaluations = evaluate_models(predictors, pairs, names, writers)
    for evaluation in evaluations:
        print_plain(evaluation.description)
    more = breakdown_tables(evaluations, options.by, options.data)
    report.print_tables(evaluations, more)
    if options.limit:
        print_plain(f"{len(pairs)} frames only (--limit): an estimate, not the score", "yellow")
    pictures = []
    if options.worst:
        for evaluation, predictor in zip(evaluations, predictors.values(), strict=True):
            pictures += draw_worst(evaluation, predictor, *options.worst)
    if options.curves:
        write_curves(evaluations, options.curves)
        pictures += [options.curves] if options.curves.suffix.lower() != ".pdf" else []  # browsers show none in a page
    title = f"Evaluation on {options.data.name}" + (f" ({len(pairs)} frames only)" if options.limit else "")
    for path, text in (
        (options.json, json.dumps(as_json(evaluations, options.by, options.data), indent=2) + "\n"),
        (options.markdown, report.markdown(title, evaluations, more)),
        (options.html, report.html_page(title, evaluations, pictures, more)),
    ):
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
