"""Export a model for other runtimes, each format checked against the .h5 on real frames.

    python -m model.export model_weights.h5 --calibration validation.zip --out exported

Writes SavedModel, LiteRT (float32, and 8-bit integers calibrated on the frames), ONNX and OpenVINO, and prints how far
the predictions of each are from the model's own, its size and its latency. A model with classes of its own gets a text
file with their names, a line for each output. LiteRT and ONNX need further packages:
pip install -r requirements-export.txt
"""

import config.interrupts  # noqa: F401 - before all else

# isort: split
import argparse
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from rich.progress import track
from rich.table import Table

from config.commands import command_parser, run_command
from config.paths import path_of
from dataset.files import write_atomically
from dataset.images import decode_image, resize_bilinear
from dataset.pairs import find_pairs
from dataset.problems import summarise_problems
from dataset.schema import DEFAULT_CLASSES
from model.console import console, print_place, print_plain
from model.export.formats import FORMATS, Artefact
from model.inference.quiet_tensorflow import import_tensorflow_quietly
from model.score import predicted_mask

CALIBRATION_FRAMES, CHECK_FRAMES = 100, 40
TOLERANCE = 0.05  # of 255: mean difference of a frame that exact formats stay below


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, 1 if predictions differ, 2 if a format cannot be written, 130 after Ctrl-C."""
    parser = command_parser("model.export", __doc__)
    parser.add_argument("weights", metavar="WEIGHTS", help="the model: a file, or a name in model/weights/")
    text = f"of {', '.join(FORMATS)} (default: all)"
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=list(FORMATS), metavar="FORMAT", help=text)
    parser.add_argument("--out", type=path_of, default=Path("exported"), metavar="DIR", help="default: %(default)s")
    text = "frames for calibration and check: a folder or .zip with images/ and masks/"
    parser.add_argument("--calibration", type=path_of, required=True, metavar="DATA", help=text)
    options = parser.parse_args(arguments)
    return run_command("export", lambda: export(options))


def export(options: argparse.Namespace) -> int:
    """Write and check formats; return 1 if predictions differ.

    Raises RuntimeError when packages are missing, before anything is written.
    """
    check_packages(options.formats)
    print_place(options.weights)
    with console.status("loading"):
        import_tensorflow_quietly()
        from model.weights import load_model

        loaded = load_model(options.weights)
        calibration_frames, frames = read_frames(options.calibration, loaded.input_size)
        expected = np.concatenate([loaded.model.predict_on_batch(f[None].astype(np.float32)) for f in frames])
    if loaded.convention:
        print_plain(
            f"{options.weights} {loaded.convention}; what is exported takes RGB in 0..255 and gives probabilities"
        )
    options.out.mkdir(parents=True, exist_ok=True)
    stem = options.out / Path(loaded.name).stem
    if loaded.classes != DEFAULT_CLASSES:
        file = stem.with_name(f"{stem.name}_classes.txt")
        write_atomically(file, "".join(f"{name}\n" for name in loaded.classes.names))
        print_plain(f"{options.weights} tells apart {loaded.classes}: {file} has the names in the outputs' order")
    table = Table(caption="differences of 255 from the .h5, mean of all frames and of the worst; IoU of target masks")
    for index, column in enumerate(("format", "input", "MB", "ms", "mean", "worst", "IoU")):
        table.add_column(column, justify="right" if index > 1 else "left", no_wrap=True)
    wrong = []
    for name in track(options.formats, description="exporting", console=console, transient=True):
        artefact = FORMATS[name].export(loaded.model, stem, calibration_frames)
        passed, row = check(name, artefact, frames, expected, loaded.classes.target)
        table.add_row(*row)
        if not passed:
            wrong.append(name)
    console.print(table)
    if wrong:
        print(f"export: the predictions of {', '.join(wrong)} differ from the model's, do not use it", file=sys.stderr)
    return 1 if wrong else 0


def check_packages(formats: Sequence[str]) -> None:
    """Raise RuntimeError that names all packages that are missing for these formats."""
    needed = dict.fromkeys(package for name in formats for package in FORMATS[name].packages)
    missing = [package.replace("_", "-") for package in needed if find_spec(package) is None]
    if missing:
        raise RuntimeError(
            f"{', '.join(missing)} {'are' if len(missing) > 1 else 'is'} not installed: "
            "pip install -r requirements-export.txt, or choose other --formats"
        )


def read_frames(source: Path, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Read frames spread evenly over a dataset, for calibration and for the check, with none in both.

    Returns two arrays (n, rows, columns, 3) uint8 at (rows, columns) `size`, and prints what is left out. Raises
    ValueError for too few frames.
    """
    pairs, problems = find_pairs(source)
    if len(pairs) < 2:
        reasons = f"; {summarise_problems(problems)}" if problems else ""
        raise ValueError(
            f"expected at least 2 frames in {source} to calibrate and check with, found {len(pairs)}{reasons}"
        )
    if problems:
        print_plain(f"left out: {summarise_problems(problems)}")
    count = min(CALIBRATION_FRAMES + CHECK_FRAMES, len(pairs))
    images = (pairs[index].image for index in _spread(count, len(pairs)))
    frames = np.stack([resize_bilinear(decode_image(image.read(), image), size) for image in images])
    for_check = _spread(max(count * CHECK_FRAMES // (CALIBRATION_FRAMES + CHECK_FRAMES), 1), count)
    return np.delete(frames, for_check, axis=0), frames[for_check]


def _spread(count: int, length: int) -> np.ndarray:
    """Return `count` indices spread evenly over 0..length - 1."""
    return np.linspace(0, length - 1, count).round().astype(int)


def check(
    name: str, artefact: Artefact, frames: np.ndarray, expected: np.ndarray, target: int | None
) -> tuple[bool, list[str]]:
    """Run an artefact frame by frame, (n, rows, columns, 3) uint8, and compare with the model's predictions.

    Returns whether they agree, and the row of the table, with the IoU of the masks of the class `target`, or of all.
    Those of 8-bit integers need not agree.
    """
    results, seconds = [], []
    artefact.predict(frames[:1])
    for frame in frames:
        start = time.perf_counter()
        results.append(artefact.predict(frame[None])[0])
        seconds.append(time.perf_counter() - start)
    actual = np.stack(results)
    differences = np.abs(actual - expected).mean(axis=(1, 2, 3)) * 255
    compared = np.s_[...] if target is None else np.s_[..., target]
    mask, expected_mask = predicted_mask(actual)[compared], predicted_mask(expected)[compared]
    union = np.count_nonzero(mask | expected_mask)
    iou = np.count_nonzero(mask & expected_mask) / union if union else 1.0
    figures = [f"{value:.4f}" for value in (differences.mean(), differences.max(), iou)]
    row = [name, artefact.input, f"{artefact.megabytes:.2f}", f"{np.median(seconds) * 1000:.1f}", *figures]
    return not FORMATS[name].exact or differences.max() <= TOLERANCE, row


if __name__ == "__main__":
    sys.exit(main())
