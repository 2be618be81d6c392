"""Compare two models on the same frames, one by one.

    python -m model.compare model_weights.h5 runs/20261121-101500/best.h5 recordings/meadow --out comparison

The folder of --out is filled as it goes, for a page or a program that shows them side by side:

    frames.jsonl          a line a frame: what each model made of it, and how much better the second did
    images/000012.jpeg    the frame, as it is in the data
    truth/000012.png      its mask; red: background, green: people, blue: hero, 0 or 255
    first/, second/       likewise, what each model sees
    comparison.json       the models and the number of frames; at the end the tables of `model.evaluate`, too

Frames that are wrong are told and left out.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track

from dataset.pairs import Pair, decode_image
from dataset.schema import HERO
from model.evaluation import report
from model.evaluation.evaluate import load_segmenters, read_data, write
from model.evaluation.measure import BATCH, Evaluation, EvaluationError, FrameResult, Predictor, measure
from model.evaluation.metrics import predicted_mask
from model.inference.choices import RUNTIMES

SIDES = ("first", "second")


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m model.compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("first", metavar="FIRST", help="a model: a file, or a name in model/weights/")
    parser.add_argument("second", metavar="SECOND", help="the model that may be better")
    parser.add_argument("data", type=Path, metavar="DATA_DIR", help="a recording, or any data with images/ and masks/")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a folder to write into, new or empty")
    parser.add_argument("--names", nargs=2, metavar=("FIRST", "SECOND"), help="what to call the models")
    parser.add_argument("--limit", type=int, metavar="N", help="only N frames, evenly spread")
    parser.add_argument("--runtime", choices=RUNTIMES, default="auto", help="what runs the networks (default: auto)")
    options = parser.parse_args(arguments)
    if options.limit is not None and options.limit < 1:
        parser.error(f"--limit expects at least 1 frame, got {options.limit}")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status: 0, 2 with a sentence for what cannot be used, 130 after Ctrl-C."""
    options = parse_arguments(arguments)
    try:
        compare(options, Console())
    except KeyboardInterrupt:
        print("compare: interrupted", file=sys.stderr)
        return 130
    except (ValueError, RuntimeError, OSError) as error:  # EvaluationError, DatasetError, WeightsError, runtimes, files
        print(f"compare: {error}", file=sys.stderr)
        return 2
    return 0


def compare(options: argparse.Namespace, console: Console) -> None:
    """Measures both models, frame by frame, and writes what came out."""
    folder = options.out
    if folder.exists() and any(folder.iterdir()):
        raise EvaluationError(f"expected a new or empty folder for --out, but there is something in {folder}")
    pairs, names = read_data(options.data, options.limit, console, skip_bad=True)
    segmenters = load_segmenters([options.first, options.second], options.runtime, console)
    if len(segmenters) < 2:
        raise EvaluationError(f"expected two models, got {options.first} twice")
    called = options.names or list(segmenters)
    about = {"models": called, "data": str(options.data), "frames": len(pairs)}
    write(folder / "comparison.json", json.dumps(about))
    results, seconds = ([], []), [0.0, 0.0]
    with (folder / "frames.jsonl").open("w", encoding="utf-8") as lines:
        for start in track(range(0, len(pairs), BATCH), "comparing", console=console, transient=True):
            part = slice(start, start + BATCH)
            seen = []
            for side, segmenter in enumerate(segmenters.values()):
                found, took, predictions = _measure(segmenter, pairs[part], names[part])
                results[side].extend(found)
                seconds[side] += took
                seen.append(predictions)
            for row in range(start, len(results[0])):
                both = results[0][row], results[1][row]
                line = write_frame(folder, row, pairs[row], both, (seen[0][row - start], seen[1][row - start]))
                lines.write(json.dumps(line) + "\n")
            lines.flush()
    evaluations = [
        Evaluation(called[side], segmenter.describe(), tuple(results[side]), 1000 * seconds[side] / len(pairs))
        for side, segmenter in enumerate(segmenters.values())
    ]
    tables = report.tables(evaluations)
    write(folder / "comparison.json", json.dumps(about | {"tables": [asdict(table) for table in tables]}))
    for table in tables:
        console.print(report.terminal_table(table))


def _measure(
    predictor: Predictor, pairs: Sequence[Pair], names: Sequence[str]
) -> tuple[tuple[FrameResult, ...], float, list[np.ndarray]]:
    """Results, seconds of the network, and predictions."""
    predictions: list[np.ndarray] = []
    results, milliseconds = measure(predictor, pairs, names, on_frame=lambda _, seen: predictions.append(seen))
    return results, milliseconds / 1000 * len(results), predictions


def write_frame(
    folder: Path,
    row: int,
    pair: Pair,
    results: tuple[FrameResult, FrameResult],
    predictions: tuple[np.ndarray, np.ndarray],
) -> dict:
    """Writes the pictures of one frame; returns its line of frames.jsonl.

    That is: `hero_pixels` of the truth at 256x256, `iou` of the hero and whether it was `seen` by each model, `gain` of
    the second over the first (-1..1; without a hero in the truth by whether one is seen), `differs`, the pixels at
    256x256 that only one of them takes for the hero's, and `where`, the box around these: top, left, bottom, right in
    pixels of the frame, half-open; None where they agree.
    """
    image = pair.image.read()
    height, width = decode_image(image, pair.image).shape[:2]
    suffix = Path(pair.image.member or pair.image.path).suffix.lower()
    name = f"{row:06d}{suffix}"
    _save(folder / "images" / name, image)
    _save(folder / "truth" / f"{row:06d}.png", pair.mask.read())
    heroes = []
    for side, prediction in zip(SIDES, predictions, strict=True):
        classes = predicted_mask(prediction).astype(np.uint8) * 255
        classes = cv2.resize(classes, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
        heroes.append(classes[..., HERO] > 0)
        png = cv2.imencode(".png", cv2.cvtColor(classes, cv2.COLOR_RGB2BGR))[1]
        _save(folder / side / f"{row:06d}.png", png.tobytes())
    first, second = results
    differs = heroes[0] != heroes[1]
    return {
        "frame": row,
        "name": f"{pair.recording}/{pair.name}",
        "image": name,
        "hero_pixels": first.hero_pixels,
        "iou": [each.score.iou[HERO] for each in results],
        "seen": [each.score.detected for each in results],
        "gain": second.goodness - first.goodness,
        "differs": np.count_nonzero(differs) * 256 * 256 / differs.size,
        "where": _box(differs),
    }


def _box(mask: np.ndarray) -> list[int] | None:
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return None
    return [int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1]


def _save(path: Path, data: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
