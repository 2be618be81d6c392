"""Compare two models frame by frame.

    python -m model.compare model_weights.h5 runs/20261121-101500/best.h5 recordings/meadow --out comparison

Fills the folder of --out as it goes, for a page or a program that shows the models side by side:

    frames.jsonl               a line per frame: how both models did, and the gain of the second over the first
    images/000012.jpeg         the frame, as it is in the data
    ground_truth/000012.png    its mask; red: background, green: people, blue: hero, 0 or 255; other classes in their
                               own colours
    first/, second/            likewise, the prediction of each model
    comparison.json            the models and the number of frames; at the end also the tables of `model.evaluate`

Bad frames are listed and left out.
"""

import config.interrupts  # noqa: F401 - before all else

# isort: split
import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.progress import track

from config.commands import command_parser, run_command
from config.numbers import whole_number
from config.outputs import require_empty
from config.paths import path_of
from dataset.images import decode_image
from dataset.masks.classes_file import read_classes_file
from dataset.masks.labels import encode_in_colours, encode_labels
from dataset.pairs import classes_of, read_labels
from dataset.schema import DEFAULT_CLASSES, Classes, at_reference_size
from model.console import console
from model.evaluation.comparison_files import ABOUT, FOLDERS, FRAMES, GROUND_TRUTH, IMAGES, SIDES
from model.evaluation.measure import load_predictors, measure, read_data
from model.evaluation.reports import report
from model.evaluation.reports.tables import tables
from model.evaluation.results import Evaluation, FrameResult
from model.inference.choices import RUNTIMES
from model.score import predicted_mask


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status: 0, 2 for unusable input, 130 after Ctrl-C."""
    parser = command_parser("model.compare", __doc__)
    parser.add_argument("first", metavar="FIRST", help="a model: a file, or a name in model/weights/")
    parser.add_argument("second", metavar="SECOND", help="the model that may be better")
    parser.add_argument(
        "data", type=path_of, metavar="DATA_DIR", help="a recording, or any data with images/ and masks/"
    )
    parser.add_argument(
        "--out", type=path_of, required=True, metavar="DIR", help="a folder to write into, new or empty"
    )
    parser.add_argument("--names", nargs=2, metavar=("FIRST", "SECOND"), help="display names of the models")
    text = "the classes and colours of data without a classes.toml of their own"
    parser.add_argument("--classes", type=path_of, metavar="TOML", help=text)
    parser.add_argument("--limit", type=whole_number(1), metavar="N", help="only N frames, evenly spread")
    parser.add_argument("--runtime", choices=RUNTIMES, default="auto", help="inference runtime (default: auto)")
    options = parser.parse_args(arguments)
    return run_command("compare", lambda: compare(options))


def compare(options: argparse.Namespace) -> None:
    """Measure both models, frame by frame, and write the results."""
    folder = options.out
    require_empty(folder, "--out")
    colours = read_classes_file(options.classes) if options.classes else None
    pairs, set_names = read_data(options.data, options.limit, skip_bad=True, colours=colours)
    predictors = load_predictors([options.first, options.second], options.runtime, pairs)
    if len(predictors) < 2:
        raise ValueError(f"expected two models, got {options.first} twice")
    names = options.names or list(predictors)
    classes = classes_of(pairs)
    about: dict[str, Any] = {"models": names, "data": str(options.data), "frames": len(pairs)}
    if classes != DEFAULT_CLASSES:
        about["classes"] = [
            {"name": name, "colour": f"#{colour:06x}"}
            for name, colour in zip(classes.names, classes.colours, strict=True)
        ]
    for name in FOLDERS:
        (folder / name).mkdir(parents=True)
    (folder / ABOUT).write_text(json.dumps(about), encoding="utf-8")
    measured = zip(*(measure(each, pairs, set_names) for each in predictors.values()), strict=True)
    results = []
    with (folder / FRAMES).open("w", encoding="utf-8") as lines:
        frames = track(measured, "comparing", len(pairs), console=console, transient=True)
        for row, both in enumerate(frames):
            results.append([result for result, _ in both])
            print(json.dumps(write_frame(folder, row, both)), file=lines, flush=True)
    descriptions = [predictor.describe() for predictor in predictors.values()]
    evaluations = [
        Evaluation(name, text, each, classes)
        for name, text, each in zip(names, descriptions, zip(*results, strict=True), strict=True)
    ]
    content = about | {"tables": [asdict(table) for table in tables(evaluations)]}
    (folder / ABOUT).write_text(json.dumps(content), encoding="utf-8")
    report.print_tables(evaluations)


def write_frame(folder: Path, row: int, both: Sequence[tuple[FrameResult, np.ndarray]]) -> dict[str, Any]:
    """Write the pictures of one frame; return its line of frames.jsonl, which docs/reference/formats.md describes."""
    (first, _), (second, _) = both
    pair = first.pair
    image = pair.image.read()
    height, width = decode_image(image, pair.image).shape[:2]
    name = f"{row:06d}{Path(pair.image.name).suffix.lower()}"
    mask_name = f"{row:06d}.png"
    (folder / IMAGES / name).write_bytes(image)
    labels, usual = read_labels(pair), first.classes == DEFAULT_CLASSES
    truth = encode_labels(labels) if usual else encode_in_colours(labels, first.classes)
    (folder / GROUND_TRUTH / mask_name).write_bytes(truth)
    draw = _draw_channels if usual else _draw_colours
    drawn = [draw(prediction, (width, height), first.classes) for _, prediction in both]
    for side, (png, _) in zip(SIDES, drawn, strict=True):
        (folder / side / mask_name).write_bytes(png)
    differing = drawn[0][1] != drawn[1][1]
    left, top, box_width, box_height = cv2.boundingRect(differing.astype(np.uint8))
    line = {
        "frame": row,
        "name": f"{pair.recording}/{pair.name}",
        "image": name,
        "hero_pixels": first.hero_pixels,
        "hero_iou": [first.hero_iou, second.hero_iou],
        "detected": [first.score.detected, second.score.detected],
        "gain": second.frame_score - first.frame_score,
        "differing_pixels": at_reference_size(np.count_nonzero(differing), differing.shape),
        "differing_box": [top, left, top + box_height, left + box_width] if differing.any() else None,
    }
    return line if usual else line | {"mean_iou": [each.mean_iou for each, _ in both]}


def _draw_channels(prediction: np.ndarray, size: tuple[int, int], classes: Classes) -> tuple[bytes, np.ndarray]:
    """Return a prediction as a PNG of this (width, height) with a channel for each class, and the target's mask."""
    channels = predicted_mask(prediction).astype(np.uint8) * 255
    channels = cv2.resize(channels, size, interpolation=cv2.INTER_NEAREST_EXACT)
    png = cv2.imencode(".png", cv2.cvtColor(channels, cv2.COLOR_RGB2BGR))[1]
    return png.tobytes(), channels[..., classes.target] > 0


def _draw_colours(prediction: np.ndarray, size: tuple[int, int], classes: Classes) -> tuple[bytes, np.ndarray]:
    """Return a prediction as a PNG of this (width, height) in the colours of the classes, and the mask to compare.

    That is the target's, or if no class is the target the label of each pixel.
    """
    labels = cv2.resize(prediction.argmax(axis=2).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST_EXACT)
    return encode_in_colours(labels, classes), labels if classes.target is None else labels == classes.target


if __name__ == "__main__":
    sys.exit(main())
