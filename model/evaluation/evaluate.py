"""Evaluate models on labelled frames.

    python -m model.evaluate model_weights.h5 sample_evaluation_data.zip

On the official evaluation data (a folder or the zip as downloaded) it prints the table of the three sets, the
detections and the final score, as the original project computed them. On any other data with images/ and masks/ it
prints IoU per class. Both by the hero's size and light, with the frames where a hero is seen that is not there; several
models stand side by side.
"""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dataset.pairs import DatasetError, Pair, check_pairs, find_pairs, read_pair, summarise
from model.evaluation import report
from model.evaluation.measure import Evaluation, EvaluationError, Predictor, measure, set_names
from model.evaluation.tiles import sheet, tile
from model.inference.choices import RUNTIMES, Runtime

if TYPE_CHECKING:
    from model.inference.segmenter import Segmenter


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m model.evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights", nargs="+", metavar="WEIGHTS", help="models: files, or names in model/weights/")
    parser.add_argument("data", type=Path, metavar="DATA_DIR", help="a folder or .zip with images/ and masks/")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers for other programs")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables as Markdown")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the tables and worst frames as one web page")
    parser.add_argument(
        "--worst", nargs=2, metavar=("N", "DIR"), help="draw the N worst frames of each model into DIR/<model>.png"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="evaluate only N frames, evenly spread (a quick look)")
    parser.add_argument("--skip-bad", action="store_true", help="leave out frames that are wrong, instead of stopping")
    parser.add_argument("--runtime", choices=RUNTIMES, default="auto", help="what runs the networks (default: auto)")
    options = parser.parse_args(arguments)
    if options.limit is not None and options.limit < 1:
        parser.error(f"--limit expects at least 1 frame, got {options.limit}")
    if options.worst:
        count, folder = options.worst
        if not count.isdecimal() or int(count) < 1:
            parser.error(f"--worst expects a number of frames and a folder, got {count!r} for the number")
        options.worst = int(count), Path(folder)
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status: 0, 2 with a sentence for what cannot be used, 130 after Ctrl-C."""
    options = parse_arguments(arguments)
    console = Console()
    try:
        evaluate(options, console)
    except KeyboardInterrupt:
        print("evaluate: interrupted", file=sys.stderr)
        return 130
    except (ValueError, RuntimeError, OSError) as error:  # EvaluationError, DatasetError, WeightsError, runtimes, files
        print(f"evaluate: {error}", file=sys.stderr)
        return 2
    return 0


def evaluate(options: argparse.Namespace, console: Console) -> None:
    """Measures all models and writes what was asked for."""
    pairs, names = read_data(options.data, options.limit, console, options.skip_bad)
    segmenters = load_segmenters(options.weights, options.runtime, console)
    evaluations, pictures = [], []
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        for name, segmenter in segmenters.items():
            task = progress.add_task(escape(name), total=len(pairs))
            results, milliseconds = measure(segmenter, pairs, names, lambda n, task=task: progress.advance(task, n))
            evaluation = Evaluation(name, segmenter.describe(), results, milliseconds)
            evaluations.append(evaluation)
            if options.worst:
                pictures += draw_worst(evaluation, segmenter, *options.worst)

    for evaluation in evaluations:
        console.print(evaluation.description, markup=False, highlight=False, soft_wrap=True)
    for table in report.tables(evaluations):
        console.print(report.terminal_table(table))
    if options.limit:
        console.print(f"[yellow]{len(pairs)} frames only (--limit): an estimate, not the score[/]")
    title = f"Evaluation on {options.data.name}" + (f" ({len(pairs)} frames only)" if options.limit else "")
    if options.json:
        write(options.json, json.dumps(report.as_json(evaluations), indent=2) + "\n")
    if options.markdown:
        write(options.markdown, report.markdown(title, evaluations))
    if options.html:
        write(options.html, report.html_page(title, evaluations, pictures))


def read_data(
    source: Path, limit: int | None, console: Console, skip_bad: bool = False
) -> tuple[list[Pair], list[str]]:
    """The pairs to evaluate and the set of each; all their files are read once, so that none stops the measuring.

    Raises EvaluationError, and DatasetError with what is wrong unless that is to be left out.
    """
    pairs, problems = find_pairs(source)
    names = set_names(pairs, source) if pairs else []
    if limit and limit < len(pairs):
        chosen = np.linspace(0, len(pairs) - 1, limit).round().astype(int)
        pairs, names = [pairs[index] for index in chosen], [names[index] for index in chosen]
    with console.status("checking the frames"):
        wrong = check_pairs(pairs)
    problems += wrong.values()
    tell = partial(console.print, style="yellow", markup=False, highlight=False, soft_wrap=True)
    if problems and not skip_bad:
        raise DatasetError(f"{summarise(problems)}\nrepair the data, or leave these out with --skip-bad")
    if problems:
        tell(f"left out, {summarise(problems)}")
    fit = [row for row in range(len(pairs)) if row not in wrong]
    pairs, names = [pairs[row] for row in fit], [names[row] for row in fit]
    if not pairs:
        raise EvaluationError(f"expected images with masks in {source}, found no pair")
    if count := sum(pair.pseudo_labelled for pair in pairs):
        tell(f"{count} of {len(pairs)} masks are a model's, not the simulator's: agreement with it is what is measured")
    return pairs, names


def load_segmenters(weights: Sequence[str], runtime: Runtime, console: Console) -> dict[str, "Segmenter"]:
    """The models by name, or by path where two have the same name. Keras is imported here, as it takes seconds."""
    from model.inference.quiet_tensorflow import import_tensorflow_quietly

    with console.status("loading"):
        import_tensorflow_quietly()
        from model.inference.segmenter import Segmenter

        loaded = [Segmenter(path, runtime) for path in weights]
    names = [segmenter.name for segmenter in loaded]
    if len(set(names)) < len(names):
        names = [str(path) for path in weights]
    return dict(zip(names, loaded, strict=True))


def draw_worst(evaluation: Evaluation, predictor: Predictor, count: int, folder: Path) -> list[Path]:
    """Draws the worst frames of one model onto one sheet; returns its path, or nothing when no frame has a hero."""
    tiles = []
    for result in evaluation.worst(count):
        image, mask = read_pair(result.pair)
        tiles.append(tile(result, image, mask, predictor.predict(image[None])[0]))
    if not tiles:
        return []
    path = folder / (re.sub(r'[<>:"/\\|?*]', "_", evaluation.model) + ".png")  # may be a path, on Windows with a drive
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sheet(tiles)).save(path)
    return [path]


def write(path: Path, text: str) -> None:
    """Writes a text file, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
